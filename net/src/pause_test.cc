#include "quoll/net/pause.h"

#include <gtest/gtest.h>

#include "quoll/net/worker.h"

namespace quoll::net {
namespace {

using std::chrono::milliseconds;

// Says when the frame that holds it is destroyed.
struct Witness {
  explicit Witness(bool& destroyed) : gone(destroyed) {}
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;
  ~Witness() { gone = true; }
  bool& gone;
};

Task<void> pause_once(Loop& loop, TimePoint until, bool& resumed, bool& destroyed) {
  const Witness witness(destroyed);
  co_await pause(loop, until);
  resumed = true;
}

struct PauseTest : ::testing::Test {
  PauseTest() { worker.loop().clock.set_manual(now); }

  TimePoint now{std::chrono::hours(1)};
  Worker worker{0};
  bool resumed = false;
  bool destroyed = false;
};

TEST_F(PauseTest, EndsWhenItsTimeHasPassedAndNotBefore) {
  spawn(worker.executor(), pause_once(worker.loop(), now + milliseconds(5), resumed, destroyed));
  worker.poll();
  worker.loop().deadlines.fire_due(now + milliseconds(4));
  worker.poll();
  EXPECT_FALSE(resumed);
  worker.loop().deadlines.fire_due(now + milliseconds(5));
  worker.poll();
  EXPECT_TRUE(resumed);
  EXPECT_TRUE(destroyed);
}

TEST_F(PauseTest, ATaskThatPausesIsDestroyedWithTheOthers) {
  spawn(worker.executor(), pause_once(worker.loop(), now + milliseconds(5), resumed, destroyed));
  worker.poll();
  EXPECT_FALSE(destroyed);
  worker.destroy_tasks();
  EXPECT_TRUE(destroyed);
  EXPECT_FALSE(resumed);
}

TEST(Pause, ATaskThatPausesIsDestroyedWithItsWorker) {
  bool resumed = false;
  bool destroyed = false;
  {
    Worker worker(0);
    spawn(worker.executor(), pause_once(worker.loop(), kNever, resumed, destroyed));
    worker.poll();
  }
  EXPECT_TRUE(destroyed);
  EXPECT_FALSE(resumed);
}

}  // namespace
}  // namespace quoll::net
