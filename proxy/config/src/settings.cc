// The table of settings: each name with the function that understands its text.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <optional>

#include "config_text.h"
#include "quoll/http/fields.h"
#include "quoll/proxy/config/config_file.h"

namespace quoll::proxy {
namespace {

// Each `read` returns what was wrong, or nothing.
using Fault = std::optional<std::string>;

Fault read(std::string_view text, std::string& out) {
  if (text.empty()) return "must not be empty";
  out = text;
  return {};
}

Fault read(std::string_view text, Duration& out) {
  const auto parsed = parse_duration(text);
  if (!parsed) return parsed.error().message;
  out = *parsed;
  return {};
}

template <typename T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Fault read(std::string_view text, unsigned& out) {
  const auto parsed = number<unsigned>(text);
  if (!parsed) return fmt::format("'{}' is not a whole number", text);
  out = *parsed;
  return {};
}

Fault read(std::string_view text, double& out) {
  const auto parsed = number<double>(text);
  if (!parsed || !std::isfinite(*parsed)) return fmt::format("'{}' is not a number", text);
  out = *parsed;
  return {};
}

// A count, or a size with a unit.
Fault read(std::string_view text, std::size_t& out) {
  std::size_t unit = 1;
  std::string_view digits = text;
  for (const auto& [suffix, factor] : {std::pair{"KiB", 1U << 10U}, {"MiB", 1U << 20U}, {"GiB", 1U << 30U}}) {
    if (!text.ends_with(suffix)) continue;
    unit = factor;
    digits.remove_suffix(3);
  }
  const auto parsed = number<std::size_t>(digits);
  if (!parsed || *parsed > SIZE_MAX / unit) {
    return fmt::format("'{}' is not a whole number; write one, or a size such as 64KiB", text);
  }
  out = *parsed * unit;
  return {};
}

Fault read(std::string_view text, bool& out) {
  if (text != "true" && text != "false") return fmt::format("'{}' is not true or false", text);
  out = text == "true";
  return {};
}

Fault read_share(std::string_view text, double& out) {
  const bool percent = text.ends_with('%');
  const auto parsed = number<double>(text.substr(0, text.size() - (percent ? 1 : 0)));
  if (!parsed || !std::isfinite(*parsed)) return fmt::format("'{}' is not a share; write 50% or 0.5", text);
  out = percent ? *parsed / 100 : *parsed;
  return {};
}

template <typename T>
Fault read_word(std::string_view text, T& out, std::initializer_list<std::pair<const char*, T>> words) {
  std::string all;
  for (const auto& [word, value] : words) {
    if (text == word) {
      out = value;
      return {};
    }
    all += all.empty() ? word : std::string(", ") + word;
  }
  return fmt::format("'{}' is not one of {}", text, all);
}

Fault read(std::string_view text, VerdictKind& out) {
  return read_word(text, out, {{"arrival", VerdictKind::arrival}, {"timer", VerdictKind::timer}});
}
Fault read(std::string_view text, core::WindowKind& out) {
  using core::WindowKind;
  return read_word(
      text, out, {{"time", WindowKind::time}, {"count", WindowKind::count}, {"consecutive", WindowKind::consecutive}});
}
Fault read(std::string_view text, core::Mode& out) {
  using core::Mode;
  return read_word(text, out,
                   {{"automatic", Mode::automatic},
                    {"forced_open", Mode::forced_open},
                    {"disabled", Mode::disabled},
                    {"metrics_only", Mode::metrics_only}});
}
Fault read(std::string_view text, core::CountAs& out) {
  using core::CountAs;
  return read_word(text, out,
                   {{"failure", CountAs::failure}, {"success", CountAs::success}, {"nothing", CountAs::nothing}});
}
Fault read(std::string_view text, telemetry::LogLevel& out) {
  const auto parsed = telemetry::parse_log_level(text);
  if (!parsed) return parsed.error().message;
  out = *parsed;
  return {};
}

Fault read_fallback(std::string_view text, RouteSettings& options) {
  if (text.empty()) return "must be on, off, or a file";
  options.fallback = text != "off";
  options.fallback_file = text == "on" || text == "off" ? "" : text;
  return {};
}

// Methods are told apart by case (RFC 9110 section 9.1), and none that is in use has a lower-case letter.
Fault read_methods(std::string_view text, std::vector<std::string>& out) {
  const std::string whole(text);
  if (text == "all" || text == "safe") {
    out = text == "all" ? std::vector<std::string>() : RouteSettings{}.fallback_methods;
    return {};
  }
  std::vector<std::string> methods;
  while (!text.empty()) {
    const std::size_t end = text.find_first_of(", ");
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!word.empty()) methods.emplace_back(word);
  }
  const auto bad = [](const std::string& word) {
    return !http::is_token(word) || std::any_of(word.begin(), word.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  };
  if (methods.empty() || std::any_of(methods.begin(), methods.end(), bad)) {
    return fmt::format("'{}' is not a list of methods; write such as GET, HEAD, POST, or safe, or all", whole);
  }
  out = std::move(methods);
  return {};
}

Fault read_pages(std::string_view text, ProxyOptions& options) {
  options.pages_prefix = text.starts_with('/') ? text : "";
  if (text.starts_with('/')) {
    options.pages = PagesKind::prefix;
    return {};
  }
  const Fault fault = read_word(text, options.pages,
                                {{"auto", PagesKind::by_listener}, {"on", PagesKind::on}, {"off", PagesKind::off}});
  return fault ? *fault + ", or a prefix such as /quoll" : fault;
}

Fault read_timeout(std::string_view text, RouteSettings& options) {
  const bool adaptive = text == "adaptive";
  options.policies.timeout = adaptive ? TimeoutKind::adaptive : TimeoutKind::fixed;
  if (adaptive) return {};
  const Fault fault = read(text, options.timeout);
  return fault ? *fault + ", or write adaptive" : fault;
}

// A number is a fixed limit; a word finds one.
Fault read_concurrency(std::string_view text, CallPolicyOptions& options) {
  core::ConcurrencyLimitOptions& limit = options.concurrency_limit;
  options.concurrency = text != "off";
  if (text == "off") return {};
  if (const auto fixed = number<unsigned>(text)) {
    if (*fixed == 0) return "'0' would let no call through; write a number from 1, or off";
    limit.algorithm = core::LimitAlgorithm::fixed;
    limit.initial = *fixed;
    limit.minimum = std::min(limit.minimum, limit.initial);
    limit.maximum = std::max(limit.maximum, limit.initial);
    return {};
  }
  using core::LimitAlgorithm;
  const Fault fault = read_word(
      text, limit.algorithm,
      {{"gradient2", LimitAlgorithm::gradient2}, {"vegas", LimitAlgorithm::vegas}, {"aimd", LimitAlgorithm::aimd}});
  return fault ? *fault + ", off, or a number" : fault;
}

Fault read_field_name(std::string_view text, std::string& out) {
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-'; };
  if (text.empty() || !std::all_of(text.begin(), text.end(), good)) {
    return fmt::format("'{}' is not a field's name; write one such as X-Priority", text);
  }
  out = text;
  return {};
}

// Of the whole proxy, or what each route may have of its own: one of the two functions.
struct Setting {
  std::string name;
  std::function<Fault(ProxyOptions&, std::string_view)> of_proxy;
  std::function<Fault(RouteSettings&, std::string_view)> of_route;
};

template <typename T>
Setting field(const char* name, T ProxyOptions::*member) {
  return {name, [member](ProxyOptions& o, std::string_view text) { return read(text, o.*member); }, nullptr};
}
template <typename T>
Setting field(const char* name, T RouteSettings::*member) {
  return {name, nullptr, [member](RouteSettings& o, std::string_view text) { return read(text, o.*member); }};
}
template <typename T>
Setting field(const char* name, T core::BreakerOptions::*member) {
  return {std::string("breaker.") + name, nullptr,
          [member](RouteSettings& o, std::string_view text) { return read(text, o.breaker.*member); }};
}
Setting share(const char* name, double core::BreakerOptions::*member) {
  return {std::string("breaker.") + name, nullptr,
          [member](RouteSettings& o, std::string_view text) { return read_share(text, o.breaker.*member); }};
}
// Of a policy: `name` with its section's.
template <typename Section, typename T>
Setting field(const char* name, Section CallPolicyOptions::*section, T Section::*member) {
  return {name, nullptr,
          [=](RouteSettings& o, std::string_view text) { return read(text, o.policies.*section.*member); }};
}
template <typename T>
Setting field(const char* name, T core::AdmissionOptions::*member) {
  return {std::string("admission_control.") + name,
          [member](ProxyOptions& o, std::string_view text) { return read(text, o.admission_control.*member); },
          nullptr};
}
Setting limit(const char* name, std::size_t http::Limits::*member) {
  return {std::string("limits.") + name,
          [member](ProxyOptions& o, std::string_view text) { return read(text, o.limits.*member); }, nullptr};
}

const std::vector<Setting>& settings() {
  using B = core::BreakerOptions;
  using A = core::AdaptiveTimeoutOptions;
  using C = CallPolicyOptions;
  using D = core::AdmissionOptions;
  using L = http::Limits;
  using N = core::ConcurrencyLimitOptions;
  using P = ProxyOptions;
  static const std::vector<Setting> table = {
      field("listen", &P::listen),
      field("upstream", &P::upstream),
      field("admin", &P::admin),
      field("workers", &P::workers),
      {"timeout", nullptr, [](RouteSettings& o, std::string_view text) { return read_timeout(text, o); }},
      {"propagate_deadline", nullptr,
       [](RouteSettings& o, std::string_view text) { return read(text, o.policies.propagate_deadline); }},
      field("body_gap", &P::body_gap),
      field("verdict", &P::verdict),
      field("stamps", &P::stamps),
      {"fallback", nullptr, [](RouteSettings& o, std::string_view text) { return read_fallback(text, o); }},
      {"fallback_methods", nullptr,
       [](RouteSettings& o, std::string_view text) { return read_methods(text, o.fallback_methods); }},
      {"pages", [](P& o, std::string_view text) { return read_pages(text, o); }, nullptr},
      {"concurrency", nullptr,
       [](RouteSettings& o, std::string_view text) { return read_concurrency(text, o.policies); }},
      {"retries", nullptr, [](RouteSettings& o, std::string_view text) { return read(text, o.policies.retries); }},
      {"priority", nullptr, [](RouteSettings& o, std::string_view text) { return read(text, o.policies.priority); }},
      {"admission",
       [](P& o, std::string_view text) {
         return read_word(text, o.admission, {{"on", true}, {"off", false}});
       },
       nullptr},
      {"priority_header", [](P& o, std::string_view text) { return read_field_name(text, o.priority_header); },
       nullptr},
      field("allow_control", &P::allow_control),
      field("allow_pressure", &P::allow_pressure),
      field("log_level", &P::log_level),
      field("max_connections", &P::max_connections),
      field("head_timeout", &P::head_timeout),
      field("idle_timeout", &P::idle_timeout),
      field("client_gap", &P::client_gap),
      field("pool_size", &P::pool_size),
      field("pool_idle", &P::pool_idle),
      field("drain", &P::drain),
      field("window_kind", &B::window_kind),
      field("window", &B::window),
      field("buckets", &B::buckets),
      field("window_calls", &B::window_calls),
      share("failure_rate_threshold", &B::failure_rate_threshold),
      field("minimum_volume", &B::minimum_volume),
      field("slow_call_threshold", &B::slow_call_threshold),
      share("slow_call_rate_threshold", &B::slow_call_rate_threshold),
      field("consecutive_failures", &B::consecutive_failures),
      field("reset_timeout", &B::reset_timeout),
      field("reset_multiplier", &B::reset_multiplier),
      field("reset_timeout_max", &B::reset_timeout_max),
      share("reset_jitter", &B::reset_jitter),
      field("half_open_permits", &B::half_open_permits),
      field("half_open_successes", &B::half_open_successes),
      field("half_open_max", &B::half_open_max),
      field("ramp", &B::ramp),
      share("ramp_start", &B::ramp_start),
      field("warm_up", &B::warm_up),
      field("mode", &B::mode),
      field("failures", &B::failures),
      field("timeouts", &B::timeouts),
      field("cancellations", &B::cancellations),
      {"adaptive_timeout.quantile", nullptr,
       [](RouteSettings& o, std::string_view text) { return read_share(text, o.policies.adaptive_timeout.quantile); }},
      field("adaptive_timeout.factor", &C::adaptive_timeout, &A::factor),
      field("adaptive_timeout.margin", &C::adaptive_timeout, &A::margin),
      field("adaptive_timeout.floor", &C::adaptive_timeout, &A::floor),
      field("adaptive_timeout.ceiling", &C::adaptive_timeout, &A::ceiling),
      field("adaptive_timeout.initial", &C::adaptive_timeout, &A::initial),
      field("adaptive_timeout.warm_up", &C::adaptive_timeout, &A::warm_up),
      field("adaptive_timeout.window", &C::adaptive_timeout, &A::window),
      field("adaptive_timeout.max_growth", &C::adaptive_timeout, &A::max_growth),
      field("adaptive_timeout.stale_after", &C::adaptive_timeout, &A::stale_after),
      field("concurrency_limit.initial", &C::concurrency_limit, &N::initial),
      field("concurrency_limit.minimum", &C::concurrency_limit, &N::minimum),
      field("concurrency_limit.maximum", &C::concurrency_limit, &N::maximum),
      field("concurrency_limit.window", &C::concurrency_limit, &N::window),
      field("concurrency_limit.minimum_samples", &C::concurrency_limit, &N::minimum_samples),
      field("concurrency_limit.smoothing", &C::concurrency_limit, &N::smoothing),
      field("concurrency_limit.tolerance", &C::concurrency_limit, &N::tolerance),
      field("concurrency_limit.queue", &C::concurrency_limit, &N::queue),
      field("concurrency_limit.long_window", &C::concurrency_limit, &N::long_window),
      field("concurrency_limit.probe_interval", &C::concurrency_limit, &N::probe_interval),
      field("concurrency_limit.backoff", &C::concurrency_limit, &N::backoff),
      field("concurrency_limit.slow", &C::concurrency_limit, &N::slow),
      field("concurrency_limit.failures_are_drops", &C::concurrency_limit, &N::failures_are_drops),
      field("retry.base", &C::retry, &core::RetryOptions::base),
      field("retry.cap", &C::retry, &core::RetryOptions::cap),
      field("retry.max_retry_after", &C::retry, &core::RetryOptions::max_retry_after),
      {"retry_budget.ratio", nullptr,
       [](RouteSettings& o, std::string_view text) { return read_share(text, o.policies.retry_budget.ratio); }},
      field("retry_budget.minimum_per_second", &C::retry_budget, &core::RetryBudgetOptions::minimum_per_second),
      field("retry_budget.capacity", &C::retry_budget, &core::RetryBudgetOptions::capacity),
      {"retry_budget.reserve", nullptr,
       [](RouteSettings& o, std::string_view text) { return read_share(text, o.policies.retry_budget.reserve); }},
      field("target", &D::target),
      field("interval", &D::interval),
      field("max_delay", &D::max_delay),
      field("priorities", &D::priorities),
      field("fair", &D::fair),
      limit("head_bytes", &L::head_bytes),
      limit("fields", &L::fields),
      limit("target_bytes", &L::target_bytes),
  };
  return table;
}

const Setting* find(std::string_view name) {
  for (const Setting& setting : settings()) {
    if (setting.name == name) return &setting;
  }
  return nullptr;
}

Error unknown(std::string_view name) {
  return {fmt::format("{}: there is no such setting", name), "unknown_setting"};
}

}  // namespace

Result<void> apply_setting(ProxyOptions& options, std::string_view name, std::string_view text) {
  const Setting* setting = find(name);
  if (setting == nullptr) return unknown(name);
  Fault fault = find_value_fault(text);
  if (!fault) fault = setting->of_route ? setting->of_route(options, text) : setting->of_proxy(options, text);
  if (fault) return Error{fmt::format("{}: {}", name, *fault), "setting"};
  if (!setting->of_route) return {};
  for (RouteOptions& route : options.routes) {
    const bool own = std::find(route.own.begin(), route.own.end(), name) != route.own.end();
    if (!own) setting->of_route(route, text);
  }
  return {};
}

Result<void> apply_route_setting(RouteOptions& route, std::string_view name, std::string_view text) {
  const Setting* setting = find(name);
  if (setting == nullptr) return unknown(name);
  if (!setting->of_route) {
    return Error{fmt::format("{}: is the whole proxy's, and cannot be set for one route", name), "proxy_setting"};
  }
  Fault fault = find_value_fault(text);
  if (!fault) fault = setting->of_route(route, text);
  if (fault) return Error{fmt::format("{}: {}", name, *fault), "setting"};
  route.own.emplace_back(name);
  return {};
}

std::vector<std::string> setting_names() {
  std::vector<std::string> out;
  for (const Setting& setting : settings()) out.push_back(setting.name);
  return out;
}

}  // namespace quoll::proxy
