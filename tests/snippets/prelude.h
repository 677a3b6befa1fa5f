// What the documentation's snippets take for granted: names that a reader fills in. Compiled, never linked.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "quoll/base/rng.h"
#include "quoll/base/time.h"
#include "quoll/core/admission.h"
#include "quoll/core/blocking.h"
#include "quoll/core/breaker_registry.h"
#include "quoll/core/coroutine.h"
#include "quoll/core/judge.h"
#include "quoll/core/pipeline.h"
#include "quoll/core/ttl_cache.h"
#include "quoll/net/asio_env.h"

using namespace quoll;        // NOLINT
using namespace quoll::core;  // NOLINT: as the snippets say
using std::chrono::milliseconds;

// Can be called with anything, gives anything.
struct Anything {
  Anything() = default;
  template <typename T>
  Anything(T&&);
  template <typename T>
  operator T() const;
  template <typename... Args>
  Anything operator()(Args&&...) const;
};

struct Page {
  std::string text;
};
struct Head {
  TimePoint arrived_at;
};
struct Route {
  unsigned priority;
};
struct Metric {
  Anything observe;
};
struct Request {
  Anything set;
};

extern TimePoint now, sent_at, arrived, arrived_at, connect_deadline;
extern const Duration remaining, left, elapsed, worst_lag, rq, quota, own_limit, connect_timeout, winner_time,
    loser_time_so_far;
extern const std::uint64_t seed, tag, my_tag;
extern const unsigned worker, n, attempts, i;
extern const bool is_get;
extern const std::string url, mirror, host, address, header;
extern const std::vector<int> endpoints;
extern const Attempt attempt;
extern const Judgement judgement;
extern const Permit permit;
extern const Transition transition;
extern const Deadline deadline;
extern const Pipeline pipeline;
extern const Fallback<Page> fallback;
extern AdmissionControl admission;
extern const net::Executor executor;
extern const PipelineCall call;
extern TtlCache<std::string, Page> cache;
extern const Head head;
extern const Route route;
extern const Metric queue_delay;
extern const Request request;

template <typename... Args>
std::uint64_t hash(Args&&...);
template <typename... Args>
std::optional<Page> fetch(Args&&...);
template <typename... Args>
std::shared_ptr<const Page> load(Args&&...);
template <typename... Args>
Sample call_it(Args&&...);
template <typename... Args>
void log(Args&&...);
template <typename... Args>
void reply(Args&&...);
template <typename... Args>
void wake(Args&&...);
template <typename... Args>
void serve(Args&&...);
template <typename... Args>
void send_another(Args&&...);
template <typename... Args>
void sleep_for(Args&&...);
extern const Anything refuse, refuse_with_retry_after, fail, sorry, wait_to_be_woken;
