#include "quoll/lab/pressure/quota.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "check.h"
#include "cpu_group.h"

namespace quoll::lab::pressure {

namespace {

// A child that does nothing but spin; it dies with us.
class Neighbour {
 public:
  Neighbour() = default;
  ~Neighbour() { stop(); }
  Neighbour(const Neighbour&) = delete;
  Neighbour& operator=(const Neighbour&) = delete;

  Result<pid_t> start() {
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ < 0) return system_error("starting the neighbour", errno);
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) ::_exit(0);
      for (volatile unsigned spin = 0;;) spin = spin + 1;
    }
    return pid_;
  }
  void stop() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
};

}  // namespace

std::vector<std::string> QuotaOptions::validate() const {
  std::vector<std::string> faults;
  check_number(faults, "percent", percent, 1, 10'000);
  check_range(faults, "period", {period, period}, std::chrono::milliseconds(1), std::chrono::seconds(1));
  check_length(faults, duration);
  if (faults.empty() && period * (percent / 100) < std::chrono::milliseconds(1)) {
    faults.push_back(fmt::format("percent of period is {}; the kernel hands out at least 1ms",
                                 humanize(std::chrono::duration_cast<Duration>(period * (percent / 100)))));
  }
  return faults;
}

Result<void> run_quota(const QuotaOptions& options, const Sink& sink, const StopSignal& stop) {
  if (auto valid = to_result(options.validate()); !valid) return valid;
  if (auto exists = check_process(options.pid); !exists) return exists;
  auto group = CpuGroup::find(options.mounts, options.pid);
  if (!group) return group.error();
  const auto quota = std::chrono::duration_cast<Duration>(options.period * (options.percent / 100));
  const std::string name = fmt::format("quoll-pressure-{}", ::getpid());
  if (auto made = group->create(name, quota, options.period); !made) return made;
  // After the group, so that it ends first and leaves the group empty.
  Neighbour neighbour;
  if (auto moved = group->move_in(options.pid); !moved) return moved;
  if (options.neighbour) {
    const auto pid = neighbour.start();
    if (!pid) return pid.error();
    if (auto moved = group->move_in(*pid); !moved) return moved;
  }
  const auto say = [&](std::string_view event, std::vector<Event::Field> fields, std::string text) {
    if (sink) sink({event, steady_now(), std::move(fields), std::move(text)});
  };
  say("limited",
      {{"pid", std::int64_t{options.pid}},
       {"percent", options.percent},
       {"neighbour", std::int64_t{options.neighbour ? 1 : 0}},
       {"group", group->path()}},
      fmt::format("process {} has {} % of a CPU{}", options.pid, options.percent,
                  options.neighbour ? ", shared with a neighbour that spins" : ""));
  const TimePoint end = run_end(options.duration, steady_now());
  CpuGroup::Throttling last;
  for (bool stopped = false; !stopped && steady_now() < end;) {
    stopped = stop.wait_for(std::min<Duration>(std::chrono::seconds(1), end - steady_now()));
    const auto now = group->throttling();
    say("throttled",
        {{"periods", now.periods - last.periods},
         {"throttled", now.throttled - last.throttled},
         {"throttled_ms", to_millis(now.time - last.time)}},
        fmt::format("throttled in {} of {} periods", now.throttled - last.throttled, now.periods - last.periods));
    last = now;
    if (::kill(options.pid, 0) != 0 && errno == ESRCH) {
      say("gone", {}, fmt::format("process {} has ended", options.pid));
      break;
    }
  }
  neighbour.stop();
  if (auto restored = group->restore(); !restored) return restored;
  say("restored", {}, fmt::format("process {} has no quota any more", options.pid));
  return {};
}

}  // namespace quoll::lab::pressure
