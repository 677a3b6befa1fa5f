// CallGate: one worker's way into a circuit. It has the pipeline that each call of the worker goes through, and counts
// what the engine tells of them.
//
// Loop-confined, neither copied nor moved; the circuit outlives it.
#pragma once

#include <optional>

#include "quoll/proxy/data/circuit.h"

namespace quoll::proxy {

class CallGate final : private core::Observer {
 public:
  CallGate(Circuit& circuit, unsigned shard);
  CallGate(const CallGate&) = delete;
  CallGate& operator=(const CallGate&) = delete;

  // For a PipelineCall, which says what to do: send, wait, or give up.
  const core::Pipeline& pipeline() const { return pipeline_; }
  // A call that has ended failed; counts why it was not made again, where a retry policy had its say.
  void count_end(const core::PipelineCall& call);

 private:
  void on_success(const core::AttemptEvent& event) override;
  void on_failure(const core::AttemptEvent& event) override;
  void on_timeout(const core::AttemptEvent& event) override;
  void on_cancelled(const core::AttemptEvent& event) override;
  void on_ignored(const core::AttemptEvent& event) override;
  void on_rejection(const core::RejectionEvent& event) override;
  void on_transition(const core::Transition& transition) override;
  void count(const core::AttemptEvent& event, AttemptEnd end);

  Circuit& circuit_;
  const unsigned shard_;
  std::optional<core::RetryPolicy> retry_;
  const core::Pipeline pipeline_;
};

}  // namespace quoll::proxy
