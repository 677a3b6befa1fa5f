// What /config shows, and what it must not forget.
#include "quoll/proxy/config/config_json.h"

#include <gmock/gmock.h>

#include <boost/json/serialize.hpp>

#include "quoll/proxy/config/config_file.h"
#include "quoll/proxy/config/json_text.h"

namespace quoll::proxy {
namespace {

namespace json = boost::json;

// "breaker.window" is the member `window` of the member `breaker`.
const json::value* find(const json::object& config, const std::string& name) {
  const std::size_t dot = name.find('.');
  const json::value* const first = config.if_contains(name.substr(0, dot));
  if (dot == std::string::npos || first == nullptr || !first->is_object()) return first;
  return first->as_object().if_contains(name.substr(dot + 1));
}

std::string as_setting(const json::value& shown) {
  if (shown.is_string()) return std::string(shown.as_string());
  std::string text = json_text(shown);
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

bool of_route(const std::string& name) {
  RouteOptions any;
  const auto set = apply_route_setting(any, name, "");
  return set || set.error().code != "proxy_setting";
}

json::value shown(const ProxyOptions& options, const std::string& name) {
  const json::object config = config_json(options);
  const json::value* const found = find(config, name);
  return found == nullptr ? json::value() : *found;
}

// Another value than the default for every setting that is shown.
ProxyOptions unusual() {
  ProxyOptions o;
  for (const std::string& name : setting_names()) {
    const json::value before = shown(o, name);
    for (const char* text : {"true", "false", "off", "on", "7", "0.25", "70ms", "80ms", "http://127.0.0.1:7", "timer",
                             "count", "metrics_only", "nothing", "failure", "aimd", "8", "debug", "X-Priority"}) {
      ProxyOptions changed = o;
      if (!apply_setting(changed, name, text) || shown(changed, name) == before) continue;
      o = changed;
      break;
    }
    EXPECT_NE(shown(o, name), before) << name << " is shown as " << before << " whatever it is";
  }
  return o;
}

TEST(ConfigJson, EverySettingIsShown) {
  ProxyOptions options;
  options.add_route("orders", "/orders");
  const json::object config = config_json(options);
  const json::object& route = config.at("routes").at(0).as_object();
  for (const std::string& name : setting_names()) {
    EXPECT_NE(find(config, name), nullptr) << name;
    if (!of_route(name)) continue;
    EXPECT_NE(find(route, name), nullptr) << name << " of a route";
  }
}

TEST(ConfigJson, WhatIsShownIsTheSettingAndCanBeWrittenInAFile) {
  const ProxyOptions options = unusual();
  const json::object config = config_json(options);
  ProxyOptions read;
  for (const std::string& name : setting_names()) {
    const auto set = apply_setting(read, name, as_setting(shown(options, name)));
    EXPECT_TRUE(set.has_value()) << set.error().message;
  }
  EXPECT_EQ(json::serialize(config_json(read)), json::serialize(config));
}

TEST(ConfigJson, WhatIsShownIsWhatThePoliciesGoBy) {
  const auto read =
      read_config("retry: {base: 2s}\nroutes: [{name: a, path: /a, breaker: {reset_timeout: 10m}}]\n", "q");
  ASSERT_TRUE(read.has_value()) << read.error().message;
  const json::object config = config_json(*read);
  EXPECT_EQ(*find(config, "retry.cap"), "2s") << "it follows the base";
  EXPECT_EQ(*find(config, "breaker.reset_timeout_max"), "5m");
  EXPECT_EQ(*find(config.at("routes").at(0).as_object(), "breaker.reset_timeout_max"), "10m");
}

TEST(ConfigJson, AFileThatIsPrintedIsReadBackTheSame) {
  ProxyOptions options;
  ASSERT_TRUE(apply_setting(options, "retry.base", "2s"));
  ASSERT_TRUE(apply_setting(options, "priority_header", "X-Priority"));
  ASSERT_TRUE(apply_setting(options, "concurrency", "7"));
  ASSERT_TRUE(apply_setting(options, "pages", "/-/quoll"));
  RouteOptions& orders = options.add_route("orders", "/orders");
  orders.host = "shop.example";
  ASSERT_TRUE(apply_route_setting(orders, "retry.cap", "3s"));
  ASSERT_TRUE(apply_route_setting(orders, "fallback_methods", "GET, POST"));
  const std::string yaml = config_yaml(options);
  const auto read = read_config(yaml, "printed");
  ASSERT_TRUE(read.has_value()) << read.error().message << yaml;
  EXPECT_EQ(json::serialize(config_json(*read)), json::serialize(config_json(options)));
  EXPECT_EQ(config_yaml(*read), yaml);
  EXPECT_TRUE(read_config(config_yaml({}), "the defaults").has_value());
}

TEST(ConfigJson, ARoutesOwnPoliciesAreShownAndTheOthersToo) {
  const auto read = read_config(
      "concurrency: vegas\n"
      "routes: [{name: a, path: /a, concurrency: 30, retries: 2, retry: {base: 70ms}, timeout: adaptive,\n"
      "          adaptive_timeout: {floor: 20ms}}]\n",
      "q.yaml");
  ASSERT_TRUE(read.has_value()) << read.error().message;
  const json::object config = config_json(*read);
  const json::object& route = config.at("routes").at(0).as_object();
  EXPECT_EQ(config.at("concurrency"), "vegas");
  EXPECT_EQ(config.at("retries"), 0);
  EXPECT_EQ(config.at("timeout"), "500ms");
  EXPECT_EQ(route.at("concurrency"), 30);
  EXPECT_EQ(route.at("retries"), 2);
  EXPECT_EQ(*find(route, "retry.base"), "70ms");
  EXPECT_EQ(route.at("timeout"), "adaptive");
  EXPECT_EQ(*find(route, "adaptive_timeout.floor"), "20ms");
}

}  // namespace
}  // namespace quoll::proxy
