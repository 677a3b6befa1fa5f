#include "quoll/sim/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cmath>

#include "figures.h"
#include "quoll/base/settings.h"
#include "quoll/sim/settings.h"
#include "quoll/testing/result.h"
#include "table.h"

namespace quoll::sim {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;

ScenarioResult small() {
  auto result = run_scenario(
      **find_scenario("retry-storm"),
      {.seed = 9, .settings = {"course.before=2s", "course.trouble=2s", "course.after=6s"}, .progress = {}});
  EXPECT_TRUE(result.has_value());
  return *std::move(result);
}

TEST(Report, TheTextRepeatsTheRun) {
  const ScenarioResult result = small();
  const std::string text = to_text(result);
  EXPECT_THAT(text,
              HasSubstr("repeat with: quoll sim retry-storm --seed 9 --set course.before=2s --set course.trouble=2s"));
  EXPECT_THAT(text, HasSubstr("hash " + hash_text(result.hash)));
  for (const SetupResult& each : result.setups) EXPECT_THAT(text, HasSubstr("\n" + each.setup.name));
  for (const std::string& sentence : result.sentences) EXPECT_THAT(text, HasSubstr(sentence));
}

TEST(Report, TheJsonHoldsWhatTheTableShows) {
  const ScenarioResult result = small();
  const json::value parsed = json::parse(to_json(result));
  EXPECT_EQ(parsed.at("seed").to_number<int>(), 9);
  EXPECT_EQ(parsed.at("hash").as_string(), hash_text(result.hash));
  EXPECT_EQ(parsed.at("config").at("course.before").as_string(), "2s");
  const json::array& setups = parsed.at("setups").as_array();
  ASSERT_EQ(setups.size(), result.setups.size());
  for (std::size_t i = 0; i < setups.size(); ++i) {
    const json::object& figures = setups[i].at("figures").as_object();
    for (const Figure& figure : result.setups[i].figures) {
      const json::value& value = figures.at(figure.key);
      EXPECT_EQ(value.is_null(), std::isnan(figure.value)) << figure.key;
      if (value.is_null()) continue;
      EXPECT_NEAR(value.to_number<double>(), figure.value, 0.001) << figure.key;
    }
    const json::object& series = setups[i].at("series").as_object();
    for (const auto& column : series) {
      EXPECT_EQ(column.value().as_array().size(), result.setups[i].run.buckets.size()) << column.key();
    }
  }
  EXPECT_THAT(std::string(report_script()), HasSubstr("TimeCharts"));
}

TEST(Report, ReplaysAreTextAndJson) {
  const auto trace = parse_trace("time,latency,outcome\n0,40ms,success\n10ms,40ms,failure\n", "a,b.csv");
  ASSERT_TRUE(trace.has_value());
  const ReplayResult result = replay(*trace, "a,b.csv", *parse_variants({}));
  EXPECT_THAT(to_text(result), HasSubstr("a,b.csv: 2 calls in 50ms (1 success, 1 failure), p50 40ms"));
  const json::value parsed = json::parse(to_json(result));
  EXPECT_EQ(parsed.at("calls").to_number<int>(), 2);
  EXPECT_EQ(parsed.at("variants").as_array().at(0).at("breaker").at("opened").to_number<int>(), 0);
}

TEST(Report, NumbersAreForPeople) {
  EXPECT_EQ(words(1234567, Unit::count), "1,234,567");
  EXPECT_EQ(words(123, Unit::count), "123");
  EXPECT_EQ(words(kNever, Unit::seconds), "–");
  EXPECT_EQ(words(99.96, Unit::percent), "100.0 %");
  EXPECT_EQ(words(12'345, Unit::millis), "12.3 s");
}

TEST(Report, ColumnsLineUpWhateverTheirBytes) {
  Table table({"name", "value"});
  table.add({"a", "–"});
  table.add({"long name", "12"});
  EXPECT_EQ(table.text(), "name       value\na              –\nlong name     12\n");
}

TEST(Settings, EachKeyReadsBackWhatItWrites) {
  const auto& settings = schema::settings_of<Config>();
  EXPECT_GT(settings.list().size(), 100U);
  for (const Key& key : settings.list()) {
    Config config;
    const std::string before = shown(config, key);
    const std::vector<std::string> group = {key.name.substr(0, key.name.find('.'))};
    EXPECT_EQ(quoll::testing::fault_of(apply(config, key.name + "=" + before, group)), "(no fault)");
    EXPECT_EQ(shown(config, key), before) << key.name;
    EXPECT_THAT(quoll::testing::fault_of(apply(config, key.name + "=?", group)), HasSubstr(key.name));
  }
}

TEST(Settings, AMisspeltKeyIsAnsweredWithTheNearestOfItsScenario) {
  Config config;
  const auto fault = [&](const char* setting) {
    return quoll::testing::fault_of(apply(config, setting, {"breaker", "timeout"}));
  };
  EXPECT_THAT(fault("breaker.windo=5s"), HasSubstr("no setting 'breaker.windo'; there are: breaker.window_kind, "));
  EXPECT_THAT(fault("breaker.windo=5s"), ::testing::EndsWith("; did you mean breaker.window?"));
  EXPECT_THAT(fault("reset_timeout=5s"), ::testing::EndsWith("; did you mean breaker.reset_timeout?"));
}

TEST(Settings, DefaultsOfAllScenariosAreValid) {
  for (const Scenario& scenario : scenarios()) {
    for (const sim::Setup& setup : scenario.setups(scenario.defaults())) {
      EXPECT_THAT(setup.config.validate(), ::testing::IsEmpty()) << scenario.name << ", " << setup.name;
    }
  }
}

}  // namespace
}  // namespace quoll::sim
