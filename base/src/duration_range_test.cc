#include "quoll/base/duration_range.h"

#include <gtest/gtest.h>

namespace quoll {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(DurationRange, ReadsBothForms) {
  EXPECT_EQ(*parse_duration_range("100ms..800ms"), (DurationRange{milliseconds(100), milliseconds(800)}));
  EXPECT_EQ(*parse_duration_range("1.5s..2s"), (DurationRange{milliseconds(1500), seconds(2)}));
  EXPECT_EQ(*parse_duration_range("1s"), (DurationRange{seconds(1), seconds(1)}));
  EXPECT_EQ(*parse_duration_range("0"), DurationRange{});
}

TEST(DurationRange, RefusesWhatIsNoRange) {
  for (const char* text : {"", "..", "1s..", "..1s", "2s..1s", "1s...2s", "1s-2s", "1s..2s..3s"}) {
    EXPECT_FALSE(parse_duration_range(text)) << text;
  }
  EXPECT_NE(parse_duration_range("2s..1s").error().message.find("comes first"), std::string::npos);
}

TEST(DurationRange, IsReadBackAsWritten) {
  for (const char* text : {"100ms..800ms", "0", "1500ms", "0..1s"}) {
    EXPECT_EQ(format_duration_range(*parse_duration_range(text)), text);
  }
}

}  // namespace
}  // namespace quoll
