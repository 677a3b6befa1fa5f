// Results for people and for programs.
//
// Thread-safe: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "quoll/sim/replay.h"
#include "quoll/sim/scenario.h"

namespace quoll::sim {

// A table with a row for each set-up, what one sees, and what repeats it.
std::string to_text(const ScenarioResult& result);
std::string to_text(const ReplayResult& result);

// One JSON object: docs/simulator.md describes it. Figures that do not exist are null.
std::string to_json(const ScenarioResult& result);
std::string to_json(const ReplayResult& result);

// The script that draws the HTML report of a scenario from its JSON, for lab::harness::html_page().
std::string_view report_script();

// "0x1f3a..." as it is printed and compared.
std::string hash_text(std::uint64_t hash);

}  // namespace quoll::sim
