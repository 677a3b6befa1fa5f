// Any bytes as a response's head: the verdict does not depend on the split, every view lies in the buffer, fields are
// clean, and what Quoll would send on reads back as the same response.
//
// The first byte chooses the split, the limits and the request's method.
//
// Run: cmake --preset fuzz && cmake --build build/fuzz --target response_head_fuzz &&
//   build/fuzz/http/response_head_fuzz -dict=http/src/http_fuzz.dict -max_len=1024 -max_total_time=60
#include <algorithm>
#include <array>
#include <string>

#include "fuzz.h"
#include "quoll/http/head.h"
#include "quoll/http/write.h"

namespace quoll::http {
namespace {

void check_views(const ResponseHead& head, std::string_view bytes) {
  QUOLL_FUZZ_CHECK(head.status >= 100 && head.status <= 999);
  QUOLL_FUZZ_CHECK(inside(head.reason, bytes));
  for (const Field& field : head.fields) {
    QUOLL_FUZZ_CHECK(inside(field.name, bytes) && is_token(field.name));
    QUOLL_FUZZ_CHECK(inside(field.value, bytes) && is_field_value(field.value));
  }
  QUOLL_FUZZ_CHECK((head.framing == Framing::length) == (head.content_length > 0));
  QUOLL_FUZZ_CHECK(head.framing != Framing::until_close || !head.keep_alive);
  QUOLL_FUZZ_CHECK(!head.interim() || head.framing == Framing::none);
}

void check_round_trip(const ResponseHead& head, std::string_view method) {
  std::string out;
  append_status_line(out, head.status, head.reason);
  append_end_to_end_fields(out, head.fields, head.connection_names_fields);
  if (head.framing == Framing::chunked) append_framing(out, head.framing);
  append_head_end(out);
  HeadScan scan;
  ResponseHead again;
  Limits limits;
  limits.head_bytes = out.size() + 1;
  limits.fields = 10000;
  const ParseResult result = parse_response(out, limits, method, scan, again);
  QUOLL_FUZZ_CHECK(result.complete() && result.consumed == out.size());
  QUOLL_FUZZ_CHECK(again.status == head.status && (head.reason.empty() || again.reason == head.reason));
  QUOLL_FUZZ_CHECK(again.framing == head.framing && again.content_length == head.content_length);
}

void check_rebase(ResponseHead head, std::string_view bytes) {
  const std::string copy(bytes);
  head.rebase(bytes.data(), copy.data());
  check_views(head, copy);
}

void check(std::uint8_t choice, std::string_view bytes) {
  constexpr std::array<std::string_view, 3> kMethods = {"GET", "HEAD", "CONNECT"};
  const std::string_view method = kMethods[choice / 2 % kMethods.size()];
  Limits limits;
  if (choice % 2 == 1) {
    limits.head_bytes = 64;
    limits.fields = 3;
  }
  HeadScan scan;
  ResponseHead whole;
  const ParseResult expected = parse_response(bytes, limits, method, scan, whole);
  QUOLL_FUZZ_CHECK(expected.consumed <= bytes.size() && expected.consumed <= limits.head_bytes);
  QUOLL_FUZZ_CHECK(expected.bad() == (expected.answer >= 400 && !expected.code.empty() && !expected.message.empty()));
  QUOLL_FUZZ_CHECK(expected.status != ParseStatus::need_more || bytes.size() < limits.head_bytes);

  HeadScan parts_scan;
  ResponseHead parts;
  ParseResult result;
  Pieces pieces(choice);
  for (std::size_t n = 0; result.status == ParseStatus::need_more && n < bytes.size();) {
    n = std::min(bytes.size(), n + pieces.next());
    result = parse_response(bytes.substr(0, n), limits, method, parts_scan, parts);
  }
  QUOLL_FUZZ_CHECK(result.status == expected.status && result.consumed == expected.consumed);
  QUOLL_FUZZ_CHECK(result.code == expected.code);
  if (!expected.complete()) return;
  QUOLL_FUZZ_CHECK(same(whole.fields, parts.fields) && whole.status == parts.status && whole.reason == parts.reason);
  QUOLL_FUZZ_CHECK(whole.framing == parts.framing && whole.keep_alive == parts.keep_alive);
  check_views(whole, bytes.substr(0, expected.consumed));
  check_round_trip(whole, method);
  check_rebase(whole, bytes);
}

}  // namespace
}  // namespace quoll::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  quoll::http::check(data[0], {reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
