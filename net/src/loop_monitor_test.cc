// The workers block until the test lets them go, so no claim here depends on how fast the machine is.
#include "quoll/net/loop_monitor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "quoll/testing/wait.h"

namespace quoll::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

using testing::eventually;

// Blocks a worker until released.
class Block {
 public:
  explicit Block(Worker& worker) {
    worker.post([this, released = release_.get_future().share()] {
      begun_.set_value();
      released.wait();
    });
    begun_.get_future().wait();
  }
  void release() { release_.set_value(); }

 private:
  std::promise<void> begun_;
  std::promise<void> release_;
};

constexpr LoopMonitorOptions kFast{.period = milliseconds(2), .window = seconds(30)};

TEST(LoopMonitor, AStallIsVisibleFromOutsideWhileItLasts) {
  Workers workers(2);
  workers.start();
  LoopMonitor monitor(workers, {}, kFast);
  monitor.start();
  Block block(workers[0]);
  const TimePoint blocked_at = steady_now();
  EXPECT_TRUE(eventually([&] { return monitor.current(0, steady_now()) >= milliseconds(50); }));
  EXPECT_GE(steady_now() - blocked_at, milliseconds(45)) << "it grows with the stall and not faster";
  EXPECT_GE(monitor.longest(0, steady_now()), milliseconds(50));
  block.release();
  EXPECT_TRUE(eventually([&] { return monitor.current(0, steady_now()) < milliseconds(20); }));
  monitor.stop();
}

TEST(LoopMonitor, LongestKeepsAStallThatIsOverAndBlamesOnlyTheWorkerThatHadIt) {
  Workers workers(2);
  workers.start();
  LoopMonitor monitor(workers, {}, kFast);
  monitor.start();
  Block block(workers[1]);
  // Long, so that a busy machine does not give the other worker as much.
  EXPECT_TRUE(eventually([&] { return monitor.current(1, steady_now()) >= milliseconds(150); }));
  block.release();
  EXPECT_TRUE(eventually([&] { return monitor.current(1, steady_now()) < milliseconds(20); }));
  EXPECT_GE(monitor.longest(1, steady_now()), milliseconds(150));
  EXPECT_LT(monitor.longest(0, steady_now()), monitor.longest(1, steady_now()));
  monitor.stop();
}

TEST(LoopMonitor, LongestForgetsWhatIsOlderThanItsWindow) {
  Workers workers(1);
  workers.start();
  LoopMonitor monitor(workers, {}, kFast);
  monitor.start();
  Block block(workers[0]);
  EXPECT_TRUE(eventually([&] { return monitor.current(0, steady_now()) >= milliseconds(50); }));
  block.release();
  EXPECT_TRUE(eventually([&] { return monitor.current(0, steady_now()) < milliseconds(20); }));
  monitor.stop();
  workers.stop();
  workers.join();
  const TimePoint now = steady_now();
  EXPECT_GE(monitor.longest(0, now), milliseconds(50));
  EXPECT_GE(monitor.longest(0, now + seconds(20)), milliseconds(50));
  EXPECT_LT(monitor.longest(0, now + seconds(40)), milliseconds(50));
}

TEST(LoopMonitor, EachFinishedProbeIsToldOnTheWorkerItRanOn) {
  Workers workers(2);
  std::mutex mutex;
  std::set<std::pair<unsigned, std::thread::id>> seen;
  Duration longest{};
  LoopMonitor monitor(
      workers,
      [&](unsigned worker, Duration lag, TimePoint) {
        const std::lock_guard lock(mutex);
        seen.emplace(worker, std::this_thread::get_id());
        longest = std::max(longest, lag);
      },
      kFast);
  workers.start();
  monitor.start();
  Block block(workers[0]);
  EXPECT_TRUE(eventually([&] { return monitor.current(0, steady_now()) >= milliseconds(40); }));
  block.release();
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return seen.size() == 2 && longest >= milliseconds(40);
  }));
  monitor.stop();
  const std::lock_guard lock(mutex);
  EXPECT_EQ(seen.size(), 2U) << "one thread for each worker";
  EXPECT_NE(seen.begin()->second, std::this_thread::get_id());
}

TEST(LoopMonitor, StopWithoutStartAndDestructionWithABlockedWorkerAreFine) {
  Workers workers(1);
  workers.start();
  { LoopMonitor never_started(workers, {}, kFast); }
  auto monitor = std::make_unique<LoopMonitor>(workers, LoopMonitor::OnLag{}, kFast);
  monitor->start();
  Block block(workers[0]);
  EXPECT_TRUE(eventually([&] { return monitor->current(0, steady_now()) >= milliseconds(5); }));
  monitor.reset();  // a probe is still on its way
  block.release();
  std::promise<void> ran;
  workers[0].post([&ran] { ran.set_value(); });
  ran.get_future().wait();
}

TEST(Worker, FinishLetsTheLoopEndWhenItsWorkIsDone) {
  Worker worker(3);
  std::atomic<int> id{0};
  worker.post([&] { id = worker.thread_id(); });
  worker.start();
  worker.finish();
  worker.join();
  EXPECT_NE(id, 0);
  EXPECT_EQ(worker.index(), 3U);
}

}  // namespace
}  // namespace quoll::net
