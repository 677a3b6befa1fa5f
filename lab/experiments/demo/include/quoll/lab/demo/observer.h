// Observer: samples the proxy through its admin port a few times a second, on a thread of its own, and records
// state, window, loop lag, and each change of state with the journal's explanation.
//
// The admin port answers during a stall of the workers, so a sample is not late. A lag shorter than the time
// between two samples is not missed: the proxy's own histogram and 10 s maximum tell of it.
//
// Thread-safe.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "quoll/lab/demo/parts_json.h"
#include "quoll/lab/demo/recorder.h"
#include "quoll/lab/harness/metrics_page.h"

namespace quoll::lab::demo {

// The longest lag that there can have been between two samples. `status` is the later one's; the 10 s maximum bounds
// it, and has seen it exactly when it rose.
Duration longest_lag(const CircuitStatus& status, const CircuitStatus* before, const harness::MetricsPage& page,
                     const harness::MetricsPage* page_before);

// The counters that the cross-check needs.
Counters read_counters(const harness::MetricsPage& page);

class Observer {
 public:
  static constexpr Duration kPeriod = std::chrono::milliseconds(200);
  // The longest silence of the admin port that is put down to a busy machine.
  static constexpr Duration kPatience = std::chrono::seconds(5);

  // `recorder` outlives it.
  Observer(Recorder& recorder, std::uint16_t admin_port);
  ~Observer();
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

  void start();
  void stop();
  // Takes one sample, on the caller's thread. Not while started.
  Result<void> sample();

 private:
  void watch();

  Recorder& recorder_;
  const std::uint16_t admin_port_;
  CircuitStatus last_status_;
  harness::MetricsPage last_page_;
  bool seen_ = false;
  std::uint64_t last_change_ = 0;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace quoll::lab::demo
