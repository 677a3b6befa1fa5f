// Driver: takes a started System through the phases and records what happens.
//
// Each phase has a load generator of its own, which ends by itself: its result is then exact for the phase, and no
// request is on its way when the circuit's counters are read.
//
// Thread-compatible, as System.
#pragma once

#include <functional>
#include <vector>

#include "quoll/lab/experiments/recorder.h"
#include "quoll/lab/experiments/system.h"

namespace quoll::lab::experiments {

class Driver {
 public:
  // Called many times a second while the driver waits: shows the run, rests for up to the given time, and returns
  // false when the run shall end now.
  using Rest = std::function<bool(Duration)>;

  Driver(System& system, Recorder& recorder, Rest rest);

  // Returns when the plan is through, or was cut short (interrupted, problems). The record is then summarised.
  void run(const std::vector<Phase>& plan);

 private:
  // False when the run cannot go on.
  bool run_phase(const Phase& phase);
  bool take_steps(const Phase& phase, Duration start, std::size_t& next);
  Result<Counters> settled_counters(const Counters& before, const Traffic& traffic);
  void on_load_line(std::string_view text);
  bool fail(const Error& error);

  System& system_;
  Recorder& recorder_;
  Rest rest_;
  Duration load_started_{};
};

}  // namespace quoll::lab::experiments
