// CallObserver: tells a worker's gate what the engine says of one call, and which trace the call belongs to.
//
// Loop-confined; outlives its call.
#pragma once

#include "call_trace.h"
#include "quoll/core/observer.h"
#include "quoll/proxy/data/call_gate.h"

namespace quoll::proxy {

class CallObserver final : public core::Observer {
 public:
  CallObserver(CallGate& gate, const CallTrace& trace) : gate_(gate), trace_(trace) {}

  void on_success(const core::AttemptEvent& event) override;
  void on_failure(const core::AttemptEvent& event) override;
  void on_timeout(const core::AttemptEvent& event) override;
  void on_cancelled(const core::AttemptEvent& event) override;
  void on_ignored(const core::AttemptEvent& event) override;
  void on_rejection(const core::RejectionEvent& event) override;
  void on_transition(const core::Transition& transition) override;

 private:
  CallGate& gate_;
  const CallTrace& trace_;
};

}  // namespace quoll::proxy
