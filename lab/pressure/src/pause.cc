#include "quoll/lab/pressure/pause.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "check.h"
#include "quoll/base/fd.h"
#include "quoll/base/rng.h"

namespace quoll::lab::pressure {

namespace {

// A process held by a pidfd. Continued when let go.
class Target {
 public:
  explicit Target(Fd process) : fd_(std::move(process)) {}
  ~Target() { resume(); }
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  int fd() const { return fd_.get(); }
  // 0, or the system's error.
  int suspend() {
    if (send(SIGSTOP) != 0) return errno;
    stopped_ = true;
    return 0;
  }
  void resume() {
    if (stopped_) send(SIGCONT);
    stopped_ = false;
  }
  bool gone() const {
    pollfd watched{fd_.get(), POLLIN, 0};
    return ::poll(&watched, 1, 0) > 0;
  }

 private:
  long send(int signal) const { return ::syscall(SYS_pidfd_send_signal, fd_.get(), signal, nullptr, 0); }

  Fd fd_;
  bool stopped_ = false;
};

}  // namespace

std::vector<std::string> PauseOptions::validate() const {
  std::vector<std::string> faults;
  check_range(faults, "stop", stop, std::chrono::milliseconds(1), std::chrono::minutes(1));
  check_range(faults, "every", every, std::chrono::milliseconds(10), std::chrono::hours(1));
  check_length(faults, duration);
  return faults;
}

Result<void> run_pause(const PauseOptions& options, const Sink& sink, const StopSignal& stop) {
  if (auto valid = to_result(options.validate()); !valid) return valid;
  if (auto exists = check_process(options.pid); !exists) return exists;
  Fd process(static_cast<int>(::syscall(SYS_pidfd_open, options.pid, 0)));
  if (!process) return system_error(fmt::format("opening process {}", options.pid), errno);
  Target target(std::move(process));
  Rng rng(options.seed);
  const auto say = [&](std::string_view name, std::vector<Event::Field> fields, std::string text) {
    if (sink) sink({name, steady_now(), std::move(fields), std::move(text)});
  };
  const TimePoint end = run_end(options.duration, steady_now());
  std::int64_t stops = 0;
  TimePoint next = steady_now() + rng.uniform(options.every.low, options.every.high);
  while (!stop.wait_for(std::min(next, end) - steady_now(), target.fd())) {
    if (target.gone()) {
      say("gone", {}, fmt::format("process {} has ended", options.pid));
      break;
    }
    const TimePoint at = steady_now();
    if (at >= end) break;
    const Duration length = rng.uniform(options.stop.low, options.stop.high);
    next = std::max(at + length, at + rng.uniform(options.every.low, options.every.high));
    if (const int error = target.suspend(); error == ESRCH) {
      continue;
    } else if (error != 0) {
      return system_error(fmt::format("stopping process {}", options.pid), error);
    }
    ++stops;
    say("stop", {{"stop_ms", to_millis(length)}}, "stopped for " + humanize(length));
    (void)stop.wait_for(at + length - steady_now(), target.fd());
    target.resume();
    say("continue", {{"stopped_ms", to_millis(steady_now() - at)}}, "continued");
  }
  target.resume();
  say("done", {{"stops", stops}}, fmt::format("{} stops", stops));
  return {};
}

}  // namespace quoll::lab::pressure
