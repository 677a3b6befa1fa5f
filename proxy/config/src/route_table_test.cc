// The route table against a naive matcher, and what a request's path is taken for.
#include "quoll/proxy/config/route_table.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <tuple>

namespace quoll::proxy {
namespace {

TEST(RouteTable, WithoutRulesEverythingFallsThrough) {
  const RouteTable table;
  EXPECT_EQ(table.find("", "/"), 0U);
  EXPECT_EQ(table.find("svc.test", "/orders"), 0U);
  EXPECT_EQ(table.find("svc.test", "*"), 0U);
}

TEST(RouteTable, APrefixEndsWhereASegmentEnds) {
  RouteTable table;
  EXPECT_TRUE(table.add("", "/orders", 1));
  for (const char* path : {"/orders", "/orders/", "/orders/1", "/orders?x=/", "/orders//"}) {
    EXPECT_EQ(table.find("h", path), 1U) << path;
  }
  for (const char* path : {"/orders2", "/order", "/", "//orders", "/Orders", "orders", "*", "", "/?/orders"}) {
    EXPECT_EQ(table.find("h", path), 0U) << path;
  }
}

TEST(RouteTable, TheLongestPrefixWinsWhateverTheOrder) {
  RouteTable table;
  EXPECT_TRUE(table.add("", "/a/b/c", 3));
  EXPECT_TRUE(table.add("", "/", 1));
  EXPECT_TRUE(table.add("", "/a", 2));
  EXPECT_EQ(table.find("h", "/a/b/c/d"), 3U);
  EXPECT_EQ(table.find("h", "/a/b/x"), 2U);
  EXPECT_EQ(table.find("h", "/x"), 1U);
}

TEST(RouteTable, AHostsRulesGoFirst) {
  RouteTable table;
  EXPECT_TRUE(table.add("", "/orders/deep", 1));
  EXPECT_TRUE(table.add("Shop.Example", "/orders", 2));
  EXPECT_TRUE(table.add("[::1]", "/", 3));
  EXPECT_EQ(table.find("shop.example", "/orders/deep"), 2U);
  EXPECT_EQ(table.find("SHOP.example.:8080", "/orders"), 2U);
  EXPECT_EQ(table.find("shop.example", "/orders"), 2U);
  EXPECT_EQ(table.find("other.example", "/orders/deep"), 1U);
  EXPECT_EQ(table.find("shop.example", "/elsewhere"), 0U);
  EXPECT_EQ(table.find("[::1]:3000", "/elsewhere"), 3U);
  EXPECT_EQ(table.find(std::string(300, 'x'), "/orders/deep"), 1U);
}

TEST(RouteTable, TheSameHostAndPathTwiceIsRefused) {
  RouteTable table;
  EXPECT_TRUE(table.add("h", "/a", 1));
  EXPECT_FALSE(table.add("H", "/a/", 2));
  EXPECT_TRUE(table.add("", "/a", 2));
}

TEST(RouteTable, PathsAreComparedInNormalForm) {
  RouteTable table;
  table.add("", "/admin", 1);
  table.add("", "/a%2Fb", 2);
  for (const char* path : {"/%61dmin", "/public/../admin", "/./admin", "/x/%2e%2E/admin/", "/../admin", "/admin/."}) {
    EXPECT_EQ(table.find("h", path), 1U) << path;
  }
  EXPECT_EQ(table.find("h", "/a%2fb/c"), 2U) << "an escape's digits may be written either way";
  EXPECT_EQ(table.find("h", "/a/b"), 0U) << "an escaped slash is part of its segment";
  EXPECT_EQ(table.find("h", "/admin%2F.."), 0U);
  EXPECT_EQ(table.find("h", "/admin/.."), 0U);
  EXPECT_EQ(table.find("h", "/admin/%zz"), 0U) << "what has no normal form matches nothing";
  EXPECT_EQ(table.find("h", "/admin/%4"), 0U);
}

TEST(RouteTable, NormalFormsAreThoseOfTheRfc) {
  EXPECT_EQ(normal_path("/a/b/c/./../../g"), "/a/g");  // RFC 3986 section 5.2.4
  EXPECT_EQ(normal_path("/mid/content=5/../6"), "/mid/6");
  EXPECT_EQ(normal_path("/a/.."), "/");
  EXPECT_EQ(normal_path("/a/."), "/a/");
  EXPECT_EQ(normal_path("/..."), "/...");
  EXPECT_EQ(normal_path("/%7Euser/%c3%a9"), "/~user/%C3%A9");  // section 6.2.2
  EXPECT_EQ(normal_path("//a//../b"), "//a/b");
  EXPECT_EQ(normal_path("relative"), std::nullopt);
}

struct Rule {
  std::string host;
  std::string path;
};

std::string letters_path(int most) {
  const auto segments = *rc::gen::container<std::vector<std::string>>(
      *rc::gen::inRange(0, most + 1), rc::gen::element<std::string>("a", "b", "ab", "c%2Fd"));
  std::string out;
  for (const std::string& segment : segments) out += "/" + segment;
  return out.empty() ? "/" : out;
}

bool is_prefix(const std::string& rule, const std::string& path) {
  return rule == "/" || (path.starts_with(rule) && (path.size() == rule.size() || path[rule.size()] == '/'));
}

RC_GTEST_PROP(RouteTableProperty, AgreesWithLookingAtEveryRule, ()) {
  std::vector<Rule> rules;
  RouteTable table;
  const int wanted = *rc::gen::inRange(0, 12);
  for (int i = 0; i < wanted; ++i) {
    const Rule rule{*rc::gen::element<std::string>("", "x", "y"), letters_path(3)};
    if (table.add(rule.host, rule.path, static_cast<std::uint32_t>(rules.size() + 1))) rules.push_back(rule);
  }
  const std::string host = *rc::gen::element<std::string>("x", "y", "z", "");
  const std::string path = letters_path(5);
  std::uint32_t best = 0;
  std::tuple<bool, std::size_t> rank{false, 0};
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if ((!rules[i].host.empty() && rules[i].host != host) || !is_prefix(rules[i].path, path)) continue;
    const std::tuple mine{!rules[i].host.empty(), rules[i].path.size()};
    if (best != 0 && mine < rank) continue;
    best = static_cast<std::uint32_t>(i + 1);
    rank = mine;
  }
  RC_ASSERT(table.find(host, path) == best);
}

RC_GTEST_PROP(RouteTableProperty, ANormalFormIsItsOwn, ()) {
  std::string path = "/";
  const auto pieces = *rc::gen::container<std::vector<std::string>>(
      rc::gen::element<std::string>("/", ".", "..", "a", "%2e", "%2F", "%41", "%c3", "~"));
  for (const std::string& piece : pieces) path += piece;
  const auto normal = normal_path(path);
  RC_ASSERT(normal.has_value());
  RC_ASSERT(normal_path(*normal) == normal);
  RC_ASSERT(normal->find("/../") == std::string::npos);
  RC_ASSERT(normal->find("/./") == std::string::npos);
}

}  // namespace
}  // namespace quoll::proxy
