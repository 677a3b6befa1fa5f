#include "call_observer.h"

namespace quoll::proxy {

void CallObserver::on_success(const core::AttemptEvent& event) {
  gate_.count(event, event.sample.rescued ? AttemptEnd::rescued : AttemptEnd::success);
  gate_.count(Event::success);
}

void CallObserver::on_failure(const core::AttemptEvent& event) {
  gate_.count(event, AttemptEnd::failure);
  gate_.count(Event::failure);
}

void CallObserver::on_timeout(const core::AttemptEvent& event) {
  gate_.count(event, AttemptEnd::timeout);
  gate_.count(Event::timeout);
}

void CallObserver::on_cancelled(const core::AttemptEvent& event) {
  gate_.count(event, AttemptEnd::cancelled);
}

void CallObserver::on_ignored(const core::AttemptEvent& event) {
  gate_.count(event, AttemptEnd::inconclusive);
}

void CallObserver::on_rejection(const core::RejectionEvent& event) {
  if (event.error.refused_by == core::RefusedBy::breaker) gate_.count(Event::reject);
  if (event.error.refused_by == core::RefusedBy::concurrency_limit) gate_.count_limited();
}

void CallObserver::on_transition(const core::Transition& transition) {
  gate_.tell(transition, trace_.context());
}

}  // namespace quoll::proxy
