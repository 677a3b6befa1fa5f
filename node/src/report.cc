#include "report.h"

#include "js.h"

namespace quoll::node {

namespace {

napi_value object(napi_env env) {
  napi_value value = nullptr;
  napi_create_object(env, &value);
  return value;
}

napi_value to_js(napi_env env, const core::WindowCounts& counts) {
  napi_value value = object(env);
  put(env, value, "calls", counts.calls);
  put(env, value, "failedCalls", counts.failed_calls);
  put(env, value, "success", counts.success);
  put(env, value, "failure", counts.failure);
  put(env, value, "timeout", counts.timeout);
  put(env, value, "cancelled", counts.cancelled);
  put(env, value, "ignored", counts.ignored);
  put(env, value, "slow", counts.slow);
  put(env, value, "rescued", counts.rescued);
  put(env, value, "rejected", counts.rejected);
  put(env, value, "failureRate", counts.failure_rate());
  put(env, value, "slowRate", counts.slow_rate());
  return value;
}

napi_value to_js(napi_env env, const core::Evidence& evidence) {
  napi_value value = object(env);
  put(env, value, "counts", to_js(env, evidence.counts));
  put(env, value, "consecutive", evidence.consecutive);
  put(env, value, "trialsSucceeded", evidence.trials_succeeded);
  put(env, value, "longestLocalStall", to_millis(evidence.longest_local_stall));
  put(env, value, "openFor", to_millis(evidence.open_for));
  put(env, value, "window", to_millis(evidence.window));
  put(env, value, "minimumVolume", evidence.minimum_volume);
  put(env, value, "failureRateThreshold", evidence.failure_rate_threshold);
  put(env, value, "slowCallThreshold", to_millis(evidence.slow_call_threshold));
  put(env, value, "slowCallRateThreshold", evidence.slow_call_rate_threshold);
  put(env, value, "consecutiveLimit", evidence.consecutive_limit);
  return value;
}

napi_value to_js(napi_env env, const core::LifetimeTotals& totals) {
  napi_value value = object(env);
  put(env, value, "success", static_cast<double>(totals.success));
  put(env, value, "failure", static_cast<double>(totals.failure));
  put(env, value, "timeout", static_cast<double>(totals.timeout));
  put(env, value, "cancelled", static_cast<double>(totals.cancelled));
  put(env, value, "inconclusive", static_cast<double>(totals.ignored));
  put(env, value, "slow", static_cast<double>(totals.slow));
  put(env, value, "rescued", static_cast<double>(totals.rescued));
  put(env, value, "rejected", static_cast<double>(totals.rejected));
  put(env, value, "stale", static_cast<double>(totals.stale));
  put(env, value, "opened", static_cast<double>(totals.opened));
  put(env, value, "halfOpened", static_cast<double>(totals.half_opened));
  put(env, value, "closed", static_cast<double>(totals.closed));
  return value;
}

}  // namespace

napi_value to_js(napi_env env, const core::Transition& transition) {
  napi_value value = object(env);
  put(env, value, "sequence", static_cast<double>(transition.sequence));
  put(env, value, "at", to_js_time(transition.at));
  put(env, value, "from", std::string(core::to_string(transition.from)));
  put(env, value, "to", std::string(core::to_string(transition.to)));
  put(env, value, "reason", std::string(core::to_string(transition.reason)));
  put(env, value, "text", core::explain(transition));
  put(env, value, "evidence", to_js(env, transition.evidence));
  return value;
}

napi_value to_js(napi_env env, Circuit& circuit, TimePoint now) {
  const core::Snapshot snapshot = circuit.breaker.snapshot(now);
  napi_value value = object(env);
  put(env, value, "name", snapshot.name);
  put(env, value, "state", std::string(core::to_string(snapshot.state)));
  put(env, value, "text", core::explain(snapshot));
  put(env, value, "since", to_js_time(snapshot.since));
  put(env, value, "remaining", to_millis(snapshot.remaining));
  put(env, value, "admittedShare", snapshot.admitted_share);
  put(env, value, "trialsInFlight", snapshot.trials_in_flight);
  put(env, value, "longestLocalStall", to_millis(snapshot.longest_local_stall));
  put(env, value, "counts", to_js(env, snapshot.counts));
  put(env, value, "totals", to_js(env, snapshot.totals));
  put(env, value, "policies", circuit.pipeline.describe());
  if (circuit.timeout) put(env, value, "timeout", to_millis(circuit.timeout->timeout()));
  if (circuit.budget) put(env, value, "retryBudget", circuit.budget->balance(now));
  napi_value percentiles = object(env);
  for (std::size_t i = 0; i < core::kSnapshotPercentiles.size(); ++i) {
    std::string name = std::to_string(core::kSnapshotPercentiles[i]);
    name.erase(name.find_last_not_of('0') + 1);
    if (name.back() == '.') name.pop_back();
    put(env, percentiles, name.c_str(), to_millis(snapshot.percentiles[i]));
  }
  put(env, value, "percentiles", percentiles);
  const std::vector<core::Transition> journal = circuit.breaker.journal();
  napi_value array = nullptr;
  napi_create_array_with_length(env, journal.size(), &array);
  for (std::size_t i = 0; i < journal.size(); ++i) {
    napi_set_element(env, array, static_cast<std::uint32_t>(i), to_js(env, journal[i]));
  }
  put(env, value, "journal", array);
  return value;
}

}  // namespace quoll::node
