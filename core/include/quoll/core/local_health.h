// LocalHealth: how far we should trust our own view of others, by how short of CPU we are ourselves.
//
// Why: a process that does not get to run sees everybody else as slow. Lifeguard (Dadgar, Phillips, Currey, "Local
// health awareness for more accurate failure detection", DSN-W 2018) keeps a local health multiplier, stretches its
// timeouts by it, and had over 50 times fewer false positives. Lifeguard infers its health from missing answers; here
// the causes are measured. For stamped answers judge() needs none of this. It is for what has no stamp (connects, UNIX
// sockets, half-open limits) and for our own load: while we are short of CPU, less should be taken on.
//
// Each observation is one interval of the monitor (100 ms or so):
//
//   missed   = (run-queue delay + throttled + steal) / interval   time in which we wanted to run and could not
//   shortage = max over missed / missed_full and loop_delay / loop_delay_full, below a tenth of full: 0, at most 1
//   target   = 1 + (max - 1) * shortage
//   multiplier = target at once when that is higher; else it sinks towards it by half every half_life
//
// At once up and slowly down, because the victims of a stall are judged after it.
//
// Thread-safe: one thread observes (the monitor), any read; a read is one load.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "quoll/base/schema.h"
#include "quoll/base/time.h"
#include "quoll/base/time_math.h"

namespace quoll::core {

struct LocalHealthOptions {
  double max = 4;
  double missed_full = 0.5;
  Duration loop_delay_full = std::chrono::milliseconds(200);
  Duration half_life = std::chrono::seconds(2);

  static void describe(auto&& field) {
    using O = LocalHealthOptions;
    using std::chrono::milliseconds, std::chrono::minutes;
    field("max", &O::max, schema::within(1, 100), "The largest multiplier; 1 turns it off.");
    field("missed_full", &O::missed_full, schema::share(),
          "Share of an interval without CPU that counts as the full shortage.");
    field("loop_delay_full", &O::loop_delay_full, schema::within(milliseconds(1), minutes(1)),
          "The loop delay that counts as the full shortage: about half your shortest deadline.");
    field("half_life", &O::half_life, schema::within(milliseconds(10), minutes(10)),
          "How long it lasts: about the longest deadline in use, for victims of a stall are judged after it.");
  }

  std::vector<std::string> validate() const;
};

// What was measured of one interval, of the worst thread where it is per thread. What is not known is zero.
struct LocalSigns {
  Duration interval{};         // its length; > 0
  Duration loop_delay{};       // the longest
  Duration run_queue_delay{};  // runnable and not running: /proc/<pid>/task/<tid>/schedstat
  Duration throttled{};        // cgroup quota: cpu.stat throttled_usec
  Duration steal{};            // taken by the hypervisor: /proc/stat, our share
};

enum class LocalCause : std::uint8_t { none, loop_delay, run_queue_delay, throttled, steal };

class LocalHealth {
 public:
  // `options` must be valid.
  explicit LocalHealth(const LocalHealthOptions& options);

  // By one thread. Returns the multiplier from here on.
  double observe(const LocalSigns& signs, TimePoint now);

  // 1: well. Up to options().max.
  double multiplier() const { return multiplier_.load(std::memory_order_relaxed); }
  // The largest sign when it was last raised.
  LocalCause cause() const { return cause_.load(std::memory_order_relaxed); }

  // A threshold, stretched; Duration::max() stays no limit, and so does what becomes longer. For deadlines whose
  // verdict has no kernel stamp behind it.
  Duration widen(Duration threshold) const {
    constexpr Duration kSafe = Duration::max() / 128;  // no multiplier is above 100: two years are never too long
    const double stretched = static_cast<double>(threshold.count()) * multiplier();
    if (threshold <= kSafe && threshold >= -kSafe) return Duration(static_cast<Duration::rep>(stretched));
    return from_nanos(stretched);
  }
  // The share of requests to admit: AdmissionControl::set_max_share().
  double admission_share() const { return 1 / multiplier(); }

  const LocalHealthOptions& options() const { return options_; }

 private:
  const LocalHealthOptions options_;
  std::atomic<double> multiplier_{1};
  std::atomic<LocalCause> cause_{LocalCause::none};
  TimePoint observed_{};  // the observer's own
};

// "throttled".
const char* to_string(LocalCause cause);

}  // namespace quoll::core
