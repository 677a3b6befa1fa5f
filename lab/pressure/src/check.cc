#include "check.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace quoll::lab::pressure {

void check_range(std::vector<std::string>& faults, const char* name, const DurationRange& range, Duration low,
                 Duration high) {
  if (range.low >= low && range.low <= range.high && range.high <= high) return;
  faults.push_back(fmt::format("{} is {}; it must be between {} and {}", name, format_duration_range(range),
                               format_duration(low), format_duration(high)));
}

void check_length(std::vector<std::string>& faults, const RunLength& length) {
  if (length) check_range(faults, "duration", {*length, *length}, std::chrono::milliseconds(1), std::chrono::hours(24));
}

void check_number(std::vector<std::string>& faults, const char* name, double value, double low, double high) {
  if (value >= low && value <= high) return;
  faults.push_back(fmt::format("{} is {}; it must be between {} and {}", name, value, low, high));
}

Result<void> to_result(const std::vector<std::string>& faults) {
  if (faults.empty()) return {};
  return Error{fmt::format("{}", fmt::join(faults, "\n")), "bad_options"};
}

Error system_error(const std::string& what, int number) {
  const bool refused = number == EPERM || number == EACCES || number == EROFS;
  return Error{what + ": " + std::generic_category().message(number), refused ? "not_permitted" : "system"};
}

TimePoint run_end(const RunLength& length, TimePoint now) {
  return length ? now + *length : TimePoint::max();
}

Result<void> check_process(int pid) {
  if (pid <= 1 || pid == ::getpid()) {
    return Error{fmt::format("pid is {}; it must be another process, and not 1", pid), "bad_options"};
  }
  if (::kill(pid, 0) != 0 && errno == ESRCH) return Error{fmt::format("there is no process {}", pid), "no_process"};
  return {};
}

}  // namespace quoll::lab::pressure
