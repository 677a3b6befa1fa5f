// What a reader of the documentation fills in: names of a program around its snippets. Compiled, never linked. It comes
// after a snippet's own includes, brings none of core's or net's headers with it, and opens no namespace: what a
// snippet uses of Quoll it must include and name by itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "quoll/base/time.h"

namespace quoll::core {
struct Attempt;
struct Judgement;
struct Pipeline;
struct Transition;
class AdmissionControl;
class Breaker;
class Deadline;
class Permit;
class PipelineCall;
template <typename T>
class Fallback;
template <typename Key>
struct KeyHash;
template <typename Key, typename Value, typename Hash>
class TtlCache;
}  // namespace quoll::core

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
  int status = 200;
};
struct Head {
  quoll::TimePoint arrived_at;
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

extern quoll::TimePoint now, sent_at, arrived, arrived_at, connect_deadline;
extern const quoll::Duration remaining, left, elapsed, worst_lag, rq, quota, own_limit, connect_timeout, winner_time,
    loser_time_so_far;
extern const std::uint64_t seed, tag, my_tag;
extern const unsigned worker, n, attempts, i;
extern const bool is_get;
extern const std::string url, mirror, host, address, header;
extern const std::vector<int> endpoints;
extern const Head head;
extern const Route route;
extern const Metric queue_delay;
extern const Request request;
extern const quoll::core::Attempt attempt;
extern const quoll::core::Judgement judgement;
extern const quoll::core::Permit permit;
extern const quoll::core::Transition transition;
extern const quoll::core::Deadline deadline;
extern const quoll::core::Pipeline pipeline;
extern const quoll::core::Fallback<Page> fallback;
extern const quoll::core::PipelineCall call;
extern quoll::core::AdmissionControl admission;
extern quoll::core::Breaker breaker;
extern quoll::core::TtlCache<std::string, Page, quoll::core::KeyHash<std::string>> cache;
#ifdef READER_USES_NET
extern const quoll::net::Executor executor;
#endif

template <typename... Args>
std::uint64_t hash(Args&&...);
template <typename... Args>
std::optional<Page> fetch(Args&&...);
template <typename... Args>
std::shared_ptr<const Page> load(Args&&...);
template <typename... Args>
Anything call_it(Args&&...);
template <typename... Args>
void log(Args&&...);
template <typename... Args>
void use(Args&&...);
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
