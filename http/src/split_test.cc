// The verdict on a message never depends on how its bytes were split, and no bytes bring a parser down.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "quoll/http/body.h"
#include "quoll/http/head.h"

namespace quoll::http {
namespace {

// All that a parse says, as text.
std::string told(const ParseResult& result) {
  return std::to_string(static_cast<int>(result.status)) + '/' + std::to_string(result.consumed) + '/' +
         std::to_string(result.answer) + '/' + std::string(result.code);
}
std::string told(const FieldList& fields) {
  std::string out;
  for (const Field& field : fields) out.append(field.name).append(1, '=').append(field.value).append(1, '|');
  return out;
}
std::string told(const ParseResult& result, const RequestHead& head) {
  if (!result.complete()) return told(result);
  std::string out = told(result);
  for (const std::string_view text : {head.method, head.target, head.host, head.path}) out.append(1, ' ').append(text);
  return out + ' ' + told(head.fields) + std::to_string(head.content_length) +
         std::to_string(static_cast<int>(head.framing)) + std::to_string(static_cast<int>(head.keep_alive));
}
std::string told(const ParseResult& result, const ResponseHead& head) {
  if (!result.complete()) return told(result);
  return told(result) + ' ' + std::to_string(head.status) + ' ' + std::string(head.reason) + ' ' + told(head.fields) +
         std::to_string(head.content_length) + std::to_string(static_cast<int>(head.framing)) +
         std::to_string(static_cast<int>(head.keep_alive));
}

// What is said of `bytes` when they arrive in three parts that end at `first`, `second` and the end.
std::string request_in_parts(std::string_view bytes, std::size_t first, std::size_t second, const Limits& limits = {}) {
  HeadScan scan;
  RequestHead head;
  ParseResult result;
  for (const std::size_t n : {first, second, bytes.size()}) {
    result = parse_request(bytes.substr(0, n), limits, scan, head);
    if (result.status != ParseStatus::need_more) break;
  }
  return told(result, head);
}
std::string response_in_parts(std::string_view bytes, std::size_t first, std::size_t second,
                              const Limits& limits = {}) {
  HeadScan scan;
  ResponseHead head;
  ParseResult result;
  for (const std::size_t n : {first, second, bytes.size()}) {
    result = parse_response(bytes.substr(0, n), limits, "GET", scan, head);
    if (result.status != ParseStatus::need_more) break;
  }
  return told(result, head);
}
// The content, the bytes used up and the verdict, for input in pieces that end at `first`, `second` and the end.
std::string body_in_parts(BodyReader reader, std::string_view bytes, std::size_t first, std::size_t second) {
  std::string content;
  std::size_t used = 0;
  for (const std::size_t n : {first, second, bytes.size()}) {
    while (used < n && !reader.done()) {
      const auto piece = reader.next(std::span(bytes.data() + used, n - used));
      if (!piece) return "error " + piece.error().code;
      content.append(piece->data.data(), piece->data.size());
      used += piece->consumed;
    }
  }
  return content + '/' + std::to_string(used) + '/' + std::to_string(static_cast<int>(reader.done()));
}

// Tries every pair of positions.
void expect_no_split_matters(std::string_view bytes,
                             const std::function<std::string(std::size_t, std::size_t)>& in_parts) {
  const std::string whole = in_parts(bytes.size(), bytes.size());
  for (std::size_t first = 0; first <= bytes.size(); ++first) {
    for (std::size_t second = first; second <= bytes.size(); ++second) {
      ASSERT_EQ(in_parts(first, second), whole) << first << ' ' << second << ' ' << bytes;
    }
  }
}

TEST(Split, NoneChangesARequest) {
  for (const std::string_view bytes : {
           "GET /a?b HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n",
           "\r\nPOST http://h/p HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabcGET /",
           "PUT /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
           "GET / HTTP/1.1\nHost: a\r\n\r\n",
           "\r\n\r\nGET / HTTP/1.1\r\n",
       }) {
    expect_no_split_matters(bytes, [&](std::size_t a, std::size_t b) { return request_in_parts(bytes, a, b); });
  }
}

TEST(Split, NoneChangesAResponse) {
  for (const std::string_view bytes : {
           "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nabc",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nServer: s\r\n\r\n0\r\n\r\n",
           "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
           "HTTP/1.0 200 \r\nA:\r\n\r\nuntil the close",
           "HTTP/1.1 200 OK\r\nA: b\r\n\tc\r\n\r\n",
           "\r\nHTTP/1.1 200 OK\r\n\r\n",
       }) {
    expect_no_split_matters(bytes, [&](std::size_t a, std::size_t b) { return response_in_parts(bytes, a, b); });
  }
}

TEST(Split, NoneChangesTheVerdictAtALimit) {
  Limits limits;
  limits.head_bytes = 40;
  limits.fields = 2;
  for (const std::string_view bytes : {
           "GET / HTTP/1.1\r\nHost: a\r\nX: 0123456789\rbad\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: a\r\nX: 012345678\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: a\r\nX: 0123456\r\n\r\n",
           "\r\nGET / HTTP/1.1\r\nHost: a\r\nX: 0123456\r\n\r\n",
           "GET / HTTP/1.1\r\nA:b\r\nC:d\r\nE:f\r\n\r\n",
       }) {
    expect_no_split_matters(bytes, [&](std::size_t a, std::size_t b) { return request_in_parts(bytes, a, b, limits); });
  }
}

TEST(Split, NoneChangesABody) {
  for (const std::string_view bytes : {
           "5;x=\"y\"\r\nabcde\r\n00a \r\n0123456789\r\n0\r\nT: 1\r\nU:\r\n\r\nnext",
           "1\r\na\r\n1\r\nbX",
           "1\r\na\r\n0\r\nbad trailer\r\n\r\n",
           "10000000000000000\r\n",
       }) {
    const BodyReader reader(Framing::chunked, 0, {});
    expect_no_split_matters(bytes, [&](std::size_t a, std::size_t b) { return body_in_parts(reader, bytes, a, b); });
  }
  const BodyReader reader(Framing::length, 4, {});
  expect_no_split_matters("abcdef",
                          [&](std::size_t a, std::size_t b) { return body_in_parts(reader, "abcdef", a, b); });
}

// --- Any bytes ------------------------------------------------------------------------------------------------------

// Bytes that get further than uniform ones do: pieces of messages between random text.
rc::Gen<std::string> bytes_like_http() {
  const auto piece =
      rc::gen::oneOf(rc::gen::element<std::string>("GET / HTTP/1.1\r\n", "HTTP/1.1 200 OK\r\n", "Host: a\r\n", "\r\n",
                                                   "\n", "\r", " ", ":", "Content-Length: 3\r\n",
                                                   "Transfer-Encoding: chunked\r\n", "Connection: close, x\r\n",
                                                   "3\r\nabc\r\n", "0\r\n", ";e=1", "ffffffffffffffff", "X: y\r\n"),
                     rc::gen::string<std::string>());
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(piece), [](const std::vector<std::string>& parts) {
    std::string out;
    for (const std::string& part : parts) out += part;
    return out;
  });
}

bool inside(std::string_view text, std::string_view buffer) {
  return text.empty() || (text.data() >= buffer.data() && text.data() + text.size() <= buffer.data() + buffer.size());
}

RC_GTEST_PROP(AnyBytes, GetTheSameRequestVerdictInAnySplit, ()) {
  std::string bytes = *bytes_like_http();
  if (*rc::gen::arbitrary<bool>()) bytes.insert(0, "GET / HTTP/1.1\r\nHost: a\r\n");
  const auto first = *rc::gen::inRange<std::size_t>(0, bytes.size() + 1);
  const auto second = *rc::gen::inRange<std::size_t>(first, bytes.size() + 1);
  RC_ASSERT(request_in_parts(bytes, first, second) == request_in_parts(bytes, bytes.size(), bytes.size()));
  HeadScan scan;
  RequestHead head;
  const ParseResult result = parse_request(bytes, Limits{}, scan, head);
  RC_ASSERT(result.consumed <= bytes.size());
  RC_ASSERT(result.bad() == !result.code.empty());
  if (!result.complete()) return;
  for (const Field& field : head.fields) {
    RC_ASSERT(inside(field.name, bytes) && is_token(field.name));
    RC_ASSERT(inside(field.value, bytes) && is_field_value(field.value));
  }
}

RC_GTEST_PROP(AnyBytes, GetTheSameResponseVerdictInAnySplit, ()) {
  std::string bytes = *bytes_like_http();
  if (*rc::gen::arbitrary<bool>()) bytes.insert(0, "HTTP/1.1 200 OK\r\nA: b\r\n");
  const auto first = *rc::gen::inRange<std::size_t>(0, bytes.size() + 1);
  const auto second = *rc::gen::inRange<std::size_t>(first, bytes.size() + 1);
  RC_ASSERT(response_in_parts(bytes, first, second) == response_in_parts(bytes, bytes.size(), bytes.size()));
}

RC_GTEST_PROP(AnyBytes, GetTheSameBodyVerdictInAnySplit, ()) {
  const std::string bytes = *bytes_like_http();
  const auto first = *rc::gen::inRange<std::size_t>(0, bytes.size() + 1);
  const auto second = *rc::gen::inRange<std::size_t>(first, bytes.size() + 1);
  Limits limits;
  limits.body_bytes = 20;
  for (const Framing framing : {Framing::none, Framing::length, Framing::chunked, Framing::until_close}) {
    const BodyReader reader(framing, 12, limits);
    RC_ASSERT(body_in_parts(reader, bytes, first, second) == body_in_parts(reader, bytes, bytes.size(), bytes.size()));
  }
}

}  // namespace
}  // namespace quoll::http
