#include "quoll/net/loop_monitor.h"

#include <algorithm>
#include <array>
#include <atomic>

namespace quoll::net {
namespace {

constexpr std::size_t kSlots = 10;

// The maximum over the last kSlots slots of time: each slot holds its number and its maximum.
class RecentMax {
 public:
  explicit RecentMax(Duration window) : slot_(std::max<Duration>(window / kSlots, std::chrono::milliseconds(1))) {}

  void record(Duration value, TimePoint now) {
    const std::int64_t number = now.time_since_epoch() / slot_;
    Slot& slot = slots_[static_cast<std::size_t>(number) % kSlots];
    if (slot.number.load(std::memory_order_relaxed) != number) {
      slot.max.store(0, std::memory_order_relaxed);
      slot.number.store(number, std::memory_order_relaxed);
    }
    if (value.count() > slot.max.load(std::memory_order_relaxed)) {
      slot.max.store(value.count(), std::memory_order_relaxed);
    }
  }
  Duration get(TimePoint now) const {
    const std::int64_t number = now.time_since_epoch() / slot_;
    std::int64_t best = 0;
    for (const Slot& slot : slots_) {
      if (slot.number.load(std::memory_order_relaxed) + static_cast<std::int64_t>(kSlots) <= number) continue;
      best = std::max(best, slot.max.load(std::memory_order_relaxed));
    }
    return Duration(best);
  }

 private:
  struct Slot {
    std::atomic<std::int64_t> number{-static_cast<std::int64_t>(kSlots)};
    std::atomic<std::int64_t> max{0};
  };
  Duration slot_;
  std::array<Slot, kSlots> slots_;
};

}  // namespace

struct LoopMonitor::Probe {
  Probe(Worker& to, OnLag callback, Duration window) : worker(to), on_lag(std::move(callback)), recent(window) {}

  Worker& worker;
  OnLag on_lag;
  std::atomic<std::int64_t> sent_at{0};  // ns; 0 when none is on its way
  std::atomic<std::int64_t> last_lag{0};
  RecentMax recent;  // written by the worker, when it finishes a probe
};

LoopMonitor::LoopMonitor(Workers& workers, const OnLag& on_lag, const LoopMonitorOptions& options) : options_(options) {
  for (std::size_t i = 0; i < workers.size(); ++i) {
    probes_.push_back(std::make_shared<Probe>(workers[i], on_lag, options_.window));
  }
}

LoopMonitor::~LoopMonitor() {
  stop();
}

void LoopMonitor::start() {
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), "loop-monitor");
    run();
  });
}

void LoopMonitor::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void LoopMonitor::run() {
  TimePoint due = steady_now();
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    due += options_.period;
    wake_.wait_until(lock, due, [this] { return stopping_; });
    if (stopping_) return;
    const TimePoint now = steady_now();
    // Our own lateness is the process's: the probe counts from when it should have been sent.
    for (auto& probe : probes_) {
      if (probe->sent_at.load(std::memory_order_acquire) != 0) continue;
      probe->sent_at.store(due.time_since_epoch().count(), std::memory_order_release);
      send(probe);
    }
    due = std::max(due, now - options_.period);
  }
}

void LoopMonitor::send(const std::shared_ptr<Probe>& probe) {
  probe->worker.post([probe] {
    const TimePoint now = steady_now();
    const Duration lag = now.time_since_epoch() - Duration(probe->sent_at.load(std::memory_order_relaxed));
    probe->last_lag.store(lag.count(), std::memory_order_relaxed);
    probe->recent.record(lag, now);
    if (probe->on_lag) probe->on_lag(probe->worker.index(), lag, now);
    probe->sent_at.store(0, std::memory_order_release);
  });
}

Duration LoopMonitor::current(unsigned worker, TimePoint now) const {
  const Probe& probe = *probes_[worker];
  const std::int64_t sent = probe.sent_at.load(std::memory_order_acquire);
  const Duration last(probe.last_lag.load(std::memory_order_relaxed));
  if (sent == 0) return last;
  return std::max(now.time_since_epoch() - Duration(sent), Duration::zero());
}

Duration LoopMonitor::longest(unsigned worker, TimePoint now) const {
  return std::max(probes_[worker]->recent.get(now), current(worker, now));
}

}  // namespace quoll::net
