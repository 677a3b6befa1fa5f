// AdmissionControl: which requests to take on when more come than can be served, by how long they really waited.
//
// Why: a server that is asked too much and takes everything on answers everything late, which is to serve nobody. And
// why by queueing delay and not by CPU, or calls under way: the delay is what the client feels, it is zero when all is
// well whatever the hardware, and nothing has to be tuned per machine (DAGOR, SoCC 2018; Breakwater, OSDI 2020).
//
// True queueing delay: now - arrived_at, the time the kernel received the request. A loop that is late, a full accept
// queue, a process without CPU: all are in it. A delay measured from "we read it" starts when the wait is over.
//
// Overloaded, after CoDel (Nichols and Jacobson, 2012): even the *least* delay of an interval (100 ms) was over the
// target (5 ms), and a request that waited over it, too, was there when the interval ended. A burst has a request with
// a short wait somewhere in the interval; the batch that a stall of ours left behind has nobody waiting after it; a
// standing queue has neither.
//
// What is shed: each request has a key, priority first, then how much its client has sent of late, then chance. Per
// interval, a share of the requests is admitted: those with the lowest keys, found from the last interval's histogram.
//
//   overloaded, and the delay is not falling:  share *= 1 - min(0.5, 0.05 * least delay / target)
//   overloaded, but the queue drains:          share stays
//   else, below 0.9 * the share it overloaded at last:  share = 1.05 * share + 0.005
//   else:  share *= 1 + growth; growth from 1 % up to 10 %, by a tenth more each interval without overload
//
// An interval in which nothing arrived is one without overload: the share grows while nobody asks, and a client that
// sends nothing is forgiven. So the first request after a rest is taken on.
//
// So the lowest priority goes first, all of it before the next; within one, clients over their fair share go before
// those under it; and no client is cut off as a whole. A request older than max_delay is always shed: nobody waits for
// it any more. With the whole traffic at priority 0 it is shed like any other.
//
// Thread-safe; about 20 KiB. decide() is a few loads and one or two atomic adds on lines of the caller's shard.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "quoll/base/mutex.h"
#include "quoll/base/schema.h"
#include "quoll/base/time.h"
#include "quoll/core/defaulted.h"

namespace quoll::core {

struct AdmissionOptions {
  Defaulted<Duration> target = usual(std::chrono::milliseconds(5));
  Defaulted<Duration> interval = usual(std::chrono::milliseconds(100));
  Defaulted<Duration> max_delay = usual(std::chrono::seconds(1));
  unsigned priorities = 4;
  bool fair = true;

  static void describe(auto&& field) {
    using O = AdmissionOptions;
    using std::chrono::microseconds;
    field(
        "target", &O::target, schema::within(microseconds(100), std::chrono::seconds(10)),
        "The wait that is well, above the time one request keeps the loop busy. Follows a quarter of interval if that "
        "is less.");
    field("interval", &O::interval, schema::within(microseconds(400), std::chrono::minutes(1)),
          "At least 4 * target. Longer tolerates longer bursts. Follows 4 * target if that is more, max_delay if it is "
          "less.");
    field("max_delay", &O::max_delay, schema::within(microseconds(400), std::chrono::hours(1)),
          "Who waited longer is refused: your clients' timeout, at least interval. Follows interval if that is more.");
    field("priorities", &O::priorities, schema::within(1, 8), "Classes, 0 the most important.");
    field("fair", &O::fair,
          "Clients that send much are shed before those that send little; needs the client in the request.");
  }

  std::vector<std::string> validate() const;

  // With the defaults moved that others were set past: what a policy made of these will go by.
  AdmissionOptions resolved() const;
};

struct AdmissionRequest {
  // When the kernel received it.
  TimePoint arrived_at{};
  // 0 the most important; larger than the last class counts as the last.
  unsigned priority = 0;
  // A hash of who sent it (address, key, tenant); 0: unknown, and then neither favoured nor not.
  std::uint64_t client = 0;
};

enum class ShedReason : std::uint8_t { none, overload, too_old };

struct AdmissionDecision {
  ShedReason reason = ShedReason::none;
  // The true queueing delay; report it.
  Duration delay{};

