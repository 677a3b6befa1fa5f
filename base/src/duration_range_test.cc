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
  const struct {
    const char* text;
    const char* why;
  } cases[] = {{"", "'' is not a duration"},
               {"..", "'' is not a duration"},
               {"1s..", "'' is not a duration"},
               {"..1s", "'' is not a duration"},
               {"2s..1s", "comes first"},
               {"1s...2s", "'.2s' is not a duration"},
               {"1s-2s", "'1s-2s' is not a duration"},
               {"1s..2s..3s", "'2s..3s' is not a duration"}};
  for (const auto& [text, why] : cases) {
    const auto read = parse_duration_range(text);
    ASSERT_FALSE(read) << text;
    EXPECT_NE(read.error().message.find(why), std::string::npos) << text << ": " << read.error().message;
  }
}

TEST(DurationRange, IsReadBackAsWritten) {
  for (const char* text : {"100ms..800ms", "0", "1500ms", "0..1s"}) {
    EXPECT_EQ(format_duration_range(*parse_duration_range(text)), text);
  }
}

}  // namespace
}  // namespace quoll
