#include "quoll/proxy/config/networks.h"

#include <gtest/gtest.h>

namespace quoll::proxy {
namespace {

bool contains(std::string_view networks, const char* address) {
  return Networks::parse(networks)->contains(net::asio::ip::make_address(address));
}

TEST(Networks, ContainWhatBeginsAsTheyDo) {
  const std::string_view several = "10.0.0.0/8, 192.0.2.7,2001:db8::/33 , ::1";
  for (const char* in : {"10.255.0.1", "192.0.2.7", "::ffff:10.0.0.1", "2001:db8:7fff::1", "::1"}) {
    EXPECT_TRUE(contains(several, in)) << in;
  }
  for (const char* out : {"11.0.0.1", "192.0.2.8", "2001:db8:8000::1", "::2", "::a00:1"}) {
    EXPECT_FALSE(contains(several, out)) << out;
  }
  EXPECT_TRUE(contains("0.0.0.0/0", "203.0.113.1"));
  EXPECT_FALSE(contains("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(Networks::parse(" ")->empty());
}

TEST(Networks, ThatCannotBeReadAreNamed) {
  for (const std::string_view bad : {"10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "::1/129", "::1/-1", "x", "10.0.0.1,", ",",
                                     "10.0.0.0/8 10.0.0.0/8", "fe80::1%lo"}) {
    const auto got = Networks::parse(bad);
    ASSERT_FALSE(got) << bad;
    EXPECT_NE(got.error().message.find("is neither an address nor a network"), std::string::npos);
  }
}

}  // namespace
}  // namespace quoll::proxy
