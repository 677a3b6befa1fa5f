#include "quoll/sim/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <type_traits>
#include <utility>

namespace quoll::sim {

namespace {

template <typename T>
struct Words;
template <>
struct Words<Service> {
  static constexpr std::array kAll = {Service::fixed, Service::uniform, Service::exponential, Service::lognormal};
};
template <>
struct Words<core::LimitAlgorithm> {
  static constexpr std::array kAll = {core::LimitAlgorithm::fixed, core::LimitAlgorithm::aimd,
                                      core::LimitAlgorithm::vegas, core::LimitAlgorithm::gradient2};
};
template <>
struct Words<core::WindowKind> {
  static constexpr std::array kAll = {core::WindowKind::time, core::WindowKind::count, core::WindowKind::consecutive};
};

Error not_a(std::string_view key, std::string_view value, std::string_view wanted) {
  return Error{fmt::format("{}={}: it must be {}", key, value, wanted), "usage"};
}

template <typename T>
Result<T> number(std::string_view key, std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return not_a(key, text, std::is_integral_v<T> ? "a whole number, such as 16" : "a number, such as 0.5");
  }
  return value;
}

template <typename T>
Result<T> read(std::string_view key, std::string_view text) {
  if constexpr (std::is_same_v<T, Duration>) {
    auto value = parse_duration(text);
    if (!value) return not_a(key, text, "a duration, such as 250us, 20ms or 1.5s");
    return *value;
  } else if constexpr (std::is_same_v<T, DurationRange>) {
    auto value = parse_duration_range(text);
    if (!value) return not_a(key, text, "a duration or a range, such as 600ms or 1s..2s");
    return *value;
  } else if constexpr (std::is_same_v<T, bool>) {
    if (text == "on" || text == "off") return text == "on";
    return not_a(key, text, "on or off");
  } else if constexpr (std::is_enum_v<T>) {
    std::string all;
    for (const T one : Words<T>::kAll) {
      if (text == to_string(one)) return one;
      all += (all.empty() ? "" : ", ") + std::string(to_string(one));
    }
    return not_a(key, text, "one of " + all);
  } else {
    return number<T>(key, text);
  }
}

template <typename T>
std::string write(const T& value) {
  if constexpr (std::is_same_v<T, Duration>) {
    return format_duration(value);
  } else if constexpr (std::is_same_v<T, DurationRange>) {
    return format_duration_range(value);
  } else if constexpr (std::is_same_v<T, bool>) {
    return value ? "on" : "off";
  } else if constexpr (std::is_enum_v<T>) {
    return to_string(value);
  } else {
    return fmt::format("{}", value);
  }
}

// `of` takes a Config and returns a reference to the option.
template <typename Of>
Key key(std::string name, std::string about, Of of) {
  using T = typename core::PlainOption<std::remove_reference_t<decltype(of(std::declval<Config&>()))>>::type;
  Key made;
  made.get = [of](const Config& config) {
    Config copy = config;
    return write<T>(of(copy));
  };
  made.set = [of, name](Config& config, std::string_view text) -> Result<void> {
    auto value = read<T>(name, text);
    if (!value) return value.error();
    of(config) = *value;
    return {};
  };
  made.name = std::move(name);
  made.about = std::move(about);
  return made;
}

void add_model(std::vector<Key>& all) {
  const auto add = [&all](std::string name, std::string about, auto of) {
    all.push_back(key(std::move(name), std::move(about), of));
  };
  add(
      "client.rate", "requests a second, Poisson", [](Config & c) -> auto& { return c.model.client.rate; });
  add(
      "client.clients", "a closed loop of so many instead; 0: off",
      [](Config & c) -> auto& { return c.model.client.clients; });
  add(
      "client.think", "closed loop: mean pause", [](Config & c) -> auto& { return c.model.client.think; });
  add(
      "client.patience", "until a client gives up", [](Config & c) -> auto& { return c.model.client.patience; });
  add(
      "process.request_cost", "CPU time to take a request on",
      [](Config & c) -> auto& { return c.model.process.request_cost; });
  add(
      "process.answer_cost", "CPU time to read an answer and reply",
      [](Config & c) -> auto& { return c.model.process.answer_cost; });
  add(
      "process.refuse_cost", "CPU time to refuse", [](Config & c) -> auto& { return c.model.process.refuse_cost; });
  add(
      "process.stall", "how long the loop is blocked", [](Config & c) -> auto& { return c.model.process.stall; });
  add(
      "process.stall_every", "pause between two stalls",
      [](Config & c) -> auto& { return c.model.process.stall_every; });
  add(
      "network.delay", "one way", [](Config & c) -> auto& { return c.model.network.delay; });
  add(
      "network.jitter", "one way, on top, uniform from 0", [](Config & c) -> auto& { return c.model.network.jitter; });
  add(
      "backend.endpoints", "servers behind one name", [](Config & c) -> auto& { return c.model.backend.endpoints; });
  add(
      "backend.workers", "calls an endpoint serves at a time",
      [](Config & c) -> auto& { return c.model.backend.workers; });
  add(
      "backend.queue", "calls that may wait at an endpoint", [](Config & c) -> auto& { return c.model.backend.queue; });
  add(
      "backend.service", "distribution of the service time",
      [](Config & c) -> auto& { return c.model.backend.service; });
  add(
      "backend.mean", "mean service time", [](Config & c) -> auto& { return c.model.backend.mean; });
  add(
      "backend.sigma", "its spread (lognormal, uniform)", [](Config & c) -> auto& { return c.model.backend.sigma; });
  add(
      "backend.degradation", "a full endpoint is slower by this share",
      [](Config & c) -> auto& { return c.model.backend.degradation; });
  add(
      "backend.error_rate", "share of errors", [](Config & c) -> auto& { return c.model.backend.error_rate; });
  add(
      "course.before", "calm at first", [](Config & c) -> auto& { return c.model.course.before; });
  add(
      "course.trouble", "the trouble", [](Config & c) -> auto& { return c.model.course.trouble; });
  add(
      "course.after", "afterwards", [](Config & c) -> auto& { return c.model.course.after; });
  add(
      "course.severity", "how bad; see the scenario", [](Config & c) -> auto& { return c.model.course.severity; });
}

void add_breaker(std::vector<Key>& all) {
  const auto add = [&all](std::string name, auto core::BreakerOptions::*member) {
    all.push_back(key(
        "breaker." + name, "docs/policies/circuit-breaker.md", [member](Config & c) -> auto& {
          return c.policies.breaker.options.*member;
        }));
  };
  using O = core::BreakerOptions;
  add("window_kind", &O::window_kind);
  add("window", &O::window);
  add("buckets", &O::buckets);
  add("window_calls", &O::window_calls);
  add("failure_rate_threshold", &O::failure_rate_threshold);
  add("minimum_volume", &O::minimum_volume);
  add("slow_call_threshold", &O::slow_call_threshold);
  add("slow_call_rate_threshold", &O::slow_call_rate_threshold);
  add("consecutive_failures", &O::consecutive_failures);
  add("reset_timeout", &O::reset_timeout);
  add("reset_multiplier", &O::reset_multiplier);
  add("reset_timeout_max", &O::reset_timeout_max);
  add("reset_jitter", &O::reset_jitter);
  add("half_open_permits", &O::half_open_permits);
  add("half_open_successes", &O::half_open_successes);
  add("half_open_max", &O::half_open_max);
  add("ramp", &O::ramp);
  add("ramp_start", &O::ramp_start);
  add("warm_up", &O::warm_up);
}

void add_timeouts_and_limits(std::vector<Key>& all) {
  all.push_back(key(
      "timeout", "of one attempt, where it is fixed; 0: none", [](Config & c) -> auto& { return c.policies.timeout; }));
  const auto adaptive = [&all](std::string name, auto core::AdaptiveTimeoutOptions::*member) {
    all.push_back(key(
        "adaptive." + name, "docs/policies/adaptive-timeout.md", [member](Config & c) -> auto& {
          return c.policies.adaptive.options.*member;
        }));
  };
  using A = core::AdaptiveTimeoutOptions;
  adaptive("quantile", &A::quantile);
  adaptive("factor", &A::factor);
  adaptive("margin", &A::margin);
  adaptive("floor", &A::floor);
  adaptive("ceiling", &A::ceiling);
  adaptive("initial", &A::initial);
  adaptive("warm_up", &A::warm_up);
  adaptive("window", &A::window);
  adaptive("max_growth", &A::max_growth);
  adaptive("stale_after", &A::stale_after);
  const auto limit = [&all](std::string name, auto core::ConcurrencyLimitOptions::*member) {
    all.push_back(key(
        "limit." + name, "docs/policies/concurrency-limit.md", [member](Config & c) -> auto& {
          return c.policies.limit.options.*member;
        }));
  };
  using L = core::ConcurrencyLimitOptions;
  limit("algorithm", &L::algorithm);
  limit("initial", &L::initial);
  limit("minimum", &L::minimum);
  limit("maximum", &L::maximum);
  limit("window", &L::window);
  limit("minimum_samples", &L::minimum_samples);
  limit("smoothing", &L::smoothing);
  limit("tolerance", &L::tolerance);
  limit("queue", &L::queue);
  limit("long_window", &L::long_window);
  limit("probe_interval", &L::probe_interval);
  limit("backoff", &L::backoff);
  limit("slow", &L::slow);
  limit("failures_are_drops", &L::failures_are_drops);
}

void add_retries(std::vector<Key>& all) {
  const auto add = [&all](std::string name, std::string about, auto of) {
    all.push_back(key(std::move(name), std::move(about), of));
  };
  const std::string retry = "docs/policies/retry.md";
  add(
      "retry.max_attempts", retry, [](Config & c) -> auto& { return c.policies.retry.options.max_attempts; });
  add(
      "retry.base", retry, [](Config & c) -> auto& { return c.policies.retry.options.base; });
  add(
      "retry.cap", retry, [](Config & c) -> auto& { return c.policies.retry.options.cap; });
  add(
      "budget.ratio", retry, [](Config & c) -> auto& { return c.policies.budget.options.ratio; });
  add(
      "budget.minimum_per_second", retry,
      [](Config & c) -> auto& { return c.policies.budget.options.minimum_per_second; });
  add(
      "budget.capacity", retry, [](Config & c) -> auto& { return c.policies.budget.options.capacity; });
  add(
      "budget.reserve", retry, [](Config & c) -> auto& { return c.policies.budget.options.reserve; });
  const std::string throttle = "docs/policies/throttle.md";
  add(
      "throttle.k", throttle, [](Config & c) -> auto& { return c.policies.throttle.options.k; });
  add(
      "throttle.window", throttle, [](Config & c) -> auto& { return c.policies.throttle.options.window; });
  add(
      "throttle.padding", throttle, [](Config & c) -> auto& { return c.policies.throttle.options.padding; });
  add(
      "throttle.max_refused", throttle, [](Config & c) -> auto& { return c.policies.throttle.options.max_refused; });
  const std::string hedging = "docs/policies/hedging.md";
  add(
      "hedging.quantile", hedging, [](Config & c) -> auto& { return c.policies.hedging.options.quantile; });
  add(
      "hedging.min_delay", hedging, [](Config & c) -> auto& { return c.policies.hedging.options.min_delay; });
  add(
      "hedging.max_delay", hedging, [](Config & c) -> auto& { return c.policies.hedging.options.max_delay; });
  add(
      "hedging.budget_ratio", hedging, [](Config & c) -> auto& { return c.policies.hedging.options.budget.ratio; });
}

void add_admission(std::vector<Key>& all) {
  const auto add = [&all](std::string name, std::string about, auto of) {
    all.push_back(key(std::move(name), std::move(about), of));
  };
  const std::string outlier = "docs/policies/outlier-ejection.md";
  add(
      "outlier.consecutive_failures", outlier,
      [](Config & c) -> auto& { return c.policies.outlier.options.consecutive_failures; });
  add(
      "outlier.interval", outlier, [](Config & c) -> auto& { return c.policies.outlier.options.interval; });
  add(
      "outlier.minimum_calls", outlier, [](Config & c) -> auto& { return c.policies.outlier.options.minimum_calls; });
  add(
      "outlier.stdev_factor", outlier, [](Config & c) -> auto& { return c.policies.outlier.options.stdev_factor; });
  add(
      "outlier.base_ejection", outlier, [](Config & c) -> auto& { return c.policies.outlier.options.base_ejection; });
  add(
      "outlier.max_ejected", outlier, [](Config & c) -> auto& { return c.policies.outlier.options.max_ejected; });
  const std::string admission = "docs/policies/admission.md";
  add(
      "admission.target", admission, [](Config & c) -> auto& { return c.policies.admission.options.target; });
  add(
      "admission.interval", admission, [](Config & c) -> auto& { return c.policies.admission.options.interval; });
  add(
      "admission.max_delay", admission, [](Config & c) -> auto& { return c.policies.admission.options.max_delay; });
  add(
      "queue.capacity", admission, [](Config & c) -> auto& { return c.policies.queue.options.capacity; });
  add(
      "queue.target", admission, [](Config & c) -> auto& { return c.policies.queue.options.target; });
  add(
      "queue.interval", admission, [](Config & c) -> auto& { return c.policies.queue.options.interval; });
  add(
      "queue.slots", "requests of the queue that are worked on at a time",
      [](Config & c) -> auto& { return c.policies.queue_slots; });
}

}  // namespace

