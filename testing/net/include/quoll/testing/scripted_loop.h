// ScriptedLoop: a worker without a thread, whose time moves when the test says so. What runs on it runs in run(),
// advance() and stall(), on the test's thread.
#pragma once

#include "quoll/net/worker.h"

namespace quoll::testing {

class ScriptedLoop {
 public:
  ScriptedLoop();
  ScriptedLoop(const ScriptedLoop&) = delete;
  ScriptedLoop& operator=(const ScriptedLoop&) = delete;

  net::Worker& worker() { return worker_; }
  net::Loop& loop() { return worker_.loop(); }
  TimePoint now() const { return now_; }

  // Until nothing is ready any more.
  void run();
  // Lets time pass, and everything happen in its order and at its time.
  void advance(Duration by);
  // Time passes and the loop does nothing: what a blocked or descheduled process is to its timers. It wakes up late to
  // all that was due, with run().
  void stall(Duration length) { now_ += length; }

 private:
  TimePoint now_;
  net::Worker worker_{0};
};

}  // namespace quoll::testing
