// CellRun: one caller under one pressure before one backend, from starting the processes to the verdicts.
//
// Thread-compatible: for the thread that lives to the end of the program (see process.h).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "quoll/base/mutex.h"
#include "quoll/lab/experiments/http_client.h"
#include "quoll/lab/experiments/paradox_record.h"
#include "quoll/lab/experiments/process.h"

namespace quoll::lab::experiments::paradox {

struct CellContext {
  std::string program;  // the binary with the subcommands
  std::string peers;    // bench/peers/callers
  std::string scratch;  // a folder of this run's own
  std::uint64_t seed = 1;
  Duration band = kGuardBand;
  // Rests for up to the given time; false when the run shall end now.
  std::function<bool(Duration)> rest;
};

class CellRun {
 public:
  CellRun(const CellContext& context, const Group& group, Caller caller);
  // Stops what runs, the load first.
  ~CellRun();
  CellRun(const CellRun&) = delete;
  CellRun& operator=(const CellRun&) = delete;

  // A caller that is not installed and a pressure that is not permitted make a record with `skipped`. Errors:
  // "stopped", "part" (with the last lines of the part that failed).
  Result<CellRecord> run();

 private:
  // What the children tell while they run; written by their readers' threads.
  struct Told {
    Mutex mutex;
    std::vector<Span> stalls QUOLL_GUARDED_BY(mutex);
    bool pressure_ready QUOLL_GUARDED_BY(mutex) = false;
    std::optional<TimePoint> hang_from QUOLL_GUARDED_BY(mutex) = {};
    std::optional<TimePoint> hang_to QUOLL_GUARDED_BY(mutex) = {};
  };

  Result<void> start_backend();
  Result<void> start_caller();
  Result<void> warm_up();
  Result<void> start_pressure();
  Result<void> load();
  Result<void> finish();
  void watch();
  void look_at_quoll();
  void look_at_node();
  Result<void> evaluate();
  void fill_series(const std::vector<Call>& calls, const std::vector<Transition>& transitions);
  Result<void> read_counters(bool after);

  std::vector<std::string> load_arguments() const;
  void on_pressure(std::string_view line);
  void on_backend(std::string_view line);

  const CellContext& context_;
  const Group& group_;
  const Setting setting_;
  CellRecord record_;
  Told told_;
  std::uint16_t backend_port_ = 0;
  std::uint16_t port_ = 0;
  std::uint16_t admin_port_ = 0;
  pid_t worker_ = 0;
  TimePoint started_{};
  TimePoint load_ended_{};
  std::vector<std::pair<TimePoint, Duration>> lags_;
  std::vector<std::pair<TimePoint, Duration>> waits_;
  std::vector<Transition> transitions_;
  std::uint64_t last_sequence_ = 0;
  std::uint64_t rescued_before_ = 0;
  std::uint64_t unstamped_before_ = 0;
  // Ended in the opposite order.
  std::unique_ptr<Process> backend_;
  std::unique_ptr<Process> caller_;
  std::unique_ptr<Process> pressure_;
  std::unique_ptr<Process> load_;
};

}  // namespace quoll::lab::experiments::paradox
