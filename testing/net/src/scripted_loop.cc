#include "quoll/testing/scripted_loop.h"

#include "quoll/base/assert.h"

namespace quoll::testing {

// Not zero: the code under test may look back.
ScriptedLoop::ScriptedLoop() : now_(steady_now() + std::chrono::seconds(1)) {
  worker_.loop().clock.set_manual(now_);
}

void ScriptedLoop::run() {
  do {
    loop().deadlines.fire_due(now_);
  } while (worker_.poll() > 0);
}

void ScriptedLoop::advance(Duration by) {
  QUOLL_ASSERT(by >= Duration::zero());
  const TimePoint end = now_ + by;
  run();
  for (TimePoint next = loop().deadlines.next(); next <= end; next = loop().deadlines.next()) {
    now_ = std::max(now_, next);
    run();
  }
  now_ = end;
  run();
}

}  // namespace quoll::testing
