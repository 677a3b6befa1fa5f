#include "quoll/proxy/config/config_json.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>

namespace quoll::proxy {
namespace {

namespace json = boost::json;

const char* text(core::CountAs count_as) {
  switch (count_as) {
    case core::CountAs::failure:
      return "failure";
    case core::CountAs::success:
      return "success";
    case core::CountAs::nothing:
      break;
  }
  return "nothing";
}

json::object breaker_json(const core::BreakerOptions& o) {
  return {{"mode", core::to_string(o.mode)},
          {"window_kind", core::to_string(o.window_kind)},
          {"window", format_duration(o.window)},
          {"buckets", o.buckets},
          {"window_calls", o.window_calls},
          {"failure_rate_threshold", o.failure_rate_threshold},
          {"minimum_volume", o.minimum_volume},
          {"slow_call_threshold", format_duration(o.slow_call_threshold)},
          {"slow_call_rate_threshold", o.slow_call_rate_threshold},
          {"consecutive_failures", o.consecutive_failures},
          {"reset_timeout", format_duration(o.reset_timeout)},
          {"reset_multiplier", o.reset_multiplier},
          {"reset_timeout_max", format_duration(o.reset_timeout_max)},
          {"reset_jitter", o.reset_jitter},
          {"half_open_permits", o.half_open_permits},
          {"half_open_successes", o.half_open_successes},
          {"half_open_max", format_duration(o.half_open_max)},
          {"ramp", format_duration(o.ramp)},
          {"ramp_start", o.ramp_start},
          {"warm_up", format_duration(o.warm_up)},
          {"failures", text(o.failures)},
          {"timeouts", text(o.timeouts)},
          {"cancellations", text(o.cancellations)}};
}

json::object adaptive_timeout_json(const core::AdaptiveTimeoutOptions& o) {
  return {{"quantile", o.quantile},
          {"factor", o.factor},
          {"margin", format_duration(o.margin)},
          {"floor", format_duration(o.floor)},
          {"ceiling", format_duration(o.ceiling)},
          {"initial", format_duration(o.initial)},
          {"warm_up", o.warm_up},
          {"window", o.window},
          {"max_growth", o.max_growth},
          {"stale_after", format_duration(o.stale_after)}};
}

json::object concurrency_limit_json(const core::ConcurrencyLimitOptions& o) {
  return {{"initial", o.initial},
          {"minimum", o.minimum},
          {"maximum", o.maximum},
          {"window", format_duration(o.window)},
          {"minimum_samples", o.minimum_samples},
          {"smoothing", o.smoothing},
          {"tolerance", o.tolerance},
          {"queue", o.queue},
          {"long_window", o.long_window},
          {"probe_interval", format_duration(o.probe_interval)},
          {"backoff", o.backoff},
          {"slow", format_duration(o.slow)},
          {"failures_are_drops", o.failures_are_drops}};
}

json::object retry_json(const core::RetryOptions& o) {
  return {{"base", format_duration(o.base)},
          {"cap", format_duration(o.cap)},
          {"max_retry_after", format_duration(o.max_retry_after)}};
}

json::object retry_budget_json(const core::RetryBudgetOptions& o) {
  return {{"ratio", o.ratio},
          {"minimum_per_second", o.minimum_per_second},
          {"capacity", o.capacity},
          {"reserve", o.reserve}};
}

json::object admission_control_json(const core::AdmissionOptions& o) {
  return {{"target", format_duration(o.target)},
          {"interval", format_duration(o.interval)},
          {"max_delay", format_duration(o.max_delay)},
          {"priorities", o.priorities},
          {"fair", o.fair}};
}

json::value concurrency_json(const CallPolicyOptions& o) {
  if (!o.concurrency) return "off";
  const core::ConcurrencyLimitOptions& limit = o.concurrency_limit;
  if (limit.algorithm == core::LimitAlgorithm::fixed) return unsigned{limit.initial};
  return json::string(core::to_string(limit.algorithm));
}

std::string fallback_text(const RouteSettings& o) {
  return !o.fallback ? "off" : o.fallback_file.empty() ? "on" : o.fallback_file;
}

std::string fallback_methods_text(const RouteSettings& o) {
  return o.fallback_methods.empty() ? "all" : fmt::format("{}", fmt::join(o.fallback_methods, ", "));
}

std::string pages_text(const ProxyOptions& o) {
  switch (o.pages) {
    case PagesKind::by_listener:
      return "auto";
    case PagesKind::on:
      return "on";
    case PagesKind::off:
      return "off";
    case PagesKind::prefix:
      break;
  }
  return o.pages_prefix;
}

// What may differ per route.
void add_route_settings(json::object& out, const RouteSettings& o) {
  const CallPolicyOptions& policies = o.policies;
  out["upstream"] = o.upstream;
  out["timeout"] = policies.timeout == TimeoutKind::adaptive ? "adaptive" : format_duration(o.timeout);
  out["propagate_deadline"] = policies.propagate_deadline;
  out["body_gap"] = format_duration(o.body_gap);
  out["verdict"] = to_string(o.verdict);
  out["fallback"] = fallback_text(o);
  out["fallback_methods"] = fallback_methods_text(o);
  out["concurrency"] = concurrency_json(policies);
  out["retries"] = policies.retries;
  out["priority"] = policies.priority;
  out["breaker"] = breaker_json(o.breaker);
  out["adaptive_timeout"] = adaptive_timeout_json(policies.adaptive_timeout);
  out["concurrency_limit"] = concurrency_limit_json(policies.concurrency_limit);
  out["retry"] = retry_json(policies.retry);
  out["retry_budget"] = retry_budget_json(policies.retry_budget);
}

void add_proxy_settings(json::object& out, const ProxyOptions& o) {
  out["workers"] = o.workers;
  out["pages"] = pages_text(o);
  out["stamps"] = o.stamps;
  out["admission"] = o.admission ? "on" : "off";
  out["admission_control"] = admission_control_json(o.admission_control);
  out["priority_header"] = o.priority_header.empty() ? json::value() : json::value(o.priority_header);
  out["allow_control"] = o.allow_control;
  out["allow_pressure"] = o.allow_pressure;
  out["log_level"] = telemetry::to_string(o.log_level);
  out["max_connections"] = o.max_connections;
  out["head_timeout"] = format_duration(o.head_timeout);
  out["idle_timeout"] = format_duration(o.idle_timeout);
  out["client_gap"] = format_duration(o.client_gap);
  out["pool_size"] = o.pool_size;
  out["pool_idle"] = format_duration(o.pool_idle);
  out["drain"] = format_duration(o.drain);
  out["limits"] = {
      {"head_bytes", o.limits.head_bytes}, {"fields", o.limits.fields}, {"target_bytes", o.limits.target_bytes}};
}

json::object route_json(const RouteOptions& route) {
  json::object out = {{"name", route.name},
                      {"host", route.host.empty() ? json::value() : json::value(route.host)},
                      {"path", route.path}};
  add_route_settings(out, route);
  return out;
}

}  // namespace

json::object config_json(const ProxyOptions& o) {
  json::object out = {{"listen", o.listen}, {"admin", o.admin}};
  add_route_settings(out, o);
  add_proxy_settings(out, o);
  if (o.routes.empty()) return out;
  json::array routes;
  for (const RouteOptions& route : o.routes) routes.push_back(route_json(route));
  out["routes"] = std::move(routes);
  return out;
}

}  // namespace quoll::proxy
