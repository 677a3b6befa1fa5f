// Circuit: what one JavaScript breaker has of core: a breaker, the policies around it, and the pipeline that orders
// them. And Calls: the pipeline calls that are under way, by number.
//
// A call is core's PipelineCall, the engine; JavaScript waits, and says what became of it. The number of a call carries
// a count of how often its place was used, so that a number from before is noticed.
//
// Loop-confined, but for `breaker`, `board` and `name`, which the page server's thread reads through shared_ptr.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "begun_window.h"
#include "quoll/core/adaptive_timeout.h"
#include "quoll/core/breaker.h"
#include "quoll/core/pipeline.h"
#include "quoll/core/retry.h"

namespace quoll::node {

struct CircuitOptions {
  core::BreakerOptions breaker;
  std::optional<core::AdaptiveTimeoutOptions> adaptive;
  std::optional<core::RetryOptions> retry;
  core::RetryBudgetOptions budget;
  std::string name = "default";
  std::uint64_t seed = 1;
  std::vector<std::string> validate() const;
};

// What a page tells of a circuit beside core's snapshot. Counted on the loop's thread, read by the server's.
struct Board {
  std::atomic<std::uint64_t> fires{0};
  std::atomic<std::uint64_t> fallbacks{0};
  std::atomic<std::uint64_t> capacity_refusals{0};
  std::atomic<std::uint64_t> inconclusive{0};
  std::atomic<std::int64_t> in_flight{0};
  // From the circuit's time to the steady clock's, ns, as last seen.
  std::atomic<std::int64_t> to_steady{0};

  TimePoint steady_time_of(TimePoint time) const { return time + Duration(to_steady.load(std::memory_order_relaxed)); }
  TimePoint time_of(TimePoint steady) const { return steady - Duration(to_steady.load(std::memory_order_relaxed)); }
};

struct Circuit {
  explicit Circuit(const CircuitOptions& options);
  Circuit(const Circuit&) = delete;
  Circuit& operator=(const Circuit&) = delete;

  // Around the record of a bad call: what the rates are to be taken over; and that no rate is looked at. A good call
  // does not open a circuit, as with opossum, unless it was slow.
  void tell_begun(TimePoint now);
  void tell_nothing_begun();
  void keep(const std::optional<core::Transition>& transition);

  const std::string name;
  core::Breaker breaker;
  std::optional<core::AdaptiveTimeout> timeout;
  std::optional<core::RetryBudget> budget;
  std::optional<core::RetryPolicy> retry;
  core::Pipeline pipeline;
  BegunWindow begun;
  bool warming = false;
  std::vector<core::Transition> untold;  // until JavaScript takes them
  Board board;
};

class Calls {
 public:
  // A number for a new call of this circuit.
  std::int32_t add(Circuit& circuit, bool idempotent);
  core::PipelineCall* find(std::int32_t number);
  Circuit* circuit_of(std::int32_t number);
  // The call is dropped: what it still holds of its policies is given back.
  void remove(std::int32_t number);
  // All calls of a circuit that goes away.
  void remove_all(const Circuit* circuit);
  std::size_t size() const { return live_; }

  static constexpr std::size_t kMost = 1U << 20U;

 private:
  static constexpr unsigned kIndexBits = 20;
  struct Place {
    Circuit* circuit = nullptr;  // remove_all() comes before its end
    std::optional<core::PipelineCall> call;
    std::uint32_t uses = 0;
  };
  Place* place_of(std::int32_t number);

  std::vector<std::unique_ptr<Place>> places_;
  std::vector<std::uint32_t> free_;
  std::size_t live_ = 0;
};

}  // namespace quoll::node
