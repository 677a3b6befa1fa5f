// How what a call returned becomes a Reply, and the last Reply what run() returns: the rules of reply.h, for run() and
// co_run(). Nothing here is meant to be used by others.
//
// Thread-safe: pure functions.
#pragma once

#include <algorithm>
#include <concepts>
#include <exception>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "quoll/base/time.h"
#include "quoll/core/classify.h"
#include "quoll/core/reply.h"
#include "quoll/core/returned_kind.h"

namespace quoll::core {

namespace internal {

// An attempt without a value.
template <typename T>
Reply<T> no_reply(Duration took, Duration limit, std::optional<Outcome> classified = {}, std::string message = {}) {
  Outcome outcome = classified.value_or(Outcome::failure);
  if (outcome == Outcome::failure && took >= limit) outcome = Outcome::timeout;
  return {.value = std::nullopt, .sample = {.outcome = outcome, .upstream = took}, .message = std::move(message)};
}

// The rule of late answers. A value that is a failure by itself is no answer.
template <typename T>
void hold_to(Duration limit, Reply<T>& reply) {
  const bool good = reply.sample.outcome == Outcome::success;
  if ((good || reply.sample.outcome == Outcome::failure) && reply.sample.upstream > limit) {
    reply.sample.outcome = Outcome::timeout;
    reply.info.late = good && reply.value.has_value();
  }
}

// A success, if it is in time.
template <typename T, typename... Value>
Reply<T> good_reply(Duration took, Duration limit, Value&&... value) {
  Reply<T> reply{.sample = {.upstream = took}};
  reply.value.emplace(std::forward<Value>(value)...);
  hold_to(limit, reply);
  return reply;
}

template <typename T, typename Classifier>
Reply<T> judged_reply(Reply<T> reply, Duration took, Duration limit, Classifier& classifier) {
  Sample& sample = reply.sample;
  if (sample.upstream <= Duration::zero()) sample.upstream = std::max(took - sample.local, Duration::zero());
  if (sample.outcome == Outcome::timeout) reply.info.late = reply.value.has_value();
  if constexpr (!std::is_void_v<T>) {
    if (reply.value && sample.outcome == Outcome::success) {
      sample.outcome = classify(classifier, *reply.value).value_or(Outcome::success);
    }
  }
  hold_to(limit, reply);
  return reply;
}

template <typename T, typename R, typename Classifier>
Reply<T> plain_reply(R&& returned, Duration took, Duration limit, Classifier& classifier) {
  Reply<T> reply{.sample = {.upstream = took}};
  const bool failure = is_failure(std::as_const(returned), reply.message);
  reply.sample.outcome =
      classify(classifier, std::as_const(returned)).value_or(failure ? Outcome::failure : Outcome::success);
  if constexpr (std::is_void_v<T>) {
    if (!failure) reply.value.emplace();
  } else {
    bool keep = true;
    if constexpr (PointerLike<std::remove_cvref_t<R>>) keep = !failure;
    if (keep) reply.value.emplace(std::forward<R>(returned));
  }
  hold_to(limit, reply);
  return reply;
}

// What a Result says when it has no value.
template <typename T, typename R, typename Classifier>
Reply<T> empty_reply(const R& returned, Duration took, Duration limit, Classifier& classifier) {
  if constexpr (requires { returned.error(); }) {
    return no_reply<T>(took, limit, classify(classifier, returned.error()), message_of(returned.error()));
  } else {
    return no_reply<T>(took, limit);
  }
}

template <typename T, typename Returned, typename Classifier>
Reply<T> to_reply(Returned&& returned, Duration took, Duration limit, Classifier& classifier) {
  using R = std::remove_cvref_t<Returned>;
  if constexpr (std::same_as<R, Reply<T>>) {
    return judged_reply<T>(std::forward<Returned>(returned), took, limit, classifier);
  } else if constexpr (std::same_as<R, T> || (std::is_void_v<T> && !HolderOfNothing<R> && !kIsReply<R>)) {
    return plain_reply<T>(std::forward<Returned>(returned), took, limit, classifier);
  } else if constexpr (std::is_void_v<T> && HolderOfNothing<R>) {
    if (!returned) return empty_reply<T>(returned, took, limit, classifier);
    return good_reply<T>(took, limit);
  } else if constexpr (Holder<R> && std::is_convertible_v<decltype(*std::forward<Returned>(returned)), T>) {
    if (!returned) return empty_reply<T>(returned, took, limit, classifier);
    T value = *std::forward<Returned>(returned);
    Reply<T> reply{.sample = {.upstream = took}};
    reply.sample.outcome = classify(classifier, std::as_const(value)).value_or(Outcome::success);
    reply.value.emplace(std::move(value));
    hold_to(limit, reply);
    return reply;
  } else {
    static_assert(
        std::is_convertible_v<Returned, T>,
        "the call must return T, or what reply.h lists: Reply<T>, an optional or Result of T, a future of these");
    return plain_reply<T>(std::forward<Returned>(returned), took, limit, classifier);
  }
}

// A call that returned nothing.
template <typename T>
Reply<T> to_reply(Duration took, Duration limit) {
  static_assert(std::is_void_v<T>, "the call returns nothing; run() was told that it returns T");
  return good_reply<T>(took, limit);
}

template <typename T, typename Classifier>
Reply<T> to_reply(const std::exception& thrown, Duration took, Duration limit, Classifier& classifier) {
  return no_reply<T>(took, limit, classify(classifier, thrown), thrown.what());
}

template <typename Env>
void tell(PipelineCall& call, Env& env) {
  if constexpr (requires(Transition t) { env.transition(t); }) {
    if (const auto transition = call.take_transition()) env.transition(*transition);
  }
}

// What run() returns once the call is done, of the last attempt that was made. `fallback` may be null.
template <typename T>
Called<T> conclude(const PipelineCall& call, Reply<T>& last, std::exception_ptr thrown, const Fallback<T>* fallback) {
  Called<T> called{.value = std::move(last.value),
                   .error = call.error(),
                   .thrown = std::move(thrown),
                   .late = last.info.late,
                   .not_retried = call.not_retried()};
  called.error.message = std::move(last.message);
  if (called || fallback == nullptr) return called;
  std::exception_ptr fallback_threw;
  if (auto other = fallback->answer(called.error, &fallback_threw)) {
    called.value.reset();
    called.value.emplace(std::move(other->value));
    called.source = other->source;
    if (Observer* observer = call.pipeline().observer) observer->on_fallback(*called.source, called.error);
  } else if (called.thrown == nullptr) {
    called.thrown = fallback_threw;
  }
  return called;
}

}  // namespace internal
}  // namespace quoll::core
