// Any bytes as a request's head: the verdict does not depend on the split, every view lies in the buffer, fields are
// clean, and what Quoll would send on reads back as the same request.
//
// The first byte chooses the split and the limits.
//
// Run: cmake --preset fuzz && cmake --build build/fuzz --target request_head_fuzz &&
//   build/fuzz/http/request_head_fuzz -dict=http/src/http_fuzz.dict -max_len=1024 -max_total_time=60
#include <algorithm>
#include <string>

#include "fuzz.h"
#include "quoll/http/head.h"
#include "quoll/http/write.h"

namespace quoll::http {
namespace {

void check_views(const RequestHead& head, std::string_view bytes) {
  QUOLL_FUZZ_CHECK(inside(head.method, bytes) && is_token(head.method));
  QUOLL_FUZZ_CHECK(inside(head.target, bytes) && !head.target.empty());
  QUOLL_FUZZ_CHECK(inside(head.host, bytes));
  QUOLL_FUZZ_CHECK(inside(head.path, bytes) || head.path == "/" || head.path == "*");
  for (const Field& field : head.fields) {
    QUOLL_FUZZ_CHECK(inside(field.name, bytes) && is_token(field.name));
    QUOLL_FUZZ_CHECK(inside(field.value, bytes) && is_field_value(field.value));
  }
  QUOLL_FUZZ_CHECK(head.framing != Framing::until_close);
  QUOLL_FUZZ_CHECK((head.framing == Framing::length) == (head.content_length > 0));
}

// Sends the head on as a proxy does, and reads that.
void check_round_trip(const RequestHead& head) {
  if (head.host.empty()) return;  // HTTP/1.0 without a Host cannot be sent on as HTTP/1.1
  std::string out;
  append_request_line(out, head.method, head.form == TargetForm::authority ? head.target : head.path);
  append_field(out, "Host", head.host);
  append_end_to_end_fields(out, head.fields, head.connection_names_fields, "host");
  if (head.framing == Framing::chunked) append_framing(out, head.framing);
  append_head_end(out);
  HeadScan scan;
  RequestHead again;
  Limits limits;
  limits.head_bytes = out.size() + 1;
  limits.fields = 10000;
  limits.target_bytes = out.size();
  const ParseResult result = parse_request(out, limits, scan, again);
  QUOLL_FUZZ_CHECK(result.complete() && result.consumed == out.size());
  QUOLL_FUZZ_CHECK(again.method == head.method && again.path == head.path && again.host == head.host);
  QUOLL_FUZZ_CHECK(again.framing == head.framing && again.content_length == head.content_length);
}

void check_rebase(RequestHead head, std::string_view bytes) {
  const std::string path(head.path);
  const std::string copy(bytes);
  head.rebase(bytes.data(), copy.data());
  check_views(head, copy);
  QUOLL_FUZZ_CHECK(head.path == path);
}

void check(std::uint8_t choice, std::string_view bytes) {
  Limits limits;
  if (choice % 2 == 1) {
    limits.head_bytes = 64;
    limits.fields = 3;
    limits.target_bytes = 12;
  }
  HeadScan scan;
  RequestHead whole;
  const ParseResult expected = parse_request(bytes, limits, scan, whole);
  QUOLL_FUZZ_CHECK(expected.consumed <= bytes.size() && expected.consumed <= limits.head_bytes);
  QUOLL_FUZZ_CHECK(expected.bad() == (expected.answer >= 400 && !expected.code.empty() && !expected.message.empty()));
  // A full buffer is never told to wait.
  QUOLL_FUZZ_CHECK(expected.status != ParseStatus::need_more || bytes.size() < limits.head_bytes);

  HeadScan parts_scan;
  RequestHead parts;
  ParseResult result;
  Pieces pieces(choice);
  for (std::size_t n = 0; result.status == ParseStatus::need_more && n < bytes.size();) {
    n = std::min(bytes.size(), n + pieces.next());
    result = parse_request(bytes.substr(0, n), limits, parts_scan, parts);
  }
  QUOLL_FUZZ_CHECK(result.status == expected.status && result.consumed == expected.consumed);
  QUOLL_FUZZ_CHECK(result.code == expected.code);
  if (!expected.complete()) return;
  QUOLL_FUZZ_CHECK(same(whole.fields, parts.fields) && whole.path == parts.path && whole.host == parts.host);
  QUOLL_FUZZ_CHECK(whole.framing == parts.framing && whole.keep_alive == parts.keep_alive);
  check_views(whole, bytes.substr(0, expected.consumed));
  check_round_trip(whole);
  check_rebase(whole, bytes);
}

}  // namespace
}  // namespace quoll::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  quoll::http::check(data[0], {reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
