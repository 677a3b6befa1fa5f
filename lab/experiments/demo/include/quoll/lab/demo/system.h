// System: the parts of the experiment as processes of their own, and the levers that the phases pull.
//
// Thread-compatible: for the thread that lives to the end of the program (see process.h).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "quoll/base/stop_signal.h"
#include "quoll/lab/demo/model.h"
#include "quoll/lab/harness/part.h"
#include "quoll/lab/harness/process.h"

namespace quoll::lab::demo {

struct SystemOptions {
  std::string program;  // the binary with the subcommands
  bool only_default_ports = false;
  bool quick = false;  // a shorter window and reset timeout
  std::string verdict;
  unsigned rate = 0;  // calls a second; 0: closed loop
  unsigned connections = 0;
  std::uint64_t seed = 0;
  const StopSignal& stop;  // ends every wait
};

class System {
 public:
  explicit System(SystemOptions options);
  // Stops every part; the backend, on which the others depend, last.
  ~System();
  System(const System&) = delete;
  System& operator=(const System&) = delete;

  // Ports, then backend, then proxy, each until it is healthy. Errors: "port_in_use", "stopped", "part" (with the last
  // lines of the part that failed).
  Result<void> start();
  void stop();

  std::uint16_t proxy_port() const { return proxy_port_; }
  std::uint16_t admin_port() const { return admin_port_; }
  // The parts that were started, for the report.
  const std::vector<Part>& parts() const { return parts_; }
  // Remarks for a person about the ports; empty when all are the defaults.
  const std::vector<std::string>& notes() const { return notes_; }
  // The breaker's settings in words.
  std::string breaker() const;

  Result<void> set_backend(const boost::json::object& change);
  // Ends the pressure that goes on and starts the one that is asked for.
  Result<void> set_pressure(const std::optional<LoopPressure>& loop, unsigned cpu_cores);
  // Starts the load for a phase; each line of its output goes to `on_line`, on a thread of its own.
  Result<void> start_load(Duration length, std::function<void(std::string_view)> on_line);
  // The load's end, once it has ended by itself.
  std::optional<harness::Exit> load_ended();
  // Ends it early; its result still comes.
  void stop_load();
  // The load did not do `what` it should, with its last lines.
  Error load_failure(const std::string& what) const;
  // A part that must run and does not: what happened to it, with its last lines.
  std::optional<Error> dead_part();
  Result<Counters> counters() const;

 private:
  Result<std::uint16_t> choose_port(const char* what, std::uint16_t wanted);
  Result<std::unique_ptr<harness::Process>> launch(const std::string& name, std::vector<std::string> arguments,
                                                   const std::string& address,
                                                   std::function<void(std::string_view)> on_line);

  SystemOptions options_;
  std::uint16_t proxy_port_ = 0;
  std::uint16_t backend_port_ = 0;
  std::uint16_t admin_port_ = 0;
  std::vector<Part> parts_;
  std::vector<std::string> notes_;
  std::unique_ptr<harness::Process> backend_;
  std::unique_ptr<harness::Process> proxy_;
  std::unique_ptr<harness::Process> loop_pressure_;
  std::unique_ptr<harness::Process> cpu_pressure_;
  std::unique_ptr<harness::Process> load_;
  unsigned loads_ = 0;  // started so far; each has a seed of its own
};

}  // namespace quoll::lab::demo
