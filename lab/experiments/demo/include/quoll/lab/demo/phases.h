// The plan of the experiment: the steps that change the backend and the proxy, and the results they must have.
//
// Thread-compatible: plain values.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <vector>

#include "quoll/base/time.h"

namespace quoll::lab::demo {

// Blocks on the proxy's event loops, in the forms that `quoll pressure loop` takes.
struct LoopPressure {
  std::string block;  // "100ms"
  std::string every;  // "1s..2s"
};

// One thing done at a time within a phase.
struct Step {
  Duration at{};                     // since the phase's start
  std::string text;                  // for the live view and the report's axis: "backend hangs"
  boost::json::object backend = {};  // for the backend's POST /control; empty leaves it as it is
  bool sets_pressure = false;
  std::optional<LoopPressure> loop = {};  // with sets_pressure: nothing ends it
  unsigned cpu_cores = 0;                 // with sets_pressure: cores burnt beside the proxy
};

// What must be true at the end of a phase.
struct Expectation {
  bool opens = false;  // the circuit opened, or was open all the time
  bool never_opens = false;
  bool ends_closed = false;
  bool closes = false;       // it went through half-open to closed
  bool no_timeouts = false;  // no caller was told "timeout": the backend was in time
  bool control = false;      // report the timeouts that a verdict by timer makes, without judging
};

struct Phase {
  std::string name;      // "outage"
  std::string sentence;  // what happens and what to look for
  Duration length{};
  std::vector<Step> steps;
  Expectation expectation = {};
};

struct PlanOptions {
  bool quick = false;
  // "arrival" or "timer": a verdict by timer promises nothing under pressure.
  bool arrival = true;
  // Cores that the pressure phase burns, at equal priority.
  unsigned burn_cores = 1;
};

// calm, outage, recovery, pressure, unstable, healed.
std::vector<Phase> make_plan(const PlanOptions& options);
Duration total_length(const std::vector<Phase>& plan);

}  // namespace quoll::lab::demo
