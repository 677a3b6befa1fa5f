#include "quoll/core/hedging.h"

#include <algorithm>

#include "quoll/base/assert.h"
#include "quoll/base/faults.h"
#include "quoll/core/options.h"

namespace quoll::core {

std::vector<std::string> HedgingOptions::validate() const {
  Faults faults;
  faults.check_fields(*this);
  const HedgingOptions whole = resolved();
  faults.check_order("max_delay", whole.max_delay, "min_delay", whole.min_delay);
  faults.check_order("window", whole.window, "warm_up", whole.warm_up);
  return faults.take();
}

HedgingOptions HedgingOptions::resolved() const {
  HedgingOptions moved = *this;
  internal::let_follow({&moved.min_delay, &moved.max_delay});
  internal::let_follow({&moved.warm_up, &moved.window});
  return moved;
}

const char* to_string(HedgeRefusal refusal) {
  switch (refusal) {
    case HedgeRefusal::none:
      return "none";
    case HedgeRefusal::attempts_used_up:
      return "attempts_used_up";
    case HedgeRefusal::no_budget:
      return "no_budget";
  }
  return "unknown";
}

Hedging::Hedging(const HedgingOptions& options)
    : options_(internal::accepted("Hedging", options)),
      budget_(options_.budget),
      delay_(options_.max_delay.count()),
      lanes_(options_.window),
      latencies_(options_.quantile, options_.window) {}

HedgeRefusal Hedging::try_hedge(unsigned attempts, TimePoint now) {
  QUOLL_ASSERT(attempts >= 1);
  if (attempts >= options_.max_attempts) return HedgeRefusal::attempts_used_up;
  if (!budget_.try_withdraw(now)) return HedgeRefusal::no_budget;
  hedges_.fetch_add(1, std::memory_order_relaxed);
  return HedgeRefusal::none;
}

void Hedging::record(const Sample& sample, unsigned shard) {
  switch (sample.outcome) {
    case Outcome::success:
    case Outcome::timeout:
      break;
    case Outcome::cancelled:
      // A loser was cut off after the delay, so it lies above the quantile wherever exactly. Without it, the slow
      // attempts would be missing, the quantile would sink, and ever more calls be hedged. A call that was cancelled
      // before the delay was cancelled for another reason, and says nothing.
      if (sample.upstream < delay()) return;
      break;
    case Outcome::failure:
    case Outcome::ignored:
      return;
  }
  SampleLanes::Batch batch;
  const std::uint16_t code = DecayingQuantile::code_of(sample.upstream);
  if (lanes_.hold(shard, code, batch)) return;
  const MutexLock lock(mutex_);
  for (unsigned i = 0; i < batch.count; ++i) {
    latencies_.add(batch.held[i].code, batch.held[i].weight);
    seen_ = std::min<unsigned>(seen_ + batch.held[i].weight, options_.warm_up);
  }
  lanes_.set_estimate(latencies_.samples() >= options_.window / 2 ? latencies_.code() : -1);
  if (seen_ < options_.warm_up) return;
  const Duration next = std::clamp<Duration>(latencies_.value(), options_.min_delay, options_.max_delay);
  if (next.count() != delay_.load(std::memory_order_relaxed)) delay_.store(next.count(), std::memory_order_relaxed);
}

}  // namespace quoll::core
