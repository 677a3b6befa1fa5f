// OutlierEjection: which of a callee's endpoints are worse than the others, and kept out for a while.
//
// Why, beside a breaker: one bad endpoint of ten is 10 % failures. A breaker for all ten does not open, or closes the
// nine good ones, too. A breaker for each knows no more than its own endpoint: it can't tell "this one is bad" from
// "the question was". Comparing them can (Envoy's outlier detection, whose rules and defaults these are):
//
//   consecutive   `consecutive_failures` failures or timeouts in a row: at once
//   success rate  per interval, endpoints with `minimum_calls` or more, if there are `minimum_endpoints` of them:
//                 below mean - stdev_factor * standard deviation, and below mean - success_margin
//   latency       likewise: mean upstream time over latency_factor * the median of all endpoints
//
// The margin is not Envoy's: among endpoints that are all well, the least well is always 1.9 deviations down sooner or
// later. Latency is not Envoy's either (envoyproxy/envoy#288).
//
// An ejection lasts base_ejection times the number of ejections so far, at most max_ejection; that number goes down by
// one for each interval that the endpoint has been in, with calls or without. No more than max_ejected of the endpoints
// are out at a time, but one may be (none if it is 0); never the last. One that returns gets a weight that grows from
// slow_start_min to 1 within slow_start. What comes back from an endpoint while it is out (calls from before) is not
// counted.
//
// Thread-safe. record() is one atomic add on a line of the endpoint and the shard; available() and weight() are a load.
// Nothing is allocated by them. The number of endpoints is fixed: make another when it changes.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "quoll/base/mutex.h"
#include "quoll/base/schema.h"
#include "quoll/base/time.h"
#include "quoll/base/time_math.h"
#include "quoll/core/defaulted.h"
#include "quoll/core/outcome.h"
#include "quoll/core/sum_and_count.h"

namespace quoll::core {

struct OutlierOptions {
  unsigned consecutive_failures = 5;
  Duration interval = std::chrono::seconds(10);
  unsigned minimum_calls = 100;
  unsigned minimum_endpoints = 5;
  double stdev_factor = 1.9;
  double success_margin = 0.05;
  double latency_factor = 3;
  Defaulted<Duration> base_ejection = usual(std::chrono::seconds(30));
  Defaulted<Duration> max_ejection = usual(std::chrono::minutes(5));
  double max_ejected = 0.1;
  Duration slow_start = std::chrono::seconds(30);
  double slow_start_min = 0.1;

  static void describe(auto&& field) {
    using O = OutlierOptions;
    using std::chrono::hours, std::chrono::milliseconds;
    field("consecutive_failures", &O::consecutive_failures, schema::within(0, 1'000'000).zero_is("off"),
          "Failures or timeouts in a row that eject an endpoint at once.");
    field("interval", &O::interval, schema::within(milliseconds(10), hours(1)),
          "How often the endpoints are compared; it should hold minimum_calls for each.");
    field("minimum_calls", &O::minimum_calls, schema::within(1, 1'000'000),
          "Calls of an endpoint in an interval, to be compared. Fewer if traffic is sparse.");
    field("minimum_endpoints", &O::minimum_endpoints, schema::within(2, 10'000),
          "Endpoints with so many calls, to be compared: fewer can hardly be.");
    field("stdev_factor", &O::stdev_factor, schema::within(0, 10).zero_is("off"),
          "An endpoint is out whose success rate is this many deviations below the mean.");
    field("success_margin", &O::success_margin, schema::share(0, 1),
          "And by this below the mean. Less if smaller differences matter.");
    field(
        "latency_factor", &O::latency_factor, schema::within(1.1, 100).zero_is("off"),
        "An endpoint is out whose mean upstream time is this many times the median of all. More, or off, if endpoints "
        "differ by nature.");
    field("base_ejection", &O::base_ejection, schema::within(milliseconds(1), hours(24)),
          "The first ejection's length; each further one is longer by it. Follows max_ejection if that is less.");
    field("max_ejection", &O::max_ejection, schema::within(milliseconds(1), hours(24)),
          "No ejection is longer. Follows base_ejection if that is more.");
    field(
        "max_ejected", &O::max_ejected, schema::share(0, 1),
        "Share of the endpoints that may be out, so that the rest can carry the load. Above 0, one may be out however "
        "few there are; 0 turns ejection off.");
    field("slow_start", &O::slow_start, schema::within(Duration::zero(), hours(1)).zero_is("off"),
          "How long an endpoint that comes back gets less than its share, for caches to warm up.");
    field("slow_start_min", &O::slow_start_min, schema::share(0.01, 1), "Its share at first.");
  }

  std::vector<std::string> validate() const;

  // With the defaults moved that others were set past: what a policy made of these will go by.
  OutlierOptions resolved() const;
};

enum class EjectionReason : std::uint8_t { consecutive_failures, success_rate, latency, by_hand };

// With its evidence; explain() needs nothing else.
struct Ejection {
  std::size_t endpoint = 0;
  EjectionReason reason = EjectionReason::by_hand;
  TimePoint at{};
  Duration out_for{};
  unsigned times = 0;    // the multiple of base_ejection
  double observed = 0;   // failures in a row, success rate, or mean latency in seconds
  double threshold = 0;  // what it was held against
};

class OutlierEjection {
 public:
  // `options` must be valid. endpoints >= 1.
  OutlierEjection(const OutlierOptions& options, std::size_t endpoints);

