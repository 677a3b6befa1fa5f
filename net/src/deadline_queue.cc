#include "quoll/net/deadline_queue.h"

namespace quoll::net {

void PausedTask::resume(void* self) {
  auto& task = *static_cast<PausedTask*>(self);
  task.unlink();
  task.handler_.call({});
}

DeadlineQueue::~DeadlineQueue() {
  destroy_paused();
  deadlines_.clear();
}

void DeadlineQueue::destroy_paused() {
  while (!paused_.empty()) {
    PausedTask& task = paused_.front();
    task.unlink();
    task.handler_.drop();
  }
}

void DeadlineQueue::set(Deadline& deadline, TimePoint at) {
  deadline.clear();
  deadline.at_ = at;
  if (at == kNever) return;
  deadlines_.insert(deadline);
  if (at < armed_for_ && !clock_.manual()) arm(at);
}

void DeadlineQueue::arm(TimePoint at) {
  armed_for_ = at;
  timer_.expires_at(std::chrono::time_point_cast<std::chrono::steady_clock::duration>(at));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;  // re-armed for an earlier one, or the worker is going away
    armed_for_ = kNever;
    fire_due(clock_.now());
    if (!deadlines_.empty() && deadlines_.begin()->at() < armed_for_) arm(deadlines_.begin()->at());
  });
}

void DeadlineQueue::fire_due(TimePoint now) {
  while (!deadlines_.empty() && deadlines_.begin()->at() <= now) {
    Deadline& due = *deadlines_.begin();
    due.clear();
    due.wake_(due.owner_);
  }
}

}  // namespace quoll::net