const std::vector<Key>& keys() {
  static const std::vector<Key> kKeys = [] {
    std::vector<Key> all;
    add_model(all);
    add_breaker(all);
    add_timeouts_and_limits(all);
    add_retries(all);
    add_admission(all);
    return all;
  }();
  return kKeys;
}

std::vector<const Key*> keys_of(const std::vector<std::string>& groups) {
  std::vector<const Key*> found;
  for (const Key& key : keys()) {
    if (std::find(groups.begin(), groups.end(), key.group()) != groups.end()) found.push_back(&key);
  }
  return found;
}

Result<void> apply(Config& config, std::string_view setting, const std::vector<std::string>& groups) {
  const auto equals = setting.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return Error{fmt::format("'{}': it must be key=value, such as client.rate=200", setting), "usage"};
  }
  const std::string_view name = setting.substr(0, equals);
  std::string known;
  for (const Key* key : keys_of(groups)) {
    if (key->name == name) return key->set(config, setting.substr(equals + 1));
    known += (known.empty() ? "" : ", ") + key->name;
  }
  const bool elsewhere = std::any_of(keys().begin(), keys().end(), [name](const Key& key) { return key.name == name; });
  return Error{
      fmt::format("{} '{}'; there are: {}", elsewhere ? "nothing here has a use for" : "no setting", name, known),
      "usage"};
}

}  // namespace quoll::sim
