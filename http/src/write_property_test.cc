// What Quoll writes, its own strict parser reads back with the same meaning; and each small format at its bounds.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "quoll/http/head.h"
#include "quoll/http/write.h"

namespace quoll::http {
namespace {

std::string generate_token() {
  return *rc::gen::nonEmpty(
      rc::gen::container<std::string>(rc::gen::elementOf(std::string("abcXYZ019!#$%&'*+-.^_`|~"))));
}

// Visible bytes, obs-text, and white space inside.
std::string generate_value() {
  auto value = *rc::gen::container<std::string>(
      rc::gen::oneOf(rc::gen::inRange<char>(0x21, 0x7f), rc::gen::element(' ', '\t', '\x80', '\xff', ':', ',')));
  const auto first = value.find_first_not_of(" \t");
  if (first == std::string::npos) return {};
  return value.substr(first, value.find_last_not_of(" \t") - first + 1);
}

// Names of a prefix of their own, so that none has a meaning to the parser.
std::vector<std::pair<std::string, std::string>> generate_fields() {
  std::vector<std::pair<std::string, std::string>> fields;
  const auto count = *rc::gen::inRange<std::size_t>(0, 40);
  fields.reserve(count);
  for (std::size_t i = 0; i < count; ++i) fields.emplace_back("X-" + generate_token(), generate_value());
  return fields;
}

void expect_fields(const FieldList& got, const std::vector<std::pair<std::string, std::string>>& sent,
                   std::size_t before) {
  RC_ASSERT(got.size() >= before + sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) {
    RC_ASSERT(got[before + i].name == sent[i].first);
    RC_ASSERT(got[before + i].value == sent[i].second);
  }
}

RC_GTEST_PROP(WriteProperty, RequestsReadBackAsWritten, ()) {
  const std::string method = generate_token();
  const std::string target =
      "/" + *rc::gen::container<std::string>(rc::gen::elementOf(std::string("abz09/?%&=+.-_~:@!$'()*,;[]|\"<>^`{}")));
  const auto sent = generate_fields();
  const auto framing = *rc::gen::element(Framing::none, Framing::length, Framing::chunked);
  const auto length = *rc::gen::inRange<std::uint64_t>(1, std::uint64_t{1} << 62U);
  std::string out;
  append_request_line(out, method, target);
  append_field(out, "Host", "h:80");
  for (const auto& field : sent) append_field(out, field.first, field.second);
  append_framing(out, framing, length);
  append_head_end(out);

  HeadScan scan;
  RequestHead head;
  const ParseResult result = parse_request(out + "rest", Limits{}, scan, head);
  RC_ASSERT(result.complete());
  RC_ASSERT(result.consumed == out.size());
  RC_ASSERT(framing == head.framing);
  RC_ASSERT(head.content_length == (framing == Framing::length ? length : 0));
}

RC_GTEST_PROP(WriteProperty, EveryFieldReadsBackInOrder, ()) {
  const auto sent = generate_fields();
  std::string out;
  append_status_line(out, 200);
  for (const auto& field : sent) append_field(out, field.first, field.second);
  append_framing(out, Framing::length, 7);
  append_head_end(out);
  HeadScan scan;
  ResponseHead head;
  const ParseResult result = parse_response(out, Limits{}, "GET", scan, head);
  RC_ASSERT(result.complete());
  RC_ASSERT(head.content_length == 7U);
  expect_fields(head.fields, sent, 0);

  // And once more, as a proxy sends them on.
  std::string forwarded;
  append_status_line(forwarded, head.status, head.reason);
  append_end_to_end_fields(forwarded, head.fields, head.connection_names_fields);
  append_head_end(forwarded);
  RC_ASSERT(forwarded == out);
}

// Whatever a peer, a backend or a configuration put into a value: it stays one field.
RC_GTEST_PROP(WriteProperty, NoValueCanEndItsLine, (const std::string& value)) {
  const std::string evil = value + *rc::gen::element<std::string>("\r\nX: 1", "\n\n", "\r", std::string(1, 0));
  std::string out;
  append_field(out, "X", evil);
  RC_ASSERT(out.find_first_of("\r\n") == out.size() - 2);
  RC_ASSERT(out.find('\0') == std::string::npos);
}

RC_GTEST_PROP(WriteProperty, ChunkHeadersAreTheSizeInHexadecimal, (std::uint64_t size)) {
  std::array<char, kChunkHeaderBytes> buffer;
  const std::string text(format_chunk_header(buffer, size));
  RC_ASSERT(text.substr(text.size() - 2) == "\r\n");
  RC_ASSERT(std::stoull(text, nullptr, 16) == size);
}

TEST(WriteFormat, TheLargestChunkHeaderFitsItsBuffer) {
  std::array<char, kChunkHeaderBytes> buffer;
  EXPECT_EQ(format_chunk_header(buffer, ~std::uint64_t{0}), "ffffffffffffffff\r\n");
  EXPECT_EQ(format_chunk_header(buffer, 0x1f4), "1f4\r\n");
}

TEST(WriteFormat, FramingIsOneFieldOrNone) {
  const auto framing = [](Framing f) {
    std::string out;
    append_framing(out, f, 18446744073709551615ULL);
    return out;
  };
  EXPECT_EQ(framing(Framing::none), "");
  EXPECT_EQ(framing(Framing::length), "Content-Length: 18446744073709551615\r\n");
  EXPECT_EQ(framing(Framing::chunked), "Transfer-Encoding: chunked\r\n");
  EXPECT_EQ(framing(Framing::until_close), "Connection: close\r\n");
}

TEST(WriteFormat, HopByHopFieldsAreThoseOfRfc9110) {
  for (const char* name : {"Connection", "keep-alive", "Proxy-Connection", "PROXY-AUTHENTICATE", "Proxy-Authorization",
                           "tE", "Trailer", "Transfer-Encoding", "Upgrade"}) {
    EXPECT_TRUE(is_hop_by_hop(name)) << name;
  }
  for (const char* name : {"", "Host", "ET", "Trailers", "Updates", "Connectiom", "Transfer-Encodinh", "Content-Length",
                           "Keep-Alive-", "Authorization", "Proxy-Status"}) {
    EXPECT_FALSE(is_hop_by_hop(name)) << name;
  }
}

TEST(WriteFormat, ConnectionCannotStripWhatGivesAMessageItsMeaning) {
  FieldList fields;
  fields.add("Connection", "host, content-length, Content-Type, content-encoding, cache-control, authorization");
  fields.add("connection", "x-a,,X-B");
  for (const char* name :
       {"Host", "Content-Length", "Content-Type", "Content-Encoding", "Cache-Control", "Authorization", "X-C", "X"}) {
    EXPECT_TRUE(end_to_end(fields, true, name)) << name;
  }
  for (const char* name : {"X-A", "x-b", "Connection", "Upgrade"}) EXPECT_FALSE(end_to_end(fields, true, name)) << name;
  EXPECT_TRUE(end_to_end(fields, false, "X-A"));
}

// EndToEnd is a sorted list; the plain reading of the rule is a search of every Connection field.
RC_GTEST_PROP(WriteProperty, EndToEndIsTheSearchOfEveryConnectionField, ()) {
  const auto name = rc::gen::container<std::string>(rc::gen::element('a', 'B', 'b', 'A', '-'));
  const auto named = *rc::gen::container<std::vector<std::string>>(name);
  const auto asked = *rc::gen::container<std::vector<std::string>>(name);
  std::string first;
  std::string second;
  for (std::size_t i = 0; i < named.size(); ++i) (i % 2 == 0 ? first : second) += named[i] + " ,";
  FieldList fields;
  fields.add("Connection", first);
  fields.add("X", "a, b");
  fields.add("CONNECTION", second);
  const EndToEnd passes(fields, true);
  for (const std::string& text : asked) {
    RC_ASSERT(passes(text) == !(list_contains(first, text) || list_contains(second, text)));
  }
  RC_ASSERT(!passes("connection") && passes("Host"));
}

TEST(WriteFormat, OriginTargetsAreVisibleAsciiFromASlash) {
  for (const char* target : {"/", "/a?b=c", "/%00", "//double", "/a:b@c"}) EXPECT_TRUE(is_origin_target(target));
  for (const char* target : {"", "a", "*", "/a b", "/a#b", "/\x80", "/a\r", "/\x7f", "http://h/"}) {
    EXPECT_FALSE(is_origin_target(target)) << target;
  }
}

TEST(WriteFormat, AReasonIsWrittenAsGivenOrLookedUp) {
  std::string out;
  append_status_line(out, 200, "Fine");
  EXPECT_EQ(out, "HTTP/1.1 200 Fine\r\n");
  EXPECT_EQ(reason_phrase(100), "Continue");
  EXPECT_EQ(reason_phrase(431), "Request Header Fields Too Large");
  EXPECT_EQ(reason_phrase(504), "Gateway Timeout");
  for (const unsigned status : {0U, 99U, 600U, 999U, 65536U + 200U}) EXPECT_EQ(reason_phrase(status), "Unknown");
}

TEST(WriteFormat, DatesAreRightAtTheEdgesOfDaysAndYears) {
  const auto date = [](std::int64_t seconds, std::int64_t nanos = 0) {
    std::array<char, kHttpDateBytes> buffer;
    return std::string(format_http_date(buffer, WallTime(std::chrono::seconds(seconds) + Duration(nanos))));
  };
  EXPECT_EQ(date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(date(0, -1), "Wed, 31 Dec 1969 23:59:59 GMT");
  EXPECT_EQ(date(951782399, 999'999'999), "Mon, 28 Feb 2000 23:59:59 GMT");
  EXPECT_EQ(date(951782400), "Tue, 29 Feb 2000 00:00:00 GMT");
  EXPECT_EQ(date(1798761599), "Thu, 31 Dec 2026 23:59:59 GMT");
}

}  // namespace
}  // namespace quoll::http
