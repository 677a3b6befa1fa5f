#include "quoll/base/stop_signal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <thread>
#include <utility>

namespace quoll {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

bool readable(int fd) {
  pollfd one{fd, POLLIN, 0};
  return ::poll(&one, 1, 0) == 1;
}

TEST(StopSignal, ARequestEndsAWaitThatHasBegunAndStays) {
  StopSignal stop;
  EXPECT_FALSE(stop.wait_for(milliseconds(1)));
  EXPECT_FALSE(readable(stop.fd()));
  std::thread other([&] { stop.request(); });
  EXPECT_TRUE(stop.wait_for(seconds(20)));
  other.join();
  EXPECT_TRUE(stop.requested());
  EXPECT_TRUE(readable(stop.fd()));
  EXPECT_TRUE(stop.wait_for(Duration::zero()));
}

TEST(StopSignal, AnotherDescriptorEndsTheWaitWithoutAStop) {
  const StopSignal stop;
  StopSignal other;
  other.request();
  EXPECT_FALSE(stop.wait_for(seconds(20), other.fd()));
}

TEST(StopOnSignals, EachOfTheThreeRequestsAStop) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    StopSignal stop;
    const StopOnSignals signals(stop);
    std::raise(number);
    EXPECT_TRUE(stop.wait_for(seconds(20))) << number;
  }
}

TEST(StopOnSignals, HandlersAreGivenBackAndASignalThatIsIgnoredStaysSo) {
  const auto before = std::signal(SIGHUP, SIG_IGN);
  StopSignal stop;
  {
    const StopOnSignals signals(stop);
    std::raise(SIGHUP);
  }
  EXPECT_FALSE(stop.requested());
  EXPECT_EQ(std::signal(SIGHUP, before), SIG_IGN);
  EXPECT_EQ(std::signal(SIGTERM, SIG_DFL), SIG_DFL);
}

TEST(Fd, ClosesWhatItHoldsOnceAndKeepsErrno) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const Fd left(ends[0]);
  Fd right(ends[1]);
  Fd moved = std::move(right);
  errno = ENOENT;
  moved.reset();
  EXPECT_EQ(errno, ENOENT);
  EXPECT_FALSE(moved);
  EXPECT_EQ(::fcntl(ends[1], F_GETFD), -1);
  EXPECT_NE(::fcntl(left.get(), F_GETFD), -1);
  Fd given(::dup(left.get()));
  const int number = given.release();
  EXPECT_NE(::fcntl(number, F_GETFD), -1) << "a descriptor that was given up is not closed";
  given.reset(number);
}

}  // namespace
}  // namespace quoll
