// The JSON of /circuit-status. Thread-safe: free functions.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "quoll/net/loop_monitor.h"
#include "quoll/proxy/config/options.h"
#include "quoll/proxy/data/admission_gate.h"
#include "quoll/proxy/data/route.h"

namespace quoll::proxy {

boost::json::object circuit_json(const Route& route, TimePoint now);
boost::json::object admission_json(const AdmissionGate& admission);
boost::json::object loop_json(const net::LoopMonitor& monitor, std::size_t workers, TimePoint now);
// The live page's forms of the same: times as seconds since the epoch, no options, one transition by itself.
boost::json::object circuit_summary_json(const Route& route, TimePoint now);
// One line of a list of many: what it is, its state, and its window in a few numbers.
boost::json::object circuit_line_json(const Route& route, TimePoint now);
// The same for the live page, without names: index, state (the number of core::State), seconds in it, then of the
// window: calls, percent failed, rescued, rejected, p50, p95 and max in milliseconds (null without a sample).
boost::json::array circuit_brief_json(const Route& route, TimePoint now);
// How many circuits are in which state: {"closed": 9, "open": 1}.
boost::json::object states_json(const Routes& routes);
// The state that most deserves a look: open before half-open before all others.
core::State worst_state(const Routes& routes);
boost::json::object transition_event_json(const std::string& circuit, const core::Transition& t, WallTime at);

}  // namespace quoll::proxy
