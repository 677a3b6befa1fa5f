#include "quoll/sim/config.h"

#include <fmt/format.h>

namespace quoll::sim {

namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class Faults {
 public:
  void check(const char* key, Duration value, Duration low, Duration high) {
    if (value >= low && value <= high) return;
    add(key, format_duration(value), format_duration(low), format_duration(high));
  }
  void check(const char* key, double value, double low, double high) {
    if (value >= low && value <= high) return;  // false for a NaN
    add(key, fmt::format("{}", value), fmt::format("{}", low), fmt::format("{}", high));
  }
  template <typename Options>
  void check(const char* group, const Switched<Options>& policy) {
    if (!policy.on) return;
    for (const std::string& fault : policy.options.validate()) faults_.push_back(std::string(group) + "." + fault);
  }
  std::vector<std::string> take() { return std::move(faults_); }

 private:
  void add(const char* key, const std::string& value, const std::string& low, const std::string& high) {
    faults_.push_back(fmt::format("{} is {}; it must be between {} and {}", key, value, low, high));
  }
  std::vector<std::string> faults_;
};

void check_model(Faults& faults, const Model& m) {
  faults.check("client.rate", m.client.rate, 0.001, 1e6);
  faults.check("client.clients", m.client.clients, 0, 100'000);
  faults.check("client.think", m.client.think, Duration::zero(), hours(1));
  faults.check("client.patience", m.client.patience, milliseconds(1), hours(1));
  faults.check("process.request_cost", m.process.request_cost, Duration::zero(), seconds(10));
  faults.check("process.answer_cost", m.process.answer_cost, Duration::zero(), seconds(10));
  faults.check("process.refuse_cost", m.process.refuse_cost, Duration::zero(), seconds(10));
  faults.check("process.stall", m.process.stall.low, Duration::zero(), minutes(1));
  faults.check("process.stall", m.process.stall.high, Duration::zero(), minutes(1));
  faults.check("process.stall_every", m.process.stall_every.low, milliseconds(1), hours(1));
  faults.check("process.stall_every", m.process.stall_every.high, milliseconds(1), hours(1));
  faults.check("network.delay", m.network.delay, Duration::zero(), seconds(10));
  faults.check("network.jitter", m.network.jitter, Duration::zero(), seconds(10));
  faults.check("backend.endpoints", m.backend.endpoints, 1, 1'000);
  faults.check("backend.workers", m.backend.workers, 1, 10'000);
  faults.check("backend.queue", m.backend.queue, 0, 1'000'000);
  faults.check("backend.mean", m.backend.mean, microseconds(1), minutes(1));
  faults.check("backend.sigma", m.backend.sigma, 0, 3);
  faults.check("backend.degradation", m.backend.degradation, 0, 100);
  faults.check("backend.error_rate", m.backend.error_rate, 0, 1);
  // At least a second each, so that there is something to see; together a day at most.
  faults.check("course.before", m.course.before, seconds(1), hours(8));
  faults.check("course.trouble", m.course.trouble, seconds(1), hours(8));
  faults.check("course.after", m.course.after, seconds(1), hours(8));
  faults.check("course.severity", m.course.severity, 0, 1'000);
}

}  // namespace

std::vector<std::string> Config::validate() const {
  Faults faults;
  check_model(faults, model);
  faults.check("timeout", policies.timeout, Duration::zero(), hours(1));
  faults.check("breaker", policies.breaker);
  faults.check("adaptive", policies.adaptive);
  faults.check("limit", policies.limit);
  faults.check("retry", policies.retry);
  faults.check("budget", policies.budget);
  faults.check("throttle", policies.throttle);
  faults.check("hedging", policies.hedging);
  faults.check("outlier", policies.outlier);
  faults.check("admission", policies.admission);
  faults.check("queue", policies.queue);
  faults.check("queue.slots", policies.queue_slots, 1, 1'000'000);
  return faults.take();
}

const char* to_string(Service service) {
  switch (service) {
    case Service::fixed:
      return "fixed";
    case Service::uniform:
      return "uniform";
    case Service::exponential:
      return "exponential";
    case Service::lognormal:
      return "lognormal";
  }
  return "unknown";
}

const char* to_string(VerdictBy verdict) {
  return verdict == VerdictBy::arrival ? "arrival" : "timer";
}

}  // namespace quoll::sim
