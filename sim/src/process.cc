// This process: its CPU, and who waits for it.

#include "world.h"

namespace quoll::sim {

void World::pump_cpu() {
  // Work without a cost is done on the spot and may bring more.
  if (pumping_cpu_) return;
  pumping_cpu_ = true;
  while (auto work = cpu_.next()) {
    const Duration cost = cost_of(*work);
    if (cost <= Duration::zero()) {
      carry_out(*work);
    } else {
      cpu_.occupy(*work);
      events_.push(now_ + cost, EventKind::cpu_done);
    }
  }
  pumping_cpu_ = false;
}

// As the work begins; admission is decided here, since that is when the wait of the request is over.
Duration World::cost_of(Work& work) {
  const ProcessModel& process = model_.process;
  switch (work.kind) {
    case Work::Kind::stall:
      return work.length;
    case Work::Kind::take_on:
      if (admission_ &&
          !admission_->decide({.arrived_at = requests_[work.slot].arrived_at, .priority = 1}, now_).admitted()) {
        work.kind = Work::Kind::refuse;
        return process.refuse_cost;
      }
      return process.request_cost;
    case Work::Kind::refuse:
      return process.refuse_cost;
    case Work::Kind::answer:
    case Work::Kind::timer:
      // Decided already, by the other of the two.
      return live(work.slot, work.tag) ? process.answer_cost : Duration::zero();
    case Work::Kind::hedge:
      return live(work.slot, work.tag) ? process.request_cost : Duration::zero();
    case Work::Kind::retry:
      return process.request_cost;
  }
  return {};
}

void World::carry_out(const Work& work) {
  switch (work.kind) {
    case Work::Kind::take_on:
      if (queue_) {
        offer(work.slot);
      } else {
        begin(work.slot);
      }
      break;
    case Work::Kind::refuse:
      finish_request(work.slot, End::refused);
      break;
    case Work::Kind::answer:
    case Work::Kind::timer:
      if (live(work.slot, work.tag)) look(work.slot);
      break;
    case Work::Kind::hedge:
      if (live(work.slot, work.tag)) hedge(work.slot);
      break;
    case Work::Kind::retry:
      proceed(work.slot, requests_[work.slot].call->start(now_));
      break;
    case Work::Kind::stall:
      for (core::Breaker& breaker : breakers_) breaker.note_local_stall(work.length, now_);
      break;
  }
}

void World::offer(std::uint32_t slot) {
  const auto offered = queue_->offer(slot, {.arrived_at = requests_[slot].arrived_at, .priority = 1}, now_);
  if (!offered.ticket) {
    cpu_.submit({.kind = Work::Kind::refuse, .slot = slot});
    return;
  }
  pump_queue();
}

void World::pump_queue() {
  if (!queue_ || pumping_queue_) return;
  pumping_queue_ = true;
  while (in_service_ < policies_.queue_slots) {
    const auto taken = queue_->take(now_);
    if (!taken) break;
    const auto slot = static_cast<std::uint32_t>(taken->tag);
    if (taken->reason != core::ShedReason::none) {
      cpu_.submit({.kind = Work::Kind::refuse, .slot = slot});
      continue;
    }
    requests_[slot].in_service = true;
    ++in_service_;
    begin(slot);
  }
  pumping_queue_ = false;
}

}  // namespace quoll::sim
