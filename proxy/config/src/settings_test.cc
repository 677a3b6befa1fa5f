// The table of settings: what is generated of it, and the flags that are short for some.
#include "quoll/proxy/config/settings.h"

#include <gmock/gmock.h>

#include "quoll/proxy/config/json_schema.h"
#include "quoll/proxy/config/json_text.h"
#include "quoll/testing/generated.h"

namespace quoll::proxy {
namespace {

namespace json = boost::json;

TEST(Generated, TableOfTheProxysSettings) {
  testing::expect_generated("docs/proxy.md", "ProxyOptions", settings_table());
}

TEST(Generated, JsonSchema) {
  testing::expect_generated_file("ops/quoll.schema.json", json_text(json_schema()));
}

TEST(Settings, EachFlagIsShortForASetting) {
  for (const Flag& flag : flags()) {
    EXPECT_EQ(setting_of(flag).name, flag.setting);
    EXPECT_FALSE(setting_of(flag).about.empty()) << flag.flag;
    EXPECT_NE(settings_table().find(flag.flag) != std::string::npos, setting_of(flag).section() == "breaker")
        << flag.flag;
  }
}

const json::object* property(const json::object& of, std::string_view name) {
  const json::value* const found = of.at("properties").as_object().if_contains(name);
  return found == nullptr ? nullptr : &found->as_object();
}

TEST(JsonSchema, HasEverySettingAndRefusesAllOtherNames) {
  const json::object schema = json_schema();
  EXPECT_EQ(schema.at("additionalProperties"), false);
  for (const std::string& name : setting_names()) {
    const std::size_t dot = name.find('.');
    const json::object* found = property(schema, name.substr(0, dot));
    ASSERT_NE(found, nullptr) << name;
    if (dot != std::string::npos) {
      EXPECT_EQ(found->at("additionalProperties"), false) << name;
      found = property(*found, name.substr(dot + 1));
      ASSERT_NE(found, nullptr) << name;
    }
    EXPECT_NE(found->if_contains("description"), nullptr) << name;
  }
  const json::object& route = schema.at("properties").at("routes").at("items").as_object();
  EXPECT_EQ(property(route, "listen"), nullptr);
  EXPECT_EQ(property(route, "timeout")->at("$ref"), "#/properties/timeout");
  EXPECT_EQ(route.at("additionalProperties"), false);
}

TEST(JsonSchema, SaysRangesWordsAndUnits) {
  const json::object schema = json_schema();
  const json::object& breaker = *property(schema, "breaker");
  EXPECT_EQ(property(breaker, "buckets")->at("maximum"), 60);
  EXPECT_EQ(property(breaker, "window")->at("default"), "10s");
  EXPECT_EQ(property(breaker, "mode")->at("enum"),
            (json::array{"automatic", "forced_open", "disabled", "metrics_only"}));
  EXPECT_EQ(property(breaker, "failure_rate_threshold")->at("anyOf").at(0).at("exclusiveMinimum"), 0);
  EXPECT_EQ(property(schema, "timeout")->at("anyOf").at(0).at("enum"), json::array{"adaptive"});
  EXPECT_EQ(property(schema, "upstream")->at("type"), "string");
}

}  // namespace
}  // namespace quoll::proxy
