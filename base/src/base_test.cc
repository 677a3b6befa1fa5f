#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "quoll/base/histogram.h"
#include "quoll/base/rng.h"
#include "quoll/base/time.h"

namespace quoll {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Duration, ReadsTheFormsPeopleWrite) {
  EXPECT_EQ(*parse_duration("500ms"), milliseconds(500));
  EXPECT_EQ(*parse_duration("5s"), seconds(5));
  EXPECT_EQ(*parse_duration("1.5s"), milliseconds(1500));
  EXPECT_EQ(*parse_duration("2m"), seconds(120));
  EXPECT_EQ(*parse_duration("250us"), std::chrono::microseconds(250));
  EXPECT_EQ(*parse_duration("0"), Duration::zero());
}

TEST(Duration, RefusesWhatHasNoUnitOrMakesNoSense) {
  for (const char* text : {"", "500", "ms", "-1s", "1e3s", "5 s", "5sec", "nan", "infs", "1..5s", "99999999999h"}) {
    const auto result = parse_duration(text);
    ASSERT_FALSE(result.has_value()) << text;
    EXPECT_NE(result.error().message.find(text), std::string::npos);
  }
}

TEST(Duration, FormattingReadsBackExactly) {
  EXPECT_TRUE(rc::check([] {
    const auto nanos = *rc::gen::inRange<std::int64_t>(0, 1'000'000'000'000);
    RC_ASSERT(*parse_duration(format_duration(Duration(nanos))) == Duration(nanos));
  }));
}

TEST(Duration, HumanFormHasThreeDigits) {
  EXPECT_EQ(humanize(milliseconds(1234)), "1.23s");
  EXPECT_EQ(humanize(std::chrono::microseconds(45600)), "45.6ms");
  EXPECT_EQ(humanize(milliseconds(500)), "500ms");
}

TEST(WallClock, Rfc3339HasMillisecondsAndZ) {
  EXPECT_EQ(format_rfc3339(WallTime(milliseconds(1'700'000'000'123))), "2023-11-14T22:13:20.123Z");
}

TEST(LogLinear, IndexIsMonotonicAndContainsItsValue) {
  EXPECT_TRUE(rc::check([] {
    const auto bits = *rc::gen::inRange(0, 60);
    const auto value = *rc::gen::inRange<std::uint64_t>(0, (1ULL << bits) + 1);
    const std::uint32_t index = log_linear::bucket_index(value);
    RC_ASSERT(log_linear::bucket_low(index) <= value);
    RC_ASSERT(value < log_linear::bucket_high(index));
    RC_ASSERT(log_linear::bucket_index(value + 1) >= index);
  }));
}

TEST(Histogram, PercentilesAreWithinOnePercentOfTheSortedValues) {
  EXPECT_TRUE(rc::check([] {
    auto values = *rc::gen::nonEmpty(
        rc::gen::container<std::vector<std::uint64_t>>(rc::gen::inRange<std::uint64_t>(1, 100'000'000'000ULL)));
    Histogram h;
    for (std::uint64_t v : values) h.record(v);
    std::sort(values.begin(), values.end());
    for (double p : {0.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.5, 99.99, 100.0}) {
      const auto rank =
          static_cast<std::size_t>(std::max(1.0, std::ceil(p / 100 * static_cast<double>(values.size()))));
      const double exact = static_cast<double>(values[rank - 1]);
      RC_ASSERT(std::abs(static_cast<double>(h.percentile(p)) - exact) <= 0.01 * exact + 1);
    }
  }));
}

TEST(Histogram, EmptyAnswersZero) {
  const Histogram h;
  EXPECT_EQ(h.percentile(50), 0U);
  EXPECT_EQ(h.min(), 0U);
  EXPECT_EQ(h.max(), 0U);
}

TEST(Histogram, MergeEqualsRecordingInOne) {
  Rng rng(7);
  Histogram a, b, all;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t v = rng.uniform_int(0, 1'000'000);
    (i % 2 == 0 ? a : b).record(v);
    all.record(v);
  }
  a.merge(b);
  EXPECT_EQ(a.buckets(), all.buckets());
  EXPECT_EQ(a.percentile(99), all.percentile(99));
}

TEST(Histogram, ValuesPastTheRangeAreCountedAndReported) {
  Histogram h(1000);
  h.record(5000);
  EXPECT_EQ(h.count(), 1U);
  EXPECT_EQ(h.overflow(), 1U);
  EXPECT_EQ(h.max(), 1000U);
}

TEST(Histogram, APercentileThatIsNoPercentileIsAnEnd) {
  Histogram h;
  for (std::uint64_t v = 1; v <= 100; ++v) h.record(v);
  EXPECT_EQ(h.percentile(std::numeric_limits<double>::quiet_NaN()), 1U);
  EXPECT_EQ(h.percentile(-5), 1U);
  EXPECT_EQ(h.percentile(101), 100U);
  EXPECT_EQ(h.percentile(std::numeric_limits<double>::infinity()), 100U);
}

// The bug this guards against: 0.07 * 100 is 7.000000000000001, and its ceiling 8.
TEST(Histogram, TheNthPercentileOfAHundredValuesIsTheNth) {
  Histogram h;
  for (std::uint64_t v = 1; v <= 100; ++v) h.record(v);
  for (int p = 1; p < 100; ++p) EXPECT_EQ(h.percentile(p), static_cast<std::uint64_t>(p));
}

TEST(Histogram, AValueThatNoDurationHoldsIsTheLongest) {
  Histogram h(~0ULL);
  h.record(~0ULL);
  EXPECT_EQ(h.percentile_duration(50), Duration::max());
}

TEST(Rng, AUniformDurationMayComeFromTheWholeRange) {
  Rng rng(5);
  bool negative = false, positive = false;
  for (int i = 0; i < 100; ++i) {
    const Duration d = rng.uniform(Duration::min(), Duration::max());
    negative = negative || d < Duration::zero();
    positive = positive || d > Duration::zero();
  }
  EXPECT_TRUE(negative && positive);
}

TEST(Rng, SameSeedSameSequence) {
  Rng a(42), b(42);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a.next(), b.next());
}

TEST(Rng, UniformIntStaysInRangeAndReachesBothEnds) {
  Rng rng(3);
  bool low = false, high = false;
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t v = rng.uniform_int(5, 9);
    ASSERT_GE(v, 5U);
    ASSERT_LE(v, 9U);
    low = low || v == 5;
    high = high || v == 9;
  }
  EXPECT_TRUE(low && high);
}

}  // namespace
}  // namespace quoll
