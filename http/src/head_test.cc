#include "quoll/http/head.h"

#include <gtest/gtest.h>

#include <ostream>
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

std::ostream& operator<<(std::ostream& out, const BadCase& c) {
  return out << c.code << ' ' << c.answer;
}

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
        BadCase{"GET / HTTP/1.2\r\nHost: a\r\n\r\n", "version", 505},
        BadCase{"GET / http/1.1\r\nHost: a\r\n\r\n", "request_line", 400},
        BadCase{"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "request_line", 400},
        BadCase{"GET / HTTP/1\r\nHost: a\r\n\r\n", "request_line", 400},
        BadCase{"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "request_line", 400},
        BadCase{"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "target", 400}, BadCase{"GET /\r\n\r\n", "target", 400},
        BadCase{"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", "request_line", 400},
        BadCase{" GET / HTTP/1.1\r\nHost: a\r\n\r\n", "request_line", 400},
        BadCase{"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", "target", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n", "field_value", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: a\r\nX: \x7f\r\n\r\n", "field_value", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: a\r\n: v\r\n\r\n", "field_name", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", "field_name", 400},
        BadCase{"GET / HTTP/1.1\r\n Host: a\r\n\r\n", "obs_fold", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", "line_ending", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: a\r\nX\r: b\r\n\r\n", "line_ending", 400},
        BadCase{"GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", "line_ending", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n", "line_ending", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n\r\r\n\r\n", "line_ending", 400},
        BadCase{"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "line_ending", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", "content_length", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "content_length", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n\r\n", "content_length", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
                "transfer_encoding", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", "transfer_coding", 501},
        BadCase{"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", "transfer_coding", 501},
        BadCase{"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "host", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", "host", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", "host", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: a%zz\r\n\r\n", "host", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: a%4\r\n\r\n", "host", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: a%\r\n\r\n", "host", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: a%4:80\r\n\r\n", "host", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: :80\r\n\r\n", "host", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: []\r\n\r\n", "host", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: [g::1]\r\n\r\n", "host", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: [1:2:3:4:5:6:7]\r\n\r\n", "host", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: [1::2::3]\r\n\r\n", "host", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: [::1.2.3.256]\r\n\r\n", "host", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: [fe80::1%eth0]\r\n\r\n", "host", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: [fe80::1%25%z0]\r\n\r\n", "host", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: [v1]\r\n\r\n", "host", 400},
        BadCase{"GET http://a%zz/ HTTP/1.1\r\nHost: a\r\n\r\n", "target", 400},
        BadCase{"CONNECT a%zz:80 HTTP/1.1\r\nHost: a\r\n\r\n", "target", 400},
        BadCase{"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", "host", 400},
        BadCase{"GET ftp://h/ HTTP/1.1\r\nHost: a\r\n\r\n", "target", 400},
        BadCase{"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", "target", 400},
        BadCase{"CONNECT h HTTP/1.1\r\nHost: a\r\n\r\n", "target", 400},
        BadCase{"CONNECT h: HTTP/1.1\r\nHost: a\r\n\r\n", "target", 400},
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

TEST(RequestHead, HostMayBeWhateverRfc3986Allows) {
  for (const std::string host :
       {"a", "a:", "a:80", "a%41", "%C3%A9.example:8080", "x_y", "a!$&'()*+,;=b", "127.0.0.1:3000", "[::]", "[::1]:80",
        "[1:2:3:4:5:6:7:8]", "[1::]", "[::ffff:127.0.0.1]", "[1:2:3:4:5:6:1.2.3.4]", "[fe80::1%25eth0]:80",
        "[fe80::1%25e%740]", "[v1.x:y]", "[::FfFf]"}) {
    RequestHead head;
    const std::string bytes = "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
    const ParseResult got = request(bytes, head);
    EXPECT_TRUE(got.complete()) << host << ": " << got.message;
    EXPECT_EQ(head.host, host);
  }
}

// Guards against OPTIONS http://host being sent on as OPTIONS / (RFC 9112 section 3.2.4).
TEST(RequestHead, OptionsForAWholeHostIsSentOnWithAnAsterisk) {
  RequestHead head;
  ASSERT_TRUE(request("OPTIONS http://example.org:8080 HTTP/1.1\r\nHost: other\r\n\r\n", head).complete());
  EXPECT_EQ(head.path, "*");
  EXPECT_EQ(head.host, "example.org:8080");
  ASSERT_TRUE(request("OPTIONS http://example.org/ HTTP/1.1\r\nHost: other\r\n\r\n", head).complete());
  EXPECT_EQ(head.path, "/");
  ASSERT_TRUE(request("OPTIONS * HTTP/1.1\r\nHost: other\r\n\r\n", head).complete());
  EXPECT_EQ(head.form, TargetForm::asterisk);
  EXPECT_EQ(head.host, "other");
}

TEST(RequestHead, ConnectNamesItsDestination) {
  RequestHead head;
  ASSERT_TRUE(request("CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n", head).complete());
  EXPECT_EQ(head.form, TargetForm::authority);
  EXPECT_EQ(head.host, "[::1]:443");
  EXPECT_EQ(head.path, "");
}

TEST(RequestHead, Http10NeedsNoHost) {
  RequestHead head;
  ASSERT_TRUE(request("GET / HTTP/1.0\r\n\r\n", head).complete());
  EXPECT_EQ(head.host, "");
  EXPECT_EQ(head.minor_version, 0);
}

TEST(RequestHead, Http10HasNeitherUpgradeNorContinue) {
  RequestHead head;
  const std::string fields = "Host: a\r\nConnection: upgrade\r\nUpgrade: x\r\nExpect: 100-Continue\r\n\r\n";
  ASSERT_TRUE(request("GET / HTTP/1.0\r\n" + fields, head).complete());
  EXPECT_FALSE(head.upgrade);
  EXPECT_FALSE(head.expect_continue);
  ASSERT_TRUE(request("GET / HTTP/1.1\r\n" + fields, head).complete());
  EXPECT_TRUE(head.upgrade);
  EXPECT_TRUE(head.expect_continue);
}

TEST(RequestHead, RebaseMovesEveryViewToTheCopy) {
  const std::string bytes = "GET http://h:1/p?q HTTP/1.1\r\nHost: other\r\nEmpty:\r\n\r\n";
  RequestHead head;
  ASSERT_TRUE(request(bytes, head).complete());
  const std::string copy(bytes.data(), bytes.size());
  head.rebase(bytes.data(), copy.data());
  const auto moved = [&](std::string_view text) {
    return text.data() >= copy.data() && text.data() + text.size() <= copy.data() + copy.size();
  };
  EXPECT_TRUE(moved(head.method) && moved(head.target) && moved(head.host) && moved(head.path));
  for (const Field& field : head.fields) EXPECT_TRUE(moved(field.name) && moved(field.value)) << field.name;
  EXPECT_EQ(head.path, "/p?q");
  EXPECT_EQ(head.fields.find("host"), "other");
  EXPECT_EQ(head.fields.find("empty"), "");
}

// Guards against a full buffer that is told to read more, and against a fault beyond the limit being reported by those
// who happened to read it.
TEST(RequestHead, ABufferOfHeadBytesIsEnoughForAVerdict) {
  Limits limits;
  limits.head_bytes = 256;
  const std::string start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
  RequestHead head;
  const std::string fits = start + std::string(256 - start.size() - 4, 'x') + "\r\n\r\n";
  ASSERT_EQ(fits.size(), 256U);
  EXPECT_TRUE(request(fits, head, limits).complete());
  EXPECT_EQ(request("\r\n" + fits, head, limits).code, "head_too_large");
  const std::string large = start + std::string(300, 'x') + "\ry\r\n\r\n";
  EXPECT_EQ(request(std::string_view(large).substr(0, 255), head, limits).status, ParseStatus::need_more);
  EXPECT_EQ(request(std::string_view(large).substr(0, 256), head, limits).code, "head_too_large");
  EXPECT_EQ(request(large, head, limits).code, "head_too_large");
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

// A list of 30,000 options beside 95 fields cost 33 ms a request, for each field was sought in the whole list.
TEST(RequestHead, ConnectionsOptionsAreBoundedOverAllItsFields) {
  const auto head_with = [](int options, int empty) {
    std::string list;
    for (int i = 0; i < options; ++i) list += "a" + std::to_string(i) + ",";
    return "Host: a\r\nConnection: close\r\nConnection: " + list + std::string(static_cast<std::size_t>(empty), ',') +
           "\r\nX: 1\r\n\r\n";
  };
  RequestHead head;
  const std::string line = "GET / HTTP/1.1\r\n";
  EXPECT_TRUE(request(line + head_with(63, 1000), head).complete()) << "empty members are none";
  EXPECT_EQ(request(line + head_with(64, 0), head).code, "connection_options");
  EXPECT_EQ(request(line + head_with(64, 0), head).answer, 431U);
  EXPECT_EQ(request(line + "Host: a\r\nConnection: " + std::string(400, 'a').replace(1, 398, std::string(398, ',')) +
                        "\r\n\r\n",
                    head)
                .status,
            ParseStatus::complete);
  ResponseHead answer;
  HeadScan scan;
  EXPECT_EQ(parse_response("HTTP/1.1 200 OK\r\n" + head_with(64, 0), Limits{}, "GET", scan, answer).code,
            "connection_options");
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
}

TEST(ResponseHead, ConnectsSuccessHasNoBody) {
  ResponseHead head;
  const std::string_view bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  ASSERT_TRUE(response(bytes, head, "CONNECT").complete());
  EXPECT_EQ(head.framing, Framing::none);
  ASSERT_TRUE(response("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\n", head, "CONNECT").complete());
  EXPECT_EQ(head.framing, Framing::length);
}

// Guards against the body of a server that sends one with a 204 being read as the next response.
TEST(ResponseHead, A204ThatAnnouncesABodyIsItsConnectionsLast) {
  ResponseHead head;
  ASSERT_TRUE(response("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", head).complete());
  EXPECT_TRUE(head.keep_alive);
  for (const char* field : {"Content-Length: 5", "Transfer-Encoding: chunked"}) {
    ASSERT_TRUE(response(std::string("HTTP/1.1 204 No Content\r\n") + field + "\r\n\r\n", head).complete());
    EXPECT_EQ(head.framing, Framing::none);
    EXPECT_FALSE(head.keep_alive);
  }
}

TEST(ResponseHead, SwitchingProtocolsIsNotInterim) {
  ResponseHead head;
  ASSERT_TRUE(response("HTTP/1.1 101 Switching Protocols\r\n\r\n", head).complete());
  EXPECT_FALSE(head.interim());
  EXPECT_EQ(head.framing, Framing::none);
}

TEST(ResponseHead, TheReasonMayBeEmptyOrForeign) {
  ResponseHead head;
  ASSERT_TRUE(response("HTTP/1.0 200 \r\n\r\n", head).complete());
  EXPECT_EQ(head.reason, "");
  ASSERT_TRUE(response("HTTP/1.1 404 Pas trouv\xe9\r\n\r\n", head).complete());
  EXPECT_EQ(head.reason, "Pas trouv\xe9");
}

TEST(ResponseHead, RebaseMovesEveryViewToTheCopy) {
  const std::string bytes = "HTTP/1.1 200 OK\r\nServer: s\r\nContent-Length: 0\r\n\r\n";
  ResponseHead head;
  ASSERT_TRUE(response(bytes, head).complete());
  const std::string copy(bytes.data(), bytes.size());
  head.rebase(bytes.data(), copy.data());
  EXPECT_EQ(head.reason.data(), copy.data() + 13);
  EXPECT_EQ(head.fields[0].value.data(), copy.data() + 25);
  EXPECT_EQ(head.fields.find("server"), "s");
}

class BadResponse : public testing::TestWithParam<BadCase> {};

TEST_P(BadResponse, IsRefusedWithItsCode) {
  ResponseHead head;
  const ParseResult result = response(GetParam().bytes, head);
  ASSERT_TRUE(result.bad()) << GetParam().bytes;
  EXPECT_EQ(result.code, GetParam().code) << GetParam().bytes;
  EXPECT_EQ(result.answer, GetParam().answer);
}

INSTANTIATE_TEST_SUITE_P(
    Malformed, BadResponse,
    testing::Values(
        BadCase{"garbage\r\n\r\n", "status_line", 400}, BadCase{"HTTP/1.1 99 X\r\n\r\n", "status_line", 400},
        BadCase{"HTTP/1.1 099 X\r\n\r\n", "status_line", 400}, BadCase{"HTTP/1.1 2000 X\r\n\r\n", "status_line", 400},
        BadCase{"HTTP/1.1 200\r\n\r\n", "status_line", 400}, BadCase{"HTTP/1.1  200 OK\r\n\r\n", "status_line", 400},
        BadCase{"HTTP/1.1 200 O\x01K\r\n\r\n", "status_line", 400},
        BadCase{"\r\nHTTP/1.1 200 OK\r\n\r\n", "status_line", 400}, BadCase{"HTTP/2.0 200 OK\r\n\r\n", "version", 505},
        BadCase{"HTTP/1.1 200 O\rK\r\n\r\n", "line_ending", 400}, BadCase{"HTTP/1.1 200 OK\n\r\n", "line_ending", 400},
        BadCase{"HTTP/1.1 200 OK\r\nA: b\r\n\tc\r\n\r\n", "obs_fold", 400},
        BadCase{"HTTP/1.1 200 OK\r\nA b: c\r\n\r\n", "field_name", 400},
        BadCase{"HTTP/1.1 200 OK\r\nA: \x02\r\n\r\n", "field_value", 400},
        BadCase{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", "content_length", 400},
        BadCase{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "transfer_encoding", 400},
        BadCase{"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "transfer_encoding", 400},
        BadCase{"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "transfer_coding", 501},
        BadCase{"HTTP/1.1 103 Hints\r\nTransfer-Encoding: chunked\r\n\r\n", "interim_body", 400}));

}  // namespace
}  // namespace quoll::http
