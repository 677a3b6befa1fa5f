#include "quoll/core/sum_and_count.h"

#include <gtest/gtest.h>

#include <thread>

namespace quoll::core {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;

// The bug this guards against: 2^20 samples are none, and their count goes into the sum.
TEST(SumAndCount, CountsPastItsTwentyBits) {
  SumAndCount sums;
  constexpr std::uint64_t kMany = (1U << 20U) + 20;
  for (std::uint64_t i = 0; i < 3 * kMany; ++i) sums.add(microseconds(1000));
  EXPECT_EQ(sums.count(), 3 * kMany);
  const auto taken = sums.take();
  EXPECT_EQ(taken.count, 3 * kMany);
  EXPECT_EQ(taken.micros, 3 * kMany * 1000);
  EXPECT_EQ(sums.take().count, 0U);
}

TEST(SumAndCount, SumsUpPastItsFortyFourBits) {
  SumAndCount sums;
  for (int i = 0; i < 20'000; ++i) sums.add(hours(1));
  const auto taken = sums.take();
  EXPECT_EQ(taken.count, 20'000U);
  EXPECT_EQ(taken.micros, std::uint64_t{20'000} * 3'600'000'000U);
}

TEST(SumAndCount, ClampsWhatIsNoLatency) {
  SumAndCount sums;
  sums.add(Duration::min());
  sums.add(Duration::max());
  EXPECT_EQ(sums.take().micros, 3'600'000'000U);
}

TEST(SumAndCount, ThreadsLoseNothing) {
  SumAndCount sums;
  constexpr std::uint64_t kEach = 1'500'000;
  auto work = [&] {
    for (std::uint64_t i = 0; i < kEach; ++i) sums.add(microseconds(3));
  };
  std::thread other(work);
  std::uint64_t count = 0;
  std::uint64_t micros = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto taken = sums.take();
    count += taken.count;
    micros += taken.micros;
  }
  work();
  other.join();
  const auto rest = sums.take();
  EXPECT_EQ(count + rest.count, 2 * kEach);
  EXPECT_EQ(micros + rest.micros, 2 * kEach * 3);
}

}  // namespace
}  // namespace quoll::core
