#include "quoll/net/send_time.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace quoll::net {
namespace {

using std::chrono::milliseconds;

constexpr Duration kTick = milliseconds(4);

TimePoint at(int ms) {
  return TimePoint(std::chrono::hours(1) + milliseconds(ms));
}

// A send that began at 1 ms and was seen to have ended at 82 ms.
TimePoint sent(int idle_ms) {
  return latest_send(at(1), at(82), milliseconds(idle_ms), kTick);
}

TEST(SendTime, StallAfterTheSendIsTakenOffToTwoTicks) {
  EXPECT_EQ(sent(84), at(2));
  EXPECT_EQ(sent(80), at(6));
}

TEST(SendTime, StallBeforeTheSendIsNot) {
  EXPECT_EQ(sent(0), at(82));
}

TEST(SendTime, StallOnBothSidesIsCutInTwo) {
  EXPECT_EQ(sent(40), at(46));
}

// Sent at `when`, in ticks whose first began at `phase`: what the kernel would say never puts the send too early.
TEST(SendTime, IsNeverBeforeTheSendWhereverTheTicksFall) {
  for (int phase = 0; phase < 4; ++phase) {
    for (int when = 1; when <= 82; ++when) {
      const int idle = ((82 + phase) / 4 - (when + phase) / 4) * 4;
      EXPECT_GE(sent(idle), at(when)) << phase << " " << when;
      EXPECT_LE(sent(idle), at(std::min(82, when + 8))) << phase << " " << when;
    }
  }
}

// Data that the kernel holds back has left no trace yet: it still tells of the send before.
TEST(SendTime, SendOfSomethingElseSaysNothing) {
  EXPECT_EQ(sent(88), at(82));
  EXPECT_EQ(sent(500), at(82));
}

}  // namespace
}  // namespace quoll::net
