#include "quoll/telemetry/time_series.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <thread>

namespace quoll::telemetry {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;

const WallTime kStart{seconds(1'700'000'000)};

void append(TimeSeries& series, int second, double a, double b) {
  const std::array<double, 2> row = {a, b};
  series.append(kStart + seconds(second), row);
}

TEST(TimeSeries, GivesTheRowsAfterATimeOldestFirst) {
  TimeSeries series({"a", "b"}, 10);
  for (int i = 0; i < 5; ++i) append(series, i, i, -i);
  const auto slice = series.since(kStart + seconds(2));
  EXPECT_THAT(slice.times, ElementsAre(kStart + seconds(3), kStart + seconds(4)));
  EXPECT_THAT(slice.values, ElementsAre(ElementsAre(3, 4), ElementsAre(-3, -4)));
  EXPECT_TRUE(series.since(kStart + seconds(4)).times.empty());
  EXPECT_EQ(series.since(WallTime{}).times.size(), 5U);
}

TEST(TimeSeries, AFullRingForgetsTheOldestRow) {
  TimeSeries series({"a", "b"}, 3);
  for (int i = 0; i < 8; ++i) append(series, i, i, 0);
  EXPECT_THAT(series.since(WallTime{}).values[0], ElementsAre(5, 6, 7));
  EXPECT_EQ(series.size(), 3U);
}

TEST(TimeSeries, AClockThatStepsBackForgetsTheFuture) {
  TimeSeries series({"a", "b"}, 4);
  for (int i = 0; i < 6; ++i) append(series, i, i, 0);
  append(series, 3, 33, 0);
  EXPECT_THAT(series.since(WallTime{}).values[0], ElementsAre(2, 33));
  append(series, 0, 0, 0);
  EXPECT_THAT(series.since(WallTime{}).values[0], ElementsAre(0));
}

TEST(TimeSeries, JsonIsColumnByColumnAndHasNullForNoValue) {
  TimeSeries series({"rps", "p\"95"});
  EXPECT_EQ(series.json_since(WallTime{}), R"({"columns":["rps","p\"95"],"times":[],"values":[[],[]]})");
  append(series, 0, 12, std::numeric_limits<double>::quiet_NaN());
  const std::array<double, 2> row = {0.25, 1e21};
  series.append(kStart + milliseconds(1007), row);
  EXPECT_EQ(series.json_since(WallTime{}),
            R"({"columns":["rps","p\"95"],"times":[1700000000.000,1700000001.007],"values":[[12,0.25],[null,1e+21]]})");
}

TEST(TimeSeries, AReaderBesideTheSamplerSeesWholeRows) {
  TimeSeries series({"a", "b"}, 50);
  std::thread sampler([&] {
    for (int i = 0; i < 5000; ++i) append(series, i, i, 2 * i);
  });
  for (int i = 0; i < 200; ++i) {
    const auto slice = series.since(WallTime{});
    for (std::size_t row = 0; row < slice.times.size(); ++row) {
      ASSERT_EQ(slice.values[1][row], 2 * slice.values[0][row]);
      ASSERT_EQ(slice.times[row], kStart + seconds(static_cast<int>(slice.values[0][row])));
    }
  }
  sampler.join();
}

}  // namespace
}  // namespace quoll::telemetry