  // One call to the endpoint ended. Cancelled and ignored calls are not counted. An ejection is returned once, to the
  // caller that caused it.
  std::optional<Ejection> record(std::size_t endpoint, const Sample& sample, TimePoint now, unsigned shard = 0);
  // Compares the endpoints when the interval is over; otherwise one load. Call it once a second or so.
  std::vector<Ejection> poll(TimePoint now);
  // By hand; the bounds on the number of ejected ones hold here, too.
  std::optional<Ejection> eject(std::size_t endpoint, TimePoint now);
  void restore(std::size_t endpoint);

  bool available(std::size_t endpoint, TimePoint now) const {
    return now.time_since_epoch().count() >= endpoints_[endpoint].out_until.load(std::memory_order_relaxed);
  }
  // 0 while it is out, then from slow_start_min to 1: multiply it into the balancer's weight.
  double weight(std::size_t endpoint, TimePoint now) const {
    const std::int64_t until = endpoints_[endpoint].out_until.load(std::memory_order_relaxed);
    return until == kNever ? 1 : returning_weight(subtract_saturating(now.time_since_epoch().count(), until));
  }
  std::size_t ejected(TimePoint now) const;
  std::size_t size() const { return endpoints_.size(); }
  const OutlierOptions& options() const { return options_; }

 private:
  static constexpr unsigned kShards = 4;
  static constexpr std::int64_t kNever = INT64_MIN;  // it has not been out
  struct alignas(64) Endpoint {
    std::atomic<std::int64_t> out_until{kNever};  // ns
    std::atomic<std::uint64_t> consecutive{0};
    unsigned times = 0;  // as of the end of the last ejection; guarded by mutex_
  };
  struct alignas(64) Cell {
    SumAndCount good;
    std::atomic<std::uint64_t> bad{0};
  };
  struct Compared {
    std::size_t endpoint;
    double success_rate;
    double latency;  // seconds; 0 without a success
  };
  double returning_weight(std::int64_t since) const;
  unsigned times_now(const Endpoint& endpoint, TimePoint now) const;
  bool has_room(TimePoint now) const;
  std::optional<Ejection> eject_locked(Ejection why, TimePoint now) QUOLL_REQUIRES(mutex_);
  std::vector<Compared> gather() QUOLL_REQUIRES(mutex_);

  const OutlierOptions options_;
  std::vector<Endpoint> endpoints_;
  std::vector<Cell> cells_;                    // endpoint * kShards + shard
  std::atomic<std::int64_t> next_{INT64_MIN};  // ns; INT64_MIN before the first poll
  Mutex mutex_;
};

// "success_rate".
const char* to_string(EjectionReason reason);
// "endpoint 3 out for 30s: 41.0 % of its calls succeeded (limit 87.2 %)".
std::string explain(const Ejection& ejection);

}  // namespace quoll::core
