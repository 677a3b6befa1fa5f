// CallPolicyOptions: what bounds the calls to one upstream beside its circuit breaker.
//
// Thread-compatible: a plain value.
#pragma once

#include <string>
#include <vector>

#include "quoll/core/adaptive_timeout.h"
#include "quoll/core/concurrency_limit.h"
#include "quoll/core/retry.h"

namespace quoll::proxy {

// Where the time that one attempt may take comes from.
enum class TimeoutKind : std::uint8_t {
  fixed,     // ProxyOptions::timeout
  adaptive,  // learned from the latency that arrivals show; see core/adaptive_timeout.h
};

struct CallPolicyOptions {
  TimeoutKind timeout = TimeoutKind::fixed;
  // With `adaptive` only. `initial` is the timeout until enough has been learned, `ceiling` that of a circuit's trials.
  core::AdaptiveTimeoutOptions adaptive_timeout;
  // Tell the upstream how much time is left (`grpc-timeout`) also when the client set no deadline: then it is what the
  // attempt may take. Default off: only a client's own deadline is passed on, less the time that has gone.
  bool propagate_deadline = false;
  // Bound the calls under way at a time, by concurrency_limit. Default off.
  bool concurrency = false;
  core::ConcurrencyLimitOptions concurrency_limit;
  // How often a call that failed is made again, within the budget: a request without a body and of an idempotent
  // method, or one that cannot have reached the upstream. Default 0; range 0 to 10. retry.max_attempts follows from it.
  unsigned retries = 0;
  core::RetryOptions retry = {.max_retry_after = std::chrono::seconds(1)};
  core::RetryBudgetOptions retry_budget;
  // How important the route's requests are when load is shed: 0 the most. Default 1; range 0 to 7.
  unsigned priority = 1;

  // Every fault; empty when all is well.
  std::vector<std::string> validate() const;
};

const char* to_string(TimeoutKind kind);

}  // namespace quoll::proxy
