// The scenarios, one function each.
#pragma once

#include "quoll/sim/scenario.h"

namespace quoll::sim {

Scenario outage_scenario();
Scenario slow_scenario();
Scenario retry_storm_scenario();
Scenario overload_scenario();
Scenario stall_scenario();
Scenario bad_endpoint_scenario();
Scenario latency_shift_scenario();

}  // namespace quoll::sim
