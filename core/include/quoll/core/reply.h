// Reply, Called: what goes into a pipeline's run() from the call it is put around, and what comes out.
//
// The call is asked as call(limit), or call() if it cannot be told how long it may take. It returns one of
//
//   Reply<T>                        a value and the sample, for those who judge by arrival (judge.h)
//   T                               a success
//   std::optional<T>, Result<T>     a success, or without a value a failure: whatever tests false and is dereferenced
//   a future (blocking.h) or an awaitable (coroutine.h) of any of these
//
// All but Reply are timed by the caller's clock around the call, so that our own delay is in the sample. What has no
// value after the limit is a timeout; a value that is there is an answer, however late. A std::exception that escapes
// from the call is a failed attempt as well; the last one is kept. Anything else that is thrown passes through, and
// cancels the call.
//
// Thread-compatible: plain values.
#pragma once

#include <concepts>
#include <exception>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "quoll/base/time.h"
#include "quoll/core/fallback.h"
#include "quoll/core/pipeline.h"

namespace quoll::core {

// A sample in any case, and a value with a success.
template <typename T>
struct Reply {
  std::optional<T> value = {};
  Sample sample = {};
  AttemptInfo info = {};
};

template <typename T>
struct Called {
  std::optional<T> value;
  // Where a fallback's value came from; null for the real answer.
  const std::string* source = nullptr;
  // Why there was no real answer; meaningful without one.
  CallError error;
  // What the last attempt threw, if it did.
  std::exception_ptr thrown = nullptr;

  explicit operator bool() const { return value.has_value(); }
};

template <typename Call>
concept CallableWithin = std::invocable<Call&, Duration> || std::invocable<Call&>;

namespace internal {

template <typename Call>
decltype(auto) invoke_within(Call& call, Duration limit) {
  if constexpr (std::invocable<Call&, Duration>) {
    return call(limit);
  } else {
    return call();
  }
}

// An attempt without a value, by the caller's clock.
template <typename T>
Reply<T> no_reply(Duration took, Duration limit) {
  return {.value = std::nullopt,
          .sample = {.outcome = took >= limit ? Outcome::timeout : Outcome::failure, .upstream = took}};
}

template <typename T, typename Returned>
Reply<T> to_reply(Returned&& returned, Duration took, Duration limit) {
  if constexpr (std::is_same_v<std::remove_cvref_t<Returned>, Reply<T>>) {
    return std::forward<Returned>(returned);
  } else if constexpr (std::is_convertible_v<Returned, T>) {
    return {.value = std::forward<Returned>(returned), .sample = {.upstream = took}};
  } else {
    if (!returned) return no_reply<T>(took, limit);
    return {.value = *std::forward<Returned>(returned), .sample = {.upstream = took}};
  }
}

template <typename Env>
void tell(PipelineCall& call, Env& env) {
  if constexpr (requires(Transition t) { env.transition(t); }) {
    if (const auto transition = call.take_transition()) env.transition(*transition);
  }
}

// What run() returns once the call is done. `fallback` may be null.
template <typename T>
Called<T> conclude(const PipelineCall& call, std::optional<T> value, std::exception_ptr thrown,
                   const Fallback<T>* fallback) {
  if (call.succeeded() && value) return {.value = std::move(value), .error = {}};
  Called<T> called{.value = std::nullopt, .error = call.error(), .thrown = std::move(thrown)};
  if (fallback == nullptr) return called;
  if (auto other = fallback->answer(call.error())) {
    called.value = std::move(other->value);
    called.source = other->source;
  }
  return called;
}

}  // namespace internal
}  // namespace quoll::core
