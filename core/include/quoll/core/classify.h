// Classify: what a value or an exception means to the policies, where its type does not say: the last argument of run()
// before the env (resilience4j's recordResult and ignoreExceptions, Polly's ShouldHandle).
//
//   auto page = run(pipeline, {}, fetch, [](const Page& page) { return page.status >= 500; });   // true: a failure
//   auto page = run(pipeline, {}, fetch, [](const std::invalid_argument&) { return Outcome::ignored; });
//   auto page = run(pipeline, {}, fetch,
//                   Classify([](const Page& page) { return page.status == 404 ? Outcome::ignored : Outcome::success; },
//                            [](const Error& error) { return error.code == "full"; },
//                            Ignoring<std::invalid_argument, std::out_of_range>()));
//
// A classifier is asked by the type of its parameter: with the value (or what a Reply, optional or Result holds), with
// the error of a Result, or with the exception, which may be any type derived from std::exception. It returns an
// Outcome, or a bool (true: this is a failure), or std::optional of these (none: no opinion). What it does not take, or
// has no opinion on, means what it means without it. Name the type: a parameter of `const auto&` is tried with each.
//
// A success or a failure that came after the limit stays a timeout. A Reply is classified only if it says success.
//
// Thread rule: called on the caller's thread, once an attempt. Should not throw.
#pragma once

#include <concepts>
#include <exception>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "quoll/core/outcome.h"

namespace quoll::core {

// Several classifiers: the first that has an opinion.
template <typename... Parts>
class Classify {
 public:
  explicit Classify(Parts... parts) : parts_(std::move(parts)...) {}
  std::tuple<Parts...>& parts() { return parts_; }
  const std::tuple<Parts...>& parts() const { return parts_; }

 private:
  std::tuple<Parts...> parts_;
};

// Exceptions of these types are the caller's own mistakes, and say nothing of the callee.
template <typename... Exceptions>
struct Ignoring {
  std::optional<Outcome> operator()(const std::exception& thrown) const {
    if (((dynamic_cast<const Exceptions*>(&thrown) != nullptr) || ...)) return Outcome::ignored;
    return std::nullopt;
  }
};

namespace internal {

// Has no opinion on anything.
struct ByType {};

template <typename T>
inline constexpr bool kIsClassify = false;
template <typename... Parts>
inline constexpr bool kIsClassify<Classify<Parts...>> = true;
template <typename... Parts>
inline constexpr bool kIsClassify<const Classify<Parts...>> = true;

// The parameter of a function or of a lambda that is no template.
template <typename F>
struct ParameterOf {};
template <typename R, typename P>
struct ParameterOf<R (*)(P)> {
  using type = std::remove_cvref_t<P>;
};
template <typename R, typename C, typename P>
struct ParameterOf<R (C::*)(P)> : ParameterOf<R (*)(P)> {};
template <typename R, typename C, typename P>
struct ParameterOf<R (C::*)(P) const> : ParameterOf<R (*)(P)> {};
template <typename R, typename C, typename P>
struct ParameterOf<R (C::*)(P) noexcept> : ParameterOf<R (*)(P)> {};
template <typename R, typename C, typename P>
struct ParameterOf<R (C::*)(P) const noexcept> : ParameterOf<R (*)(P)> {};
template <typename F>
requires requires {
  &F::operator();
}
struct ParameterOf<F> : ParameterOf<decltype(&F::operator())> {};

template <typename F>
concept TakesOneException = requires {
  typename ParameterOf<F>::type;
}
&&std::derived_from<typename ParameterOf<F>::type, std::exception>;

// Else a classifier of `Page&` would be passed over without a word.
template <typename F, typename Value>
concept CannotTake = requires {
  typename ParameterOf<F>::type;
}
&&std::same_as<typename ParameterOf<F>::type, Value> && !std::invocable<F&, const Value&>;

inline std::optional<Outcome> opinion(Outcome outcome) {
  return outcome;
}
inline std::optional<Outcome> opinion(std::optional<Outcome> outcome) {
  return outcome;
}
template <std::same_as<bool> Bool>
std::optional<Outcome> opinion(Bool failed) {
  return failed ? Outcome::failure : Outcome::success;
}
template <std::same_as<bool> Bool>
std::optional<Outcome> opinion(std::optional<Bool> failed) {
  if (!failed) return std::nullopt;
  return opinion(*failed);
}

// `Value` is what the call brought, or std::exception.
template <typename Classifier, typename Value>
std::optional<Outcome> classify(Classifier& classifier, const Value& value) {
  static_assert(!CannotTake<Classifier, Value>, "a classifier takes its value as const Value&, or by value");
  if constexpr (kIsClassify<Classifier>) {
    return std::apply(
        [&value](auto&... parts) {
          std::optional<Outcome> found;
          (void)((found = classify(parts, value)).has_value() || ...);
          return found;
        },
        classifier.parts());
  } else if constexpr (std::same_as<Classifier, ByType>) {
    return std::nullopt;
  } else if constexpr (std::invocable<Classifier&, const Value&>) {
    return opinion(classifier(value));
  } else if constexpr (std::same_as<Value, std::exception> && TakesOneException<Classifier>) {
    const auto* thrown = dynamic_cast<const typename ParameterOf<Classifier>::type*>(&value);
    return thrown == nullptr ? std::nullopt : opinion(classifier(*thrown));
  } else {
    return std::nullopt;
  }
}

}  // namespace internal
}  // namespace quoll::core
