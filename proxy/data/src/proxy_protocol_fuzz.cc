// What a PROXY header means does not depend on how it was split, and it is bounded.
#include <cstdint>
#include <cstdlib>

#include "proxy_protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using quoll::proxy::ProxyHeader;
  using Status = ProxyHeader::Status;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const ProxyHeader whole = quoll::proxy::parse_proxy_header(bytes);
  if (whole.status == Status::complete && (whole.consumed == 0 || whole.consumed > size)) std::abort();
  if (whole.status == Status::bad && whole.fault.empty()) std::abort();
  if (whole.status == Status::need_more && size >= quoll::proxy::kMostProxyHeader) std::abort();
  for (std::size_t n = 0; n <= size && n <= quoll::proxy::kMostProxyHeader; ++n) {
    const ProxyHeader part = quoll::proxy::parse_proxy_header(bytes.substr(0, n));
    if (part.status == Status::need_more) continue;
    // The first verdict is the last one.
    if (part.status != whole.status || part.consumed != whole.consumed || part.source != whole.source) std::abort();
    break;
  }
  return 0;
}
