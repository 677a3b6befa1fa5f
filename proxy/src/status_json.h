// The JSON of /circuit-status and /config. Thread-safe: free functions.
#pragma once

#include <boost/json/object.hpp>

#include "admission_gate.h"
#include "quoll/net/loop_monitor.h"
#include "quoll/proxy/options.h"
#include "route.h"

namespace quoll::proxy {

boost::json::object circuit_json(const Route& route, TimePoint now);
boost::json::object admission_json(const AdmissionGate& admission);
boost::json::object loop_json(const net::LoopMonitor& monitor, std::size_t workers, TimePoint now);
// The live page's forms of the same: times as seconds since the epoch, no options, one transition by itself.
boost::json::object circuit_summary_json(const Route& route, TimePoint now);
boost::json::object transition_event_json(const std::string& circuit, const core::Transition& t, WallTime at);
boost::json::object config_json(const ProxyOptions& options);

}  // namespace quoll::proxy
