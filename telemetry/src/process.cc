#include "quoll/telemetry/process.h"

#include <dirent.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <memory>
#include <sstream>
#include <string>

#include "quoll/telemetry/registry.h"

namespace quoll::telemetry {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Error unreadable(const char* path, const std::string& why) {
  return {std::string(path) + ": " + why, "proc_unreadable"};
}

Result<std::string> slurp(const char* path) {
  std::ifstream file(path);
  if (!file) return unreadable(path, std::strerror(errno));  // NOLINT(concurrency-mt-unsafe): glibc's is per thread
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

// Seconds since the epoch at which the machine started.
Result<std::int64_t> boot_time() {
  const auto text = slurp("/proc/stat");
  if (!text) return text.error();
  const std::size_t at = text->find("\nbtime ");
  if (at == std::string::npos) return unreadable("/proc/stat", "no line 'btime'");
  return static_cast<std::int64_t>(std::strtoll(text->c_str() + at + 7, nullptr, 10));
}

double open_fds() {
  const auto count = count_open_fds();
  return count ? static_cast<double>(*count) : kNaN;
}

double max_fds() {
  rlimit limit{};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<double>(limit.rlim_cur) : kNaN;
}

}  // namespace

Result<ProcessStats> read_process_stats() {
  const auto text = slurp("/proc/self/stat");
  if (!text) return text.error();
  const auto boot = boot_time();
  if (!boot) return boot.error();
  // The second field is the program's name in brackets and may hold anything, brackets too: read on after the last.
  const std::size_t close = text->rfind(')');
  if (close == std::string::npos) return unreadable("/proc/self/stat", "no ')'");
  std::istringstream fields(text->substr(close + 1));
  const std::vector<std::string> field{std::istream_iterator<std::string>(fields), {}};
  // proc(5) numbers fields from 1 and this vector starts with the third.
  constexpr std::size_t kThreads = 20 - 3;
  constexpr std::size_t kStart = 22 - 3;
  constexpr std::size_t kVirtual = 23 - 3;
  constexpr std::size_t kResident = 24 - 3;
  if (field.size() <= kResident) return unreadable("/proc/self/stat", "fewer than 24 fields");
  const auto number = [&](std::size_t index) { return std::strtoull(field[index].c_str(), nullptr, 10); };

  ProcessStats stats;
  stats.threads = number(kThreads);
  stats.virtual_bytes = number(kVirtual);
  stats.resident_bytes = number(kResident) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const auto ticks = static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
  stats.started_at = WallTime(std::chrono::seconds(*boot)) +
                     Duration(static_cast<Duration::rep>(number(kStart) * (1'000'000'000ULL / ticks)));
  // The times in stat are in clock ticks of 10 ms; the process' own clock is exact.
  timespec cpu{};
  if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu) != 0)
    return unreadable("CLOCK_PROCESS_CPUTIME_ID", "no such clock");
  stats.cpu = std::chrono::seconds(cpu.tv_sec) + std::chrono::nanoseconds(cpu.tv_nsec);
  return stats;
}

Result<std::uint64_t> count_open_fds() {
  const char* path = "/proc/self/fd";
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(path), &closedir);
  if (!directory) return unreadable(path, std::strerror(errno));  // NOLINT(concurrency-mt-unsafe)
  std::uint64_t entries = 0;
  while (readdir(directory.get()) != nullptr) ++entries;  // NOLINT(concurrency-mt-unsafe): the stream is ours alone
  // Without ".", ".." and the descriptor that reads the directory.
  return entries - 3;
}

void register_process_metrics(Registry& registry) {
  const auto from_stats = [](auto read) {
    return [read] {
      const auto stats = read_process_stats();
      return stats ? read(*stats) : kNaN;
    };
  };
  registry.counter_fn("process_cpu_seconds_total", "User and system CPU time that the process used, in seconds.", {},
                      from_stats([](const ProcessStats& s) { return to_seconds(s.cpu); }));
  registry.gauge_fn("process_resident_memory_bytes", "Memory of the process that is in RAM.", {},
                    from_stats([](const ProcessStats& s) { return static_cast<double>(s.resident_bytes); }));
  registry.gauge_fn("process_virtual_memory_bytes", "Address space of the process.", {},
                    from_stats([](const ProcessStats& s) { return static_cast<double>(s.virtual_bytes); }));
  registry.gauge_fn("process_threads", "Threads of the process.", {},
                    from_stats([](const ProcessStats& s) { return static_cast<double>(s.threads); }));
  registry.gauge_fn("process_start_time_seconds", "When the process started, in seconds since the epoch.", {},
                    from_stats([](const ProcessStats& s) { return to_seconds(s.started_at.time_since_epoch()); }));
  registry.gauge_fn("process_open_fds", "Open file descriptors.", {}, open_fds);
  registry.gauge_fn("process_max_fds", "The limit on open file descriptors (soft).", {}, max_fds);
}

void register_build_info(Registry& registry, std::string_view version) {
  registry
      .gauge("quoll_build_info", "1, with the version of this program as a label.", {{"version", std::string(version)}})
      .set(1);
}

}  // namespace quoll::telemetry
