// Driver: takes a started System through the phases and records what happens.
//
// Each phase has a load generator of its own, which ends by itself: its result is then exact for the phase, and no
// request is on its way when the circuit's counters are read.
//
// Thread-compatible, as System.
#pragma once

#include <functional>
#include <vector>

#include "quoll/lab/demo/recorder.h"
#include "quoll/lab/demo/system.h"

namespace quoll::lab::demo {

class Driver {
 public:
  // show: called many times a second while the driver waits. `stop` ends the run. Both outlive it.
  Driver(System& system, Recorder& recorder, const StopSignal& stop, std::function<void()> show);

  // Returns when the plan is through, or was cut short (interrupted, problems). The record is then summarised.
  void run(const std::vector<Phase>& plan);

 private:
  // All of bool: false when the run cannot go on.
  bool run_phase(const Phase& phase);
  bool apply_steps(const Phase& phase, Duration start, std::size_t& next);
  // Waits a little for counters that agree with the traffic.
  Result<Counters> matching_counters(const Counters& before, const Traffic& traffic);
  void on_load_line(std::string_view text);
  // Shows the run and waits a moment; false when it shall end.
  bool wait();
  bool fail(const Error& error);

  System& system_;
  Recorder& recorder_;
  const StopSignal& stop_;
  std::function<void()> show_;
  Duration load_started_{};
};

}  // namespace quoll::lab::demo
