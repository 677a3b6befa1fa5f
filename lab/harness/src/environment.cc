#include "quoll/lab/harness/environment.h"

#include <sched.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "quoll/base/time.h"
#include "quoll/base/version.h"

namespace quoll::lab::harness {

namespace {

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    const std::size_t colon = line.find(": ");
    if (line.rfind("model name", 0) == 0 && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

}  // namespace

unsigned usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof(set), &set) == 0) return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
  return std::max(1U, std::thread::hardware_concurrency());
}

Environment read_environment() {
  Environment environment;
  environment.version = version();
#if defined(__clang__)
  environment.compiler = "clang " __clang_version__;
#else
  environment.compiler = "gcc " __VERSION__;
#endif
  utsname names{};
  if (::uname(&names) == 0) {
    environment.kernel = std::string(names.sysname) + " " + names.release + " " + names.machine;
  }
  environment.cpu = cpu_model();
  environment.cores = usable_cores();
  struct sysinfo info {};
  if (::sysinfo(&info) == 0) environment.memory_bytes = static_cast<std::uint64_t>(info.totalram) * info.mem_unit;
  environment.started_at = format_rfc3339(wall_now());
  return environment;
}

}  // namespace quoll::lab::harness
