#include "quoll/net/endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <string>

#include "quoll/testing/result.h"

namespace quoll::net {
namespace {

using ::testing::HasSubstr;

std::string shown(std::string_view text) {
  const auto got = parse_host_port(text);
  return got ? got->host + "|" + std::to_string(got->port) : "error";
}

TEST(HostPort, TheFormsThatPeopleWrite) {
  EXPECT_EQ(shown("127.0.0.1:3000"), "127.0.0.1|3000");
  EXPECT_EQ(shown(":3000"), "|3000");
  EXPECT_EQ(shown("[::1]:3000"), "::1|3000");
  EXPECT_EQ(shown("localhost:80"), "localhost|80");
  EXPECT_EQ(shown("backend.internal:65535"), "backend.internal|65535");
  EXPECT_EQ(shown("0.0.0.0:0"), "0.0.0.0|0");
}

TEST(HostPort, WhatIsWrongIsSaidAndTheRightFormShown) {
  const struct {
    const char* text;
    const char* why;
  } cases[] = {
      {"", "the port is missing"},
      {"localhost", "the port is missing"},
      {"3000", "the port is missing"},
      {"[::1]", "the port is missing"},
      {"[::1]3000", "the port is missing"},
      {"[::1:3000", "']' is missing"},
      {"::1:3000", "needs brackets"},
      {"localhost:", "a number from 0 to 65535"},
      {"localhost:http", "a number from 0 to 65535"},
      {"localhost:65536", "a number from 0 to 65535"},
      {"localhost:-1", "a number from 0 to 65535"},
      {"localhost:+1", "a number from 0 to 65535"},
      {"localhost:80 ", "a number from 0 to 65535"},
      {"local host:80", "characters that a host cannot have"},
      {"http://localhost:80", "needs brackets"},
      {"a/b:80", "characters that a host cannot have"},
      {"caf\xc3\xa9:80", "characters that a host cannot have"},
  };
  for (const auto& [text, why] : cases) {
    const auto got = parse_host_port(text);
    ASSERT_FALSE(got.has_value()) << text;
    EXPECT_NE(got.error().message.find(why), std::string::npos) << text << ": " << got.error().message;
    EXPECT_NE(got.error().message.find("127.0.0.1:3000"), std::string::npos) << got.error().message;
  }
}

TEST(HostPort, ALineBreakOrANulIsNoHost) {
  for (const std::string_view text : {std::string_view("local\nhost:80"), std::string_view("127.0.0.1\0x:80", 14)}) {
    EXPECT_THAT(testing::fault_of(parse_host_port(text)), HasSubstr("characters that a host cannot have"));
  }
}

RC_GTEST_PROP(HostPort, NoTextIsTooOddToBeReadOrRefused, ()) {
  const auto text = *rc::gen::oneOf(
      rc::gen::string<std::string>(),
      rc::gen::container<std::string>(rc::gen::element('[', ']', ':', '.', '0', '1', '9', 'a', ' ', '/', '-', '\0')));
  const auto got = parse_host_port(text);
  if (!got) {
    RC_ASSERT(!got.error().message.empty());
    return;
  }
  for (const char c : got->host) RC_ASSERT(c > ' ' && c < 127);
}

RC_GTEST_PROP(HostPort, WhatToStringWritesIsReadBack, ()) {
  const auto port = *rc::gen::arbitrary<std::uint16_t>();
  const auto bytes = *rc::gen::arbitrary<std::array<std::uint8_t, 16>>();
  const bool v6 = *rc::gen::arbitrary<bool>();
  asio::ip::address_v6::bytes_type wide;
  std::copy(bytes.begin(), bytes.end(), wide.begin());
  asio::ip::address_v4::bytes_type narrow;
  std::copy_n(bytes.begin(), narrow.size(), narrow.begin());
  const TcpEndpoint endpoint =
      v6 ? TcpEndpoint(asio::ip::address_v6(wide), port) : TcpEndpoint(asio::ip::address_v4(narrow), port);
  const auto parsed = parse_host_port(to_string(endpoint));
  RC_ASSERT(parsed.has_value());
  const auto back = resolve(*parsed);
  RC_ASSERT(back.has_value());
  RC_ASSERT(back->size() == 1U);
  RC_ASSERT(back->front() == endpoint);
}

TEST(ListenAddress, AnEmptyHostIsAllAddresses) {
  const auto got = parse_listen_address(":3000");
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(to_string(*got), "0.0.0.0:3000");
}

TEST(ListenAddress, LocalhostIsIpv4First) {
  const auto got = parse_listen_address("localhost:3000");
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(to_string(*got), "127.0.0.1:3000");
}

TEST(ListenAddress, ABadFormIsRefusedBeforeTheResolverIsAsked) {
  const auto got = parse_listen_address("localhost");
  ASSERT_FALSE(got.has_value());
  EXPECT_EQ(got.error().code, "address");
}

TEST(Resolve, ANameThatCannotExistIsAnErrorThatNamesIt) {
  const auto got = resolve({"no.such.name.invalid", 80});
  ASSERT_FALSE(got.has_value());
  EXPECT_NE(got.error().message.find("no.such.name.invalid"), std::string::npos) << got.error().message;
}

}  // namespace
}  // namespace quoll::net
