// StopSignal: asks something that runs to end in order. StopOnSignals: lets Ctrl-C and its like ask.
//
//   StopSignal stop;
//   const StopOnSignals signals(stop);
//   while (!stop.wait_for(kPeriod)) work();
//
// Once requested it stays so.
#pragma once

#include <atomic>
#include <csignal>
#include <cstddef>

#include "quoll/base/fd.h"
#include "quoll/base/time.h"

namespace quoll {

// Thread-safe; `request` is async-signal-safe, too.
class StopSignal {
 public:
  StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  void request();
  bool requested() const { return requested_.load(std::memory_order_relaxed); }
  // Readable once a stop was requested; -1 when the system had no descriptor left.
  int fd() const { return fd_.get(); }
  // Waits for up to `limit`; true, at once, when a stop is or was requested. `other`: a descriptor that ends the wait
  // when it is readable (then false); -1 for none.
  bool wait_for(Duration limit, int other = -1) const;

 private:
  std::atomic<bool> requested_{false};
  Fd fd_;
};

// While it lives, SIGINT, SIGTERM and SIGHUP request `stop`; afterwards they do what they did before. SIGHUP is left
// alone where it is ignored (nohup). One at a time in a process.
class StopOnSignals {
 public:
  explicit StopOnSignals(StopSignal& stop);
  ~StopOnSignals();
  StopOnSignals(const StopOnSignals&) = delete;
  StopOnSignals& operator=(const StopOnSignals&) = delete;

 private:
  static constexpr std::size_t kCount = 3;
  struct sigaction before_[kCount] {};
};

}  // namespace quoll
