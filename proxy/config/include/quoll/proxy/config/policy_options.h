// CallPolicyOptions: what bounds the calls to one upstream beside its circuit breaker.
//
// Thread-compatible: a plain value.
#pragma once

#include <string>
#include <vector>

#include "quoll/core/adaptive_timeout.h"
#include "quoll/core/concurrency_limit.h"
#include "quoll/core/retry.h"
#include "quoll/proxy/config/spelled.h"

namespace quoll::proxy {

// Where the time that one attempt may take comes from.
enum class TimeoutKind : std::uint8_t {
  fixed,     // ProxyOptions::timeout
  adaptive,  // learned from the latency that arrivals show; see core/adaptive_timeout.h
};

struct CallPolicyOptions {
  TimeoutKind timeout = TimeoutKind::fixed;  // with RouteSettings::timeout
  // With `adaptive` only. `initial` is the timeout until enough has been learned, `ceiling` that of a circuit's trials.
  core::AdaptiveTimeoutOptions adaptive_timeout;
  bool propagate_deadline = false;
  bool concurrency = false;  // with concurrency_limit.algorithm
  core::ConcurrencyLimitOptions concurrency_limit;
  unsigned retries = 0;  // retry.max_attempts follows from it
  core::RetryOptions retry = {.max_retry_after = std::chrono::seconds(1)};
  core::RetryBudgetOptions retry_budget;
  unsigned priority = 1;

  static void describe(auto&& field) {
    using P = CallPolicyOptions;
    using schema::Without;
    field(
        "propagate_deadline", &P::propagate_deadline,
        "Tell the upstream how much time is left (grpc-timeout) also when the client set no deadline: then it is what "
        "the attempt may take. Otherwise only a client's own deadline is passed on, less the time that has gone.");
    field("concurrency", schema::Spelled<P>{{"off|N|gradient2|vegas|aimd"}, spelled::concurrency, spelled::concurrency},
          "Calls to the upstream that may be under way at a time: a number, or how to find one.");
    field(
        "retries", &P::retries, schema::within(0, 10),
        "How often a call that failed is made again, within the budget: a request without a body and of an idempotent "
        "method, or one that cannot have reached the upstream.");
    field("priority", &P::priority, schema::within(0, 7),
          "How important the route's requests are when load is shed: 0 the most.");
    field("adaptive_timeout", &P::adaptive_timeout,
          "With timeout: adaptive, how it is learned: docs/policies/adaptive-timeout.md.");
    field("concurrency_limit", &P::concurrency_limit, Without{{"algorithm"}},
          "With concurrency, how the limit is found: docs/policies/concurrency-limit.md.");
    field("retry", &P::retry, Without{{"max_attempts", "non_idempotent"}},
          "With retries, the pauses between them: docs/policies/retry.md.");
    field("retry_budget", &P::retry_budget, "With retries, how many there may be: docs/policies/retry.md.");
  }

  // Every fault; empty when all is well.
  std::vector<std::string> validate() const;
};

const char* to_string(TimeoutKind kind);

}  // namespace quoll::proxy
