// How each caller of the paradox and each pressure on it are started.
//
// Thread-safe: free functions; fill_template and find_program read files.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "quoll/base/result.h"
#include "quoll/lab/paradox/plan.h"

namespace quoll::lab::paradox {

struct CallerPlace {
  std::string program;  // quoll itself
  std::string peers;    // the folder with the other callers: bench/peers/callers
  std::string scratch;  // a folder for configurations
  std::uint16_t port = 0;
  std::uint16_t admin = 0;  // Quoll's
  std::uint16_t upstream = 0;
  Duration deadline{};
  std::uint64_t seed = 1;
};

struct CallerCommand {
  std::string program;
  std::vector<std::string> command;
};
// Writes the configuration that the caller needs. Errors: "not_installed" (what is missing, and what installs it),
// "file".
Result<CallerCommand> caller_command(Caller caller, const CallerPlace& place);

// The arguments of quoll for a pressure on `process`, whose event loop can be asked to block at port `control`.
std::vector<std::string> pressure_arguments(Pressure pressure, pid_t process, std::uint16_t control,
                                            std::uint64_t seed);

// Replaces each @NAME@; pairs of name and value.
std::string fill_template(std::string text, const std::vector<std::pair<std::string, std::string>>& values);
// The program's path in $PATH and the folders of the system's programs; empty when there is none.
std::string find_program(std::string_view name);
// The process that does the work: nginx's only worker, otherwise the process itself. 0 when there is none (yet).
pid_t working_process(Caller caller, pid_t started);
// How long the threads of a process have waited for a CPU since they began, from /proc/PID/task/*/schedstat.
Duration cpu_wait_of(pid_t pid);

}  // namespace quoll::lab::paradox
