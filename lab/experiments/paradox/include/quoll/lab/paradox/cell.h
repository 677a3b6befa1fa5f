// CellRun: one caller under one pressure before one backend, from starting the processes to the verdicts.
//
// Thread-compatible: for the thread that lives to the end of the program (see process.h).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "quoll/base/mutex.h"
#include "quoll/lab/harness/part.h"
#include "quoll/lab/harness/process.h"
#include "quoll/lab/paradox/record.h"

namespace quoll::lab::paradox {

struct CellContext {
  const harness::PartsContext& parts;
  std::string peers;  // bench/peers/callers
  Duration band = kGuardBand;
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
  // Events of the children while they run; written by their readers' threads.
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
  void sample();
  void sample_quoll();
  void read_node_journal();
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
  std::unique_ptr<harness::Process> backend_;
  std::unique_ptr<harness::Process> caller_;
  std::unique_ptr<harness::Process> pressure_;
  std::unique_ptr<harness::Process> load_;
};

}  // namespace quoll::lab::paradox
