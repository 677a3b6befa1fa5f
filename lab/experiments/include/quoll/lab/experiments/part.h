// Starting one part of an experiment, this program under another subcommand, and saying what went wrong with it.
//
// Thread rule: as Process, see process.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "quoll/lab/experiments/process.h"

namespace quoll::lab::experiments {

// How long a part may take to start.
inline constexpr Duration kStartLimit = std::chrono::seconds(10);

// 127.0.0.1:PORT
std::string loopback(std::uint16_t port);

// "part": what happened to it, how it was started, and its last lines.
Error part_failure(Process& process, const std::string& what);

// arguments: the subcommand and what follows it.
Result<std::unique_ptr<Process>> launch_part(const std::string& program, const std::string& name,
                                             std::vector<std::string> arguments,
                                             std::function<void(std::string_view)> on_line = nullptr);

// Until /health answers there. Errors: "part"; "stopped" when `rest` says that the run shall end.
Result<void> wait_healthy(Process& process, std::uint16_t port, const std::function<bool(Duration)>& rest);

}  // namespace quoll::lab::experiments
