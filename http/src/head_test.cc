#include "quoll/http/head.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace quoll::http {
namespace {

ParseResult request(std::string_view bytes, RequestHead& out, const Limits& limits = {}) {
  HeadScan scan;
  return parse_request(bytes, limits, scan, out);
}

ParseResult response(std::string_view bytes, ResponseHead& out, std::string_view method = "GET") {
  HeadScan scan;
  return parse_response(bytes, Limits{}, method, scan, out);
}

TEST(RequestHead, IsReadWithItsFieldsInOrder) {
  const std::string bytes = "GET /api/data?x=1 HTTP/1.1\r\nHost: localhost:3000\r\nAccept:  */*  \r\n\r\nbody";
  RequestHead head;
  const ParseResult result = request(bytes, head);
  ASSERT_TRUE(result.complete()) << result.message;
  EXPECT_EQ(result.consumed, bytes.size() - 4);
  EXPECT_EQ(head.method, "GET");
  EXPECT_EQ(head.path, "/api/data?x=1");
  EXPECT_EQ(head.host, "localhost:3000");
  ASSERT_EQ(head.fields.size(), 2U);
  EXPECT_EQ(head.fields[1].name, "Accept");
  EXPECT_EQ(head.fields[1].value, "*/*");
  EXPECT_EQ(head.framing, Framing::none);
  EXPECT_TRUE(head.keep_alive);
}

struct BadCase {
  const char* bytes;
  const char* code;
  unsigned answer;
};

class BadRequest : public testing::TestWithParam<BadCase> {};

TEST_P(BadRequest, IsRefusedWithItsCode) {
  RequestHead head;
  const ParseResult result = request(GetParam().bytes, head);
  ASSERT_TRUE(result.bad()) << GetParam().bytes;
  EXPECT_EQ(result.code, GetParam().code) << GetParam().bytes;
  EXPECT_EQ(result.answer, GetParam().answer);
}

INSTANTIATE_TEST_SUITE_P(
    Smuggling, BadRequest,
    testing::Values(
        BadCase{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", "content_length", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", "content_length", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", "content_length", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", "content_length", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                "transfer_encoding", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
                "content_length", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "transfer_coding", 501},
        BadCase{"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", "transfer_coding", 501},
        BadCase{"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "transfer_encoding", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n", "obs_fold", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n", "line_ending", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: a\rX: 1\r\n\r\n", "line_ending", 400},
        BadCase{"GET / HTTP/1.1\r\nHost : a\r\n\r\n", "field_name", 400},
        BadCase{"GET / HTTP/1.1\r\n\r\n", "host", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "host", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "host", 400},
        BadCase{"GET / HTTP/1.1\r\nHost:\r\n\r\n", "host", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: a\r\nConnection: a b\r\n\r\n", "field_value", 400},
        BadCase{"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "version", 505},
        BadCase{"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", "target", 400},
        BadCase{"GET * HTTP/1.1\r\nHost: a\r\n\r\n", "target", 400},
        BadCase{"GET a HTTP/1.1\r\nHost: a\r\n\r\n", "target", 400},
        BadCase{"GET http://u@h/ HTTP/1.1\r\nHost: a\r\n\r\n", "target", 400},
        BadCase{"GET http://h?q HTTP/1.1\r\nHost: a\r\n\r\n", "target", 400},
        BadCase{"CONNECT /x HTTP/1.1\r\nHost: a\r\n\r\n", "target", 400},
        BadCase{"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "request_line", 400}));

TEST(RequestHead, AbsoluteTargetOverridesHost) {
  RequestHead head;
  ASSERT_TRUE(request("GET http://example.org HTTP/1.1\r\nHost: other\r\n\r\n", head).complete());
  EXPECT_EQ(head.host, "example.org");
  EXPECT_EQ(head.path, "/");
  const std::string copy = "GET http://example.org HTTP/1.1\r\nHost: other\r\n\r\n";
  head.rebase(copy.data(), copy.data());
  EXPECT_EQ(head.path, "/");
}

TEST(RequestHead, OneEmptyLineBeforeItIsSkipped) {
  RequestHead head;
  const ParseResult result = request("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", head);
  ASSERT_TRUE(result.complete()) << result.message;
  EXPECT_EQ(result.consumed, 29U);
}

TEST(RequestHead, KeepAliveFollowsVersionAndConnection) {
  RequestHead head;
  ASSERT_TRUE(request("GET / HTTP/1.0\r\n\r\n", head).complete());
  EXPECT_FALSE(head.keep_alive);
  ASSERT_TRUE(request("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", head).complete());
  EXPECT_TRUE(head.keep_alive);
  ASSERT_TRUE(request("GET / HTTP/1.1\r\nHost: a\r\nConnection: close, x-private\r\n\r\n", head).complete());
  EXPECT_FALSE(head.keep_alive);
  EXPECT_TRUE(head.connection_names_fields);
}

TEST(RequestHead, LimitsAreErrorsNotCuts) {
  RequestHead head;
  Limits limits;
  limits.head_bytes = 256;
  const std::string large = "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(300, 'x') + "\r\n\r\n";
  EXPECT_EQ(request(large, head, limits).code, "head_too_large");
  EXPECT_EQ(request(large.substr(0, 280), head, limits).answer, 431U);
  limits = {};
  limits.fields = 1;
  EXPECT_EQ(request("GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n", head, limits).code, "too_many_fields");
  limits = {};
  limits.target_bytes = 4;
  EXPECT_EQ(request("GET /abcd HTTP/1.1\r\nHost: a\r\n\r\n", head, limits).answer, 414U);
  limits = {};
  limits.body_bytes = 4;
  EXPECT_EQ(request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", head, limits).answer, 413U);
}

TEST(ResponseHead, FramingFollowsRfc9112) {
  ResponseHead head;
  ASSERT_TRUE(response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", head).complete());
  EXPECT_EQ(head.framing, Framing::length);
  EXPECT_EQ(head.content_length, 5U);
  ASSERT_TRUE(response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", head, "HEAD").complete());
  EXPECT_EQ(head.framing, Framing::none);
  ASSERT_TRUE(response("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", head).complete());
  EXPECT_EQ(head.framing, Framing::none);
  ASSERT_TRUE(response("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n", head).complete());
  EXPECT_EQ(head.framing, Framing::chunked);
  ASSERT_TRUE(response("HTTP/1.1 200 OK\r\n\r\n", head).complete());
  EXPECT_EQ(head.framing, Framing::until_close);
  EXPECT_FALSE(head.keep_alive);
  ASSERT_TRUE(response("HTTP/1.1 100 Continue\r\n\r\n", head).complete());
  EXPECT_TRUE(head.interim());
  EXPECT_EQ(response("HTTP/1.1 100 Continue\r\nContent-Length: 1\r\n\r\n", head).code, "interim_body");
  EXPECT_TRUE(response("HTTP/1.1 99 X\r\n\r\n", head).bad());
  EXPECT_TRUE(response("garbage\r\n\r\n", head).bad());
}

RC_GTEST_PROP(RequestHead, VerdictDoesNotDependOnTheSplit, ()) {
  std::string bytes = "POST /p HTTP/1.1\r\nHost: a\r\nX-A: b\r\nContent-Length: 3\r\n\r\nabc";
  const auto position = *rc::gen::inRange<std::size_t>(0, bytes.size());
  if (*rc::gen::arbitrary<bool>()) bytes[position] = *rc::gen::arbitrary<char>();
  RequestHead whole;
  const ParseResult expected = request(bytes, whole);

  HeadScan scan;
  RequestHead head;
  ParseResult result;
  for (std::size_t n = 0; n <= bytes.size() && result.status == ParseStatus::need_more;) {
    result = parse_request(std::string_view(bytes).substr(0, n), Limits{}, scan, head);
    n += *rc::gen::inRange<std::size_t>(1, 9);
    if (n > bytes.size() && result.status == ParseStatus::need_more) {
      result = parse_request(bytes, Limits{}, scan, head);
      break;
    }
  }
  RC_ASSERT(result.status == expected.status);
  RC_ASSERT(result.consumed == expected.consumed);
  if (expected.bad()) RC_ASSERT(result.code == expected.code);
}

}  // namespace
}  // namespace quoll::http