  bool admitted() const { return reason == ShedReason::none; }
  explicit operator bool() const { return admitted(); }
};

class AdmissionControl {
 public:
  // `options` must be valid.
  explicit AdmissionControl(const AdmissionOptions& options);

  // Call it once for each request, at the moment its work would begin.
  AdmissionDecision decide(const AdmissionRequest& request, TimePoint now, unsigned shard = 0);

  // No more than this share is admitted, whatever the delay says; 1 by default. For local_health: a process that is
  // short of CPU should not wait for its own queue to tell. In [0.01, 1], what lies outside is moved to its end; NaN is
  // 1.
  void set_max_share(double share);

  struct Snapshot {
    double share = 1;  // of requests that are admitted
    bool overloaded = false;
    Duration least_delay{};  // of the last interval
    std::uint64_t decided = 0;
    std::uint64_t overload = 0;  // shed for that reason
    std::uint64_t too_old = 0;
  };
  Snapshot snapshot() const;
  const AdmissionOptions& options() const { return options_; }

 private:
  static constexpr unsigned kShards = 4;
  static constexpr unsigned kMaxPriorities = 8;
  static constexpr unsigned kRankBits = 16;  // a key is priority << 16 | rank
  static constexpr unsigned kCells = 16;     // histogram cells a priority
  static constexpr unsigned kClients = 512;
  static constexpr std::uint32_t kEverything = kMaxPriorities << kRankBits;

  struct alignas(64) Line {
    std::atomic<std::int64_t> least{INT64_MAX};  // ns, in this interval
    std::atomic<std::uint64_t> overload{0};
    std::atomic<std::uint64_t> too_old{0};
    std::array<std::atomic<std::uint32_t>, kMaxPriorities * kCells> arrivals{};
    std::array<std::atomic<std::uint32_t>, kClients> clients{};
  };
  std::uint32_t key(const AdmissionRequest& request, Line& line);
  void close_interval(const AdmissionRequest& request, Duration delay, TimePoint now);
  void update_share(Duration least, bool still_waiting) QUOLL_REQUIRES(mutex_);
  void recover() QUOLL_REQUIRES(mutex_);
  void recover_idle(std::int64_t intervals) QUOLL_REQUIRES(mutex_);
  void update_threshold() QUOLL_REQUIRES(mutex_);
  void update_clients(std::int64_t rested) QUOLL_REQUIRES(mutex_);

  const AdmissionOptions options_;
  std::vector<Line> lines_;
  // Read by every call, written once an interval: who is admitted, and how heavy a client is (64: a fair share).
  alignas(64) std::atomic<std::uint32_t> threshold_{kEverything};
  std::atomic<std::int64_t> interval_end_{INT64_MIN};  // ns; INT64_MIN before the first request
  std::array<std::atomic<std::uint8_t>, kClients> weight_{};
  mutable Mutex mutex_;
  double share_ QUOLL_GUARDED_BY(mutex_) = 1;
  double knee_ QUOLL_GUARDED_BY(mutex_) = 1;  // the share at which it was overloaded last
  double growth_ QUOLL_GUARDED_BY(mutex_) = 0.1;
  double max_share_ QUOLL_GUARDED_BY(mutex_) = 1;
  bool overloaded_ QUOLL_GUARDED_BY(mutex_) = false;
  Duration least_ QUOLL_GUARDED_BY(mutex_){};
  std::uint64_t decided_ QUOLL_GUARDED_BY(mutex_) = 0;
  std::array<std::uint64_t, kMaxPriorities * kCells> arrivals_ QUOLL_GUARDED_BY(mutex_){};
};

// "overload".
const char* to_string(ShedReason reason);

}  // namespace quoll::core
