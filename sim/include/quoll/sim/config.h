// Config: the modelled world (model.h) and the policies in it, every option of both.
//
// Thread-compatible: a plain value.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "quoll/base/schema.h"
#include "quoll/base/time.h"
#include "quoll/core/adaptive_timeout.h"
#include "quoll/core/admission.h"
#include "quoll/core/admission_queue.h"
#include "quoll/core/breaker_options.h"
#include "quoll/core/concurrency_limit.h"
#include "quoll/core/hedging.h"
#include "quoll/core/outlier.h"
#include "quoll/core/retry.h"
#include "quoll/core/throttle.h"
#include "quoll/sim/model.h"

namespace quoll::sim {

enum class VerdictBy : std::uint8_t { arrival, timer };

const char* to_string(VerdictBy verdict);

// A policy; one that is off is not looked at.
template <typename Options>
struct Switched {
  bool on = false;
  Options options = {};

  static void describe(auto&& field) { field("", &Switched::options, ""); }
  std::vector<std::string> validate() const { return on ? options.validate() : std::vector<std::string>(); }
};

// Named as in the proxy's configuration. What the model has no use for cannot be set.
struct Policies {
  Switched<core::BreakerOptions> breaker;
  // One breaker for each endpoint, instead of one for all.
  bool breaker_per_endpoint = false;
  Duration timeout = std::chrono::milliseconds(500);
  Switched<core::AdaptiveTimeoutOptions> adaptive_timeout;
  Switched<core::ConcurrencyLimitOptions> concurrency_limit;
  Switched<core::RetryOptions> retry;
  Switched<core::RetryBudgetOptions> retry_budget;
  Switched<core::ThrottleOptions> throttle;
  Switched<core::HedgingOptions> hedging;
  Switched<core::OutlierOptions> outlier;
  // Asked when this process begins to work on a request.
  Switched<core::AdmissionOptions> admission_control;
  // Requests wait here until one of queue_slots is free.
  Switched<core::AdmissionQueueOptions> admission_queue;
  unsigned queue_slots = 16;
  VerdictBy verdict = VerdictBy::arrival;

  static void describe(auto&& field) {
    using P = Policies;
    using schema::Without;
    field("breaker", &P::breaker, Without{{"shards"}}, "docs/policies/circuit-breaker.md");
    field("timeout", &P::timeout, schema::within(Duration::zero(), std::chrono::hours(1)).zero_is("none"),
          "Of one attempt, where no adaptive one is on.");
    field("adaptive_timeout", &P::adaptive_timeout, "docs/policies/adaptive-timeout.md");
    field("concurrency_limit", &P::concurrency_limit, "docs/policies/concurrency-limit.md");
    field("retry", &P::retry, Without{{"non_idempotent", "max_retry_after"}}, "docs/policies/retry.md");
    field("retry_budget", &P::retry_budget, "docs/policies/retry.md");
    field("throttle", &P::throttle, "docs/policies/throttle.md");
    field("hedging", &P::hedging, "docs/policies/hedging.md");
    field("outlier", &P::outlier, "docs/policies/outlier-ejection.md");
    field("admission_control", &P::admission_control, Without{{"priorities", "fair"}}, "docs/policies/admission.md");
    field("admission_queue", &P::admission_queue, Without{{"priorities", "client_share"}},
          "docs/policies/admission.md");
    field("admission_queue.slots", &P::queue_slots, schema::within(1, 1'000'000),
          "Requests of the queue that are worked on at a time.");
  }
};

struct Config {
  Model model;
  Policies policies;

  static void describe(auto&& field) {
    field("", &Config::model, "");
    field("", &Config::policies, "");
  }

  // Every fault, each naming the key as `--set` knows it; policies that are off are not looked at.
  std::vector<std::string> validate() const;
};

}  // namespace quoll::sim
