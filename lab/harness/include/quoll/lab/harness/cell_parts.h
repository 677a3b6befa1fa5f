// CellParts: the processes of one cell of an experiment - backend, proxy, load - on ports of their own.
//
// Thread-compatible: for the thread that lives to the end of the program (see process.h).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "quoll/lab/harness/metrics_page.h"
#include "quoll/lab/harness/part.h"
#include "quoll/lab/harness/process.h"
#include "quoll/lab/harness/request_log.h"

namespace quoll::lab::harness {

class CellParts {
 public:
  explicit CellParts(const PartsContext& context) : context_(context) {}
  // Stops what runs, the load first.
  ~CellParts();
  CellParts(const CellParts&) = delete;
  CellParts& operator=(const CellParts&) = delete;

  // Errors of all: "stopped", "part" (with the last lines of the part that failed).
  Result<void> start_backend(std::vector<std::string> arguments);
  // --listen, --admin, --upstream, --seed and the log level are added.
  Result<void> start_proxy(std::vector<std::string> arguments);
  // Puts the proxy under a CPU quota. Errors also: "not_permitted".
  Result<void> limit_proxy(unsigned percent);
  Result<void> control_backend(const boost::json::object& change);

  // Runs a load through the proxy to its end. `meanwhile` is called about every `kPollPeriod`; its error ends the load.
  Result<std::vector<LoggedCall>> load(std::vector<std::string> arguments, Duration limit,
                                       const std::function<Result<void>()>& meanwhile = nullptr);

  // The proxy's, and its circuit `default` as /circuit-status has it (empty when it did not answer in time).
  Result<MetricsPage> metrics() const;
  Result<std::string> status() const;
  pid_t proxy_pid() const { return proxy_->pid(); }
  const std::string& proxy_command() const { return proxy_command_; }

  static constexpr Duration kPollPeriod = std::chrono::milliseconds(50);

 private:
  const PartsContext& context_;
  std::uint16_t backend_port_ = 0;
  std::uint16_t port_ = 0;
  std::uint16_t admin_port_ = 0;
  std::string proxy_command_;
  std::unique_ptr<Process> backend_;
  std::unique_ptr<Process> proxy_;
  std::unique_ptr<Process> quota_;
  std::unique_ptr<Process> load_;
};

}  // namespace quoll::lab::harness
