// Starting one part of an experiment: this program under another subcommand.
//
// Thread rule: as Process, see process.h.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "quoll/base/stop_signal.h"
#include "quoll/lab/harness/process.h"
#include "quoll/net/http_client.h"

namespace quoll::lab::harness {

// How long a part may take to start.
inline constexpr Duration kStartLimit = std::chrono::seconds(10);

// The surroundings that the parts of one run share.
struct PartsContext {
  std::string program;  // the binary with the subcommands
  std::string scratch;  // a folder of this run's own
  std::uint64_t seed = 1;
  const StopSignal& stop;  // ends every wait
};

// 127.0.0.1:PORT
std::string loopback(std::uint16_t port);
// For a part that listens there.
net::HttpClient client_of(std::uint16_t port, Duration timeout = std::chrono::seconds(2));

// Changes the behaviour of the backend at that port. Errors: "part".
Result<void> control_backend(std::uint16_t port, const boost::json::object& change);

// "part": its fate (`what`), how it was started, and its last lines.
Error part_failure(Process& process, const std::string& what);

// arguments: the subcommand and its options.
Result<std::unique_ptr<Process>> launch_part(const std::string& program, const std::string& name,
                                             std::vector<std::string> arguments,
                                             std::function<void(std::string_view)> on_line = nullptr);

// "stopped".
Error stopped_error();

// Until /health answers there. Errors: "part", "stopped".
Result<void> wait_healthy(Process& process, std::uint16_t port, const StopSignal& stop);

}  // namespace quoll::lab::harness
