#include "quoll/lab/demo/observer.h"

#include <algorithm>
#include <cmath>

#include "quoll/lab/harness/part.h"

namespace quoll::lab::demo {

using harness::MetricsPage;

Duration longest_lag(const CircuitStatus& status, const CircuitStatus* before, const MetricsPage& page,
                     const MetricsPage* page_before) {
  Duration longest = status.lag_now;
  if (before == nullptr || page_before == nullptr) return longest;
  if (status.sample.lag_10s > before->sample.lag_10s) return std::max(longest, status.sample.lag_10s);
  const auto bound = page.highest_growth("quoll_loop_lag_seconds", *page_before);
  if (!bound) return longest;
  // A bucket's upper bound overstates by up to the bucket's width; the maximum of the last 10 s cannot be exceeded.
  const Duration upper = std::isinf(*bound) ? status.sample.lag_10s : from_seconds(*bound);
  return std::max(longest, std::min(upper, status.sample.lag_10s));
}

Counters read_counters(const MetricsPage& page) {
  return {.events = page.counts_by("quoll_circuit_events_total", "event"),
          .attempts = page.counts_by("quoll_attempts_total", "outcome")};
}

Observer::Observer(Recorder& recorder, std::uint16_t admin_port) : recorder_(recorder), admin_port_(admin_port) {}

Observer::~Observer() {
  stop();
}

void Observer::start() {
  thread_ = std::thread([this] { watch(); });
}

void Observer::stop() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Result<void> Observer::sample() {
  const Result<std::string> status_text = harness::client_of(admin_port_).get_ok("/circuit-status");
  if (!status_text) return status_text.error();
  Result<MetricsPage> page = MetricsPage::read(admin_port_);
  if (!page) return page.error();
  Result<CircuitStatus> status = parse_circuit_status(*status_text, recorder_.wall_epoch());
  if (!status) return status.error();

  status->sample.at = recorder_.now();
  status->sample.lag = longest_lag(*status, seen_ ? &last_status_ : nullptr, *page, seen_ ? &last_page_ : nullptr);
  recorder_.change([&](RunRecord& run) {
    run.samples.push_back(status->sample);
    for (const StateChange& change : status->changes) {
      if (change.sequence <= last_change_) continue;
      last_change_ = change.sequence;
      run.changes.push_back(change);
    }
  });
  last_status_ = std::move(*status);
  last_page_ = std::move(*page);
  seen_ = true;
  return {};
}

void Observer::watch() {
  TimePoint last_seen = steady_now();
  bool silent = false;
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    const Result<void> sampled = sample();
    if (sampled) {
      last_seen = steady_now();
      silent = false;
    } else if (!silent && (sampled.error().code == "contract" || steady_now() - last_seen > kPatience)) {
      recorder_.problem("the proxy cannot be observed: " + sampled.error().message);
      silent = true;  // said once
    }
    lock.lock();
    wake_.wait_for(lock, kPeriod, [this] { return stopping_; });
  }
}

}  // namespace quoll::lab::demo
