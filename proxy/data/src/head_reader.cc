#include "quoll/proxy/data/head_reader.h"

namespace quoll::proxy {
namespace {

// Of a head that could not be read whole.
bool begins_as_head(std::string_view bytes) {
  if (bytes.starts_with("\r\n")) bytes.remove_prefix(2);
  return bytes.starts_with("HEAD ");
}

}  // namespace

net::Task<HeadResult> read_head(net::Stream& client, Exchange& x, const http::Limits& limits, Duration timeout) {
  http::HeadScan scan;
  TimePoint deadline = net::kNever;
  for (;;) {
    if (!x.in.empty()) {
      const http::ParseResult parsed = http::parse_request(x.in.view(), limits, scan, x.request);
      if (parsed.bad()) co_return HeadResult{HeadEnd::bad, parsed, begins_as_head(x.in.view())};
      if (parsed.complete()) {
        x.in.consume(parsed.consumed);
        co_return HeadResult{HeadEnd::complete, {}};
      }
      if (deadline == net::kNever) deadline = client.loop().now() + timeout;
    }
    // The parser refuses a head before the buffer is full; the extra byte lets it see that there is more.
    if (!x.in.make_room(Exchange::kFirst, limits.head_bytes + 1)) co_return HeadResult{HeadEnd::closed, {}};
    net::ReadResult got = client.try_read(x.in.writable());
    if (got.status == net::IoStatus::would_block) {
      if (x.in.empty()) co_return HeadResult{HeadEnd::nothing, {}};
      got = co_await client.read(x.in.writable(), deadline, true);
    }
    if (got.status == net::IoStatus::deadline) {
      co_return HeadResult{HeadEnd::too_slow, {}, begins_as_head(x.in.view())};
    }
    if (got.status != net::IoStatus::ok) co_return HeadResult{HeadEnd::closed, {}};
    x.in.commit(got.bytes);
    x.arrived_at = got.arrived_at;
    x.read_at = got.read_at;
  }
}

}  // namespace quoll::proxy
