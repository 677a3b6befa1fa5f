// create(): a policy made of options, or what is wrong with them.
//
//   auto timeout = create<AdaptiveTimeout>({.ceiling = std::chrono::milliseconds(300)});   // Result<unique_ptr<...>>
//   if (!timeout) return fail(timeout.error().message);    // "AdaptiveTimeout: quantile is 2; it must be between ..."
//   auto retry = create<RetryPolicy>({.max_attempts = 5}, &budget, seed);
//
// For options that come from outside: a file, a flag, a user. A constructor that is given bad ones ends the process and
// names each fault on standard error. Breaker has a create() of its own.
//
// Thread-safe: pure functions. create() allocates the policy.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "quoll/base/assert.h"
#include "quoll/base/result.h"

namespace quoll::core {

namespace internal {

// "AdaptiveTimeout: quantile is 2; it must be between 0.5 and 0.9999; floor is ...".
std::string all_faults(std::string_view policy, const std::vector<std::string>& faults);

// For constructors, whose only way out is the process's end. What is accepted is whole: defaults have followed.
template <typename Options>
Options accepted(const char* policy, const Options& options) {
  if (const std::vector<std::string> faults = options.validate(); !faults.empty()) {
    quoll::internal::options_refused(all_faults(policy, faults).c_str());
  }
  if constexpr (requires { options.resolved(); }) {
    return options.resolved();
  } else {
    return options;
  }
}

// "quoll::core::AdaptiveTimeout" in the compiler's spelling of this function: the name without its namespace.
template <typename Policy>
constexpr std::string_view name_of() {
  std::string_view name = __PRETTY_FUNCTION__;
  name = name.substr(name.find("Policy = ") + 9);
  name = name.substr(0, name.find_first_of("<;]"));
  return name.substr(name.rfind(':') + 1);
}

}  // namespace internal

template <typename Policy>
using OptionsOf = std::remove_cvref_t<decltype(std::declval<const Policy&>().options())>;

// `more`: what else its constructor takes.
template <typename Policy, typename... More>
Result<std::unique_ptr<Policy>> create(const OptionsOf<Policy>& options, More&&... more) {
  if (const std::vector<std::string> faults = options.validate(); !faults.empty()) {
    return Error{.message = internal::all_faults(internal::name_of<Policy>(), faults), .code = "invalid_options"};
  }
  return std::make_unique<Policy>(options, std::forward<More>(more)...);
}

}  // namespace quoll::core
