#include "quoll/lab/harness/text.h"

#include <gtest/gtest.h>

namespace quoll::lab::harness {
namespace {

TEST(Text, NumbersAndTimesReadWell) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(clock_text(std::chrono::milliseconds(83'450)), "01:23.4");
}

TEST(Text, WidthsCountCharactersNotBytes) {
  EXPECT_EQ(width_of("▁█…"), 3U);
  EXPECT_EQ(clip("▁▂▃▄", 3), "▁▂…");
  EXPECT_EQ(clip("abc", 3), "abc");
  EXPECT_EQ(clip("abc", 0), "");
  EXPECT_EQ(pad_left("▁", 3), "  ▁");
}

TEST(Text, AnyValueAboveNothingIsVisible) {
  EXPECT_EQ(bar(0, 10), " ");
  EXPECT_EQ(bar(1e-9, 10), "▁");
  EXPECT_EQ(bar(10, 10), "█");
  EXPECT_EQ(bar(99, 10), "█");
  EXPECT_EQ(bar(1, 0), " ");
}

}  // namespace
}  // namespace quoll::lab::harness
