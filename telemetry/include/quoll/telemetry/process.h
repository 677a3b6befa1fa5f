// What the kernel says of this process: CPU, memory, descriptors, threads.
//
// The names are those of the Prometheus client libraries, so that common dashboards fit. Linux only (/proc).
//
// Thread-safe: free functions; each call reads afresh.
#pragma once

#include <cstdint>
#include <string_view>

#include "quoll/base/result.h"
#include "quoll/base/time.h"

namespace quoll::telemetry {

class Registry;

struct ProcessStats {
  Duration cpu{};  // user and system, all threads, those that ended too
  std::uint64_t resident_bytes = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint64_t threads = 0;
  WallTime started_at{};
};

// Reads /proc/self/stat, /proc/stat and the CPU clock: about 30 us.
Result<ProcessStats> read_process_stats();
// Entries of /proc/self/fd. Costs a directory read: about 1 us for each open descriptor.
Result<std::uint64_t> count_open_fds();

// process_cpu_seconds_total, process_resident_memory_bytes, process_virtual_memory_bytes, process_open_fds,
// process_max_fds, process_threads, process_start_time_seconds. A value that cannot be read shows as NaN.
void register_process_metrics(Registry& registry);
// quoll_build_info{version} 1.
void register_build_info(Registry& registry, std::string_view version);

}  // namespace quoll::telemetry
