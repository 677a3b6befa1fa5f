#include "quoll/lab/pressure/cpu.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <ctime>
#include <thread>

#include "check.h"

namespace quoll::lab::pressure {

namespace {

constexpr Duration kDutyPeriod = std::chrono::milliseconds(10);

struct Burner {
  std::atomic<bool> stop{false};
  std::atomic<bool> started{false};
  std::atomic<int> error{0};
  std::atomic<std::int64_t> cpu_ns{0};  // burnt so far, as the scheduler counts it
};

Duration thread_cpu() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

void burn(Burner& self, int nice, double duty) {
  // On Linux the nice value belongs to a thread.
  const auto thread = static_cast<id_t>(::syscall(SYS_gettid));
  if (nice != 0 && ::setpriority(PRIO_PROCESS, thread, nice) != 0) self.error = errno;
  self.started = true;
  if (self.error != 0) return;
  const Duration busy(std::llround(static_cast<double>(kDutyPeriod.count()) * duty));
  volatile double sink = 1;
  while (!self.stop.load(std::memory_order_relaxed)) {
    const TimePoint start = steady_now();
    while (steady_now() - start < busy) {
      for (int i = 0; i < 1000; ++i) sink = std::sqrt(sink + i);
    }
    self.cpu_ns.store(thread_cpu().count(), std::memory_order_relaxed);
    if (duty < 1) std::this_thread::sleep_until(start + kDutyPeriod);
  }
}

unsigned usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return std::max(1U, std::thread::hardware_concurrency());
  return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
}

// Joins however the run ends.
class Burners {
 public:
  Burners(unsigned count, int nice, double duty) : burners_(count) {
    for (Burner& burner : burners_) threads_.emplace_back([&burner, nice, duty] { burn(burner, nice, duty); });
  }
  ~Burners() {
    for (Burner& burner : burners_) burner.stop = true;
    for (std::thread& thread : threads_) thread.join();
  }
  Burners(const Burners&) = delete;
  Burners& operator=(const Burners&) = delete;

  int first_error() const {
    for (const Burner& burner : burners_) {
      while (!burner.started) std::this_thread::yield();
      if (burner.error != 0) return burner.error;
    }
    return 0;
  }
  Duration burnt() const {
    Duration sum{};
    for (const Burner& burner : burners_) sum += Duration(burner.cpu_ns.load(std::memory_order_relaxed));
    return sum;
  }

 private:
  std::vector<Burner> burners_;
  std::vector<std::thread> threads_;
};

}  // namespace

std::vector<std::string> CpuOptions::validate() const {
  std::vector<std::string> faults;
  check_number(faults, "cores", cores, 0, 1024);
  check_number(faults, "nice", nice, -20, 19);
  check_number(faults, "duty", duty, 0.01, 1);
  check_length(faults, duration);
  return faults;
}

Result<void> run_cpu(const CpuOptions& options, const Sink& sink, const StopSignal& stop) {
  if (auto valid = to_result(options.validate()); !valid) return valid;
  const unsigned cores = options.cores == 0 ? usable_cpus() : options.cores;
  const TimePoint start = steady_now();
  const TimePoint end = run_end(options.duration, start);
  Burners burners(cores, options.nice, options.duty);
  if (const int error = burners.first_error(); error != 0) {
    return system_error(fmt::format("setting the nice value {} (below 0 needs privilege)", options.nice), error);
  }
  const auto say = [&](std::string_view name, std::vector<Event::Field> fields, std::string text) {
    if (sink) sink({name, steady_now(), std::move(fields), std::move(text)});
  };
  say("start", {{"cores", std::int64_t{cores}}, {"nice", std::int64_t{options.nice}}},
      fmt::format("burning {} cores", cores));
  TimePoint last = start;
  Duration last_burnt{};
  for (TimePoint now = start; now < end && !stop.requested();) {
    (void)stop.wait_for(std::min<Duration>(std::chrono::seconds(1), end - now));
    now = steady_now();
    const Duration burnt = burners.burnt();
    const double used = to_seconds(burnt - last_burnt) / std::max(1e-9, to_seconds(now - last));
    say("burning", {{"cores_used", used}}, fmt::format("{:.2f} cores in use by us", used));
    last = now;
    last_burnt = burnt;
  }
  say("done", {{"cpu_seconds", to_seconds(burners.burnt())}},
      fmt::format("burnt {:.1f} s of CPU in {:.1f} s", to_seconds(burners.burnt()), to_seconds(steady_now() - start)));
  return {};
}

}  // namespace quoll::lab::pressure
