#include "quoll/http/write.h"

#include <gtest/gtest.h>

#include <set>

#include "quoll/http/proxy_status.h"

namespace quoll::http {
namespace {

TEST(Write, FieldsCannotCarryALineBreak) {
  std::string out;
  append_field(out, "X", "a\r\nSet-Cookie: b");
  EXPECT_EQ(out, "X: a  Set-Cookie: b\r\n");
}

TEST(Write, EndToEndDropsHopByHopAndWhatConnectionNames) {
  FieldList fields;
  fields.add("Connection", "X-Private, Host");
  fields.add("X-Private", "1");
  fields.add("Host", "a");
  fields.add("Transfer-Encoding", "chunked");
  fields.add("TE", "trailers");
  fields.add("Accept", "*/*");
  std::string out;
  append_end_to_end_fields(out, fields, true, "accept");
  EXPECT_EQ(out, "Host: a\r\n");
}

TEST(Write, DatesAreImfFixdate) {
  std::array<char, kHttpDateBytes> buffer;
  EXPECT_EQ(format_http_date(buffer, WallTime(std::chrono::seconds(784111777))), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(Write, StatusLinesHaveTheStandardPhrase) {
  std::string out;
  append_status_line(out, 503);
  append_status_line(out, 299);
  EXPECT_EQ(out, "HTTP/1.1 503 Service Unavailable\r\nHTTP/1.1 299 Unknown\r\n");
}

TEST(ProxyStatus, WhatIsNoTokenIsQuoted) {
  const auto name = [](std::string_view proxy) {
    const std::string value = proxy_status_value({.proxy = proxy});
    return value.substr(0, value.find(';'));
  };
  EXPECT_EQ(name("quoll-1.example"), "quoll-1.example");
  EXPECT_EQ(name("*"), "*");
  EXPECT_EQ(name("1st"), "\"1st\"");
  EXPECT_EQ(name("!x"), "\"!x\"");
  EXPECT_EQ(name(""), "\"\"");
  EXPECT_EQ(name("a\\b\r\n"), "\"a\\\\b??\"");
}

TEST(ProxyStatus, EveryErrorHasItsRegisteredName) {
  std::set<std::string_view> names;
  for (unsigned i = 0; i <= static_cast<unsigned>(ProxyError::proxy_loop_detected); ++i) {
    const std::string_view name = to_string(static_cast<ProxyError>(i));
    EXPECT_TRUE(is_token(name));
    EXPECT_TRUE(names.insert(name).second) << name << " stands for two errors";
  }
  EXPECT_TRUE(names.contains("connection_read_timeout"));
  EXPECT_EQ(names.size(), 21U);
}

TEST(ProxyStatus, SaysWhatHappened) {
  EXPECT_EQ(proxy_status_value({.error = ProxyError::connection_timeout, .details = "it \"hung\"\n"}),
            "quoll; error=connection_timeout; details=\"it \\\"hung\\\"?\"");
  EXPECT_EQ(proxy_status_value(
                {.proxy = "my proxy", .error = ProxyError::dns_error, .next_hop = "a:1", .received_status = 500}),
            "\"my proxy\"; error=dns_error; received-status=500; next-hop=\"a:1\"");
}

TEST(Trailers, AreWhatMayComeAfterABody) {
  for (const std::string_view name : {"Content-Length", "transfer-encoding", "HOST", "Cookie", "X-Forwarded-For", "TE",
                                      "x-forwarded-", "Cache-Control", "Authorization", "Content-Type"}) {
    EXPECT_FALSE(may_be_trailer(name)) << name;
  }
  for (const std::string_view name : {"X-Sum", "ETag", "Digest", "grpc-status", "Server-Timing", "X-Forwarded"}) {
    EXPECT_TRUE(may_be_trailer(name)) << name;
  }
  EXPECT_EQ(format_last_chunk(""), "0\r\n\r\n");
  EXPECT_EQ(format_last_chunk("Host: a\r\n"), "0\r\n\r\n");
  EXPECT_EQ(format_last_chunk("A: b\r\nHost: a\r\nC:\r\n"), "0\r\nA: b\r\nC:\r\n\r\n");
}

}  // namespace
}  // namespace quoll::http
