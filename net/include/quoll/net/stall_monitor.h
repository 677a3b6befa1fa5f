// StallMonitor: what kept this process from the CPU, as the kernel counts it.
//
//   run_queue  its threads were runnable and waited for a core (/proc/self/task/*/schedstat, second field)
//   throttled  its cgroup had used up its quota (cpu.stat: throttled_usec, or throttled_time in cgroup v1)
//   steal      the hypervisor gave the core to somebody else (/proc/stat, of the whole machine)
//
// Each is a total since the monitor was made. Sources that are missing stay at zero. What a thread waited
// between the last sample and its end is not seen.
// Thread-compatible: one thread samples.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "quoll/base/time.h"

namespace quoll::net {

struct StallTotals {
  Duration run_queue{};
  Duration throttled{};
  Duration steal{};
};

// The parsers, apart from the files, for tests. nullopt when the text has not the expected form.
std::optional<Duration> parse_schedstat_wait(std::string_view text);
std::optional<Duration> parse_cgroup_throttled(std::string_view cpu_stat);
std::optional<Duration> parse_steal(std::string_view proc_stat, long ticks_per_second);
// The path of the process's cgroup below its cpu controller's mount, from /proc/self/cgroup: v2's, else v1's "cpu".
struct CgroupPath {
  bool v2 = true;
  std::string path;
};
std::optional<CgroupPath> parse_cgroup_path(std::string_view proc_self_cgroup);

class StallMonitor {
 public:
  // `root` is "/" except in tests.
  explicit StallMonitor(std::string root = "/");

  // Reads the kernel's counters; the totals since construction.
  StallTotals sample();

 private:
  StallTotals read();
  Duration threads_waited();
  Duration throttled() const;

  std::string root_;
  std::map<std::string, Duration> threads_;  // by id: what each had waited at the last look
  Duration waited_{};                        // summed over threads that have ended, too
  StallTotals first_;
  StallTotals last_;
};

}  // namespace quoll::net
