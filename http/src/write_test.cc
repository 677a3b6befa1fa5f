#include "quoll/http/write.h"

#include <gtest/gtest.h>

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

TEST(ProxyStatus, SaysWhatHappened) {
  EXPECT_EQ(proxy_status_value({.error = ProxyError::connection_timeout, .details = "it \"hung\"\n"}),
            "quoll; error=connection_timeout; details=\"it \\\"hung\\\"?\"");
  EXPECT_EQ(proxy_status_value(
                {.proxy = "my proxy", .error = ProxyError::dns_error, .next_hop = "a:1", .received_status = 500}),
            "\"my proxy\"; error=dns_error; received-status=500; next-hop=\"a:1\"");
}

}  // namespace
}  // namespace quoll::http
