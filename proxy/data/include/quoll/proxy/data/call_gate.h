// CallGate: one worker's way into a circuit: the pipeline that each call of the worker goes through, and the counts of
// what the engine tells of them (call_observer.h).
//
// Loop-confined, neither copied nor moved; the circuit outlives it.
#pragma once

#include <optional>

#include "quoll/proxy/data/circuit.h"

namespace quoll::proxy {

class CallGate {
 public:
  CallGate(Circuit& circuit, unsigned shard);
  CallGate(const CallGate&) = delete;
  CallGate& operator=(const CallGate&) = delete;

  // For a PipelineCall, which says what to do: send, wait, or give up. Both outlive it.
  core::Pipeline pipeline(core::Observer& observer);
  // A call that has ended failed; counts why it was not made again, where a retry policy had its say.
  void count_end(const core::PipelineCall& call);

  void count(const core::AttemptEvent& event, AttemptEnd end);
  void count(Event event) { circuit_.count(event, shard_); }
  void count_limited() { circuit_.count_limited(shard_); }
  void tell(const core::Transition& transition, const telemetry::TraceContext* trace) {
    circuit_.tell(transition, trace);
  }

 private:
  Circuit& circuit_;
  const unsigned shard_;
  std::optional<core::RetryPolicy> retry_;
};

}  // namespace quoll::proxy
