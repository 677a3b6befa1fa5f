#include "quoll/proxy/data/call_gate.h"

namespace quoll::proxy {
namespace {

std::optional<RetryEnd> end_of(core::RetryRefusal refusal) {
  switch (refusal) {
    case core::RetryRefusal::no_budget:
      return RetryEnd::no_budget;
    case core::RetryRefusal::retry_after_too_long:
      return RetryEnd::retry_after_too_long;
    case core::RetryRefusal::past_deadline:
      return RetryEnd::past_deadline;
    case core::RetryRefusal::would_be_refused:
      return RetryEnd::would_be_refused;
    case core::RetryRefusal::attempts_used_up:
    case core::RetryRefusal::not_idempotent:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

CallGate::CallGate(Circuit& circuit, unsigned shard)
    : circuit_(circuit),
      shard_(shard),
      retry_(circuit.make_retry(shard)),
      pipeline_(circuit.pipeline(retry_ ? &*retry_ : nullptr, this, shard)) {}

void CallGate::count_end(const core::PipelineCall& call) {
  if (!call.not_retried()) return;
  if (const auto end = end_of(*call.not_retried())) circuit_.count(*end, shard_);
}

void CallGate::count(const core::AttemptEvent& event, AttemptEnd end) {
  circuit_.count(end, shard_);
  if (event.attempt == 1) return;
  const bool well = end == AttemptEnd::success || end == AttemptEnd::rescued;
  circuit_.count(well ? RetryEnd::success : RetryEnd::failure, shard_);
}

void CallGate::on_success(const core::AttemptEvent& event) {
  count(event, event.sample.rescued ? AttemptEnd::rescued : AttemptEnd::success);
  circuit_.count(Event::success, shard_);
}

void CallGate::on_failure(const core::AttemptEvent& event) {
  count(event, AttemptEnd::failure);
  circuit_.count(Event::failure, shard_);
}

void CallGate::on_timeout(const core::AttemptEvent& event) {
  count(event, AttemptEnd::timeout);
  circuit_.count(Event::timeout, shard_);
}

void CallGate::on_cancelled(const core::AttemptEvent& event) {
  count(event, AttemptEnd::cancelled);
}

void CallGate::on_ignored(const core::AttemptEvent& event) {
  count(event, AttemptEnd::inconclusive);
}

void CallGate::on_rejection(const core::RejectionEvent& event) {
  if (event.error.refused_by == core::RefusedBy::breaker) circuit_.count(Event::reject, shard_);
  if (event.error.refused_by == core::RefusedBy::concurrency_limit) circuit_.count_limited(shard_);
}

void CallGate::on_transition(const core::Transition& transition) {
  circuit_.tell(transition);
}

}  // namespace quoll::proxy
