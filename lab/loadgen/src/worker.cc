// Worker's loop: when each request is sent, and what is counted. The sockets are in worker_io.cc.
#include "worker.h"

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "quoll/base/assert.h"

namespace quoll::lab::loadgen {

namespace {

constexpr std::size_t kReadBuffer = 65536;
constexpr int kEventsPerWait = 256;
constexpr Duration kTick = std::chrono::seconds(1);
// A closed loop whose connection was refused, or cut before any answer, tries again after this: a dead server gets a
// load of errors that can be read, not a busy loop.
constexpr Duration kPause = std::chrono::milliseconds(50);
// Idle connections being opened at the same time, over all loops.
constexpr std::size_t kIdleAtOnce = 64;

// Thread `index` of `threads` gets its part of `total`, so that the parts add up.
template <typename T>
T share(T total, unsigned index, unsigned threads) {
  return total / threads + (index < total % threads ? 1 : 0);
}

}  // namespace

Worker::Worker(const Plan& plan, unsigned index, Fd epoll)
    : plan_(plan),
      index_(index),
      mode_(plan.options.idle > 0   ? Mode::idle
            : plan.options.rate > 0 ? Mode::open
                                    : Mode::closed),
      epoll_(std::move(epoll)),
      connections_(
          share(mode_ == Mode::idle ? plan.options.idle : plan.options.connections, index, plan.options.threads)),
      in_flight_(connections_),
      quota_(plan.options.requests ? share(*plan.options.requests, index, plan.options.threads)
                                   : std::numeric_limits<std::uint64_t>::max()),
      backlog_limit_(std::max<std::size_t>(1, share(plan.options.backlog, index, plan.options.threads))),
      buffer_(kReadBuffer) {
  batch_.worker = index;
  if (mode_ == Mode::open) {
    arrivals_.emplace(plan.start, plan.options.rate, plan.options.poisson, index, plan.options.threads,
                      plan.options.seed);
  }
}

void Worker::run() {
  // The default slack of 50 us would make an open loop late by as much.
  prctl(PR_SET_TIMERSLACK, 1);
  begin();
  while (true) {
    const TimePoint now = steady_now();
    if (!stopped_at_ && plan_.stop.requested()) stop_now(now);
    if (now >= plan_.start + kTick * static_cast<Duration::rep>(tick_ + 1)) publish(now, false);
    wake_paused(now);
    if (mode_ == Mode::open) {
      queue_due(now);
      serve_backlog(now);
    } else if (mode_ == Mode::idle) {
      open_idle(now);
    }
    expire(now);
    if (finished(now)) break;
    wait(now);
  }
  finish();
}

void Worker::begin() {
  if (plan_.stop.fd() >= 0) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = kNone;
    epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, plan_.stop.fd(), &event);
  }
  const TimePoint now = steady_now();
  if (mode_ == Mode::idle) return;
  for (std::uint32_t i = 0; i < connections_.size(); ++i) {
    if (mode_ == Mode::closed) {
      next_request(i, now, false);
    } else {
      put_free(static_cast<std::uint32_t>(connections_.size()) - 1 - i);
    }
  }
}

bool Worker::finished(TimePoint now) {
  if (stopped_at_) return in_flight_.size() == 0 || now >= *stopped_at_ + kStopGrace;
  if (in_flight_.size() > 0) return false;
  switch (mode_) {
    case Mode::closed:
      return !may_start(now);
    case Mode::open:
      return drain_until_ && backlog_.empty();
    case Mode::idle:
      return now >= plan_.end;
  }
  return true;
}

TimePoint Worker::next_wake() const {
  TimePoint wake = plan_.start + kTick * static_cast<Duration::rep>(tick_ + 1);
  if (in_flight_.size() > 0) {
    wake = std::min(wake, connections_[in_flight_.oldest()].request.started + plan_.options.timeout);
  } else {
    wake = std::min(wake, plan_.end);
  }
  if (!paused_.empty()) wake = std::min(wake, paused_.front().first);
  if (stopped_at_) wake = std::min(wake, *stopped_at_ + kStopGrace);
  if (arrivals_ && may_start(arrivals_->next())) wake = std::min(wake, arrivals_->next());
  if (drain_until_ && !backlog_.empty()) wake = std::min(wake, *drain_until_);
  return wake;
}

void Worker::wait(TimePoint now) {
  std::array<epoll_event, kEventsPerWait> events;
  const Duration left = std::max(Duration::zero(), next_wake() - now);
  int ready = -1;
  if (have_pwait2_) {
    timespec timeout{};
    timeout.tv_sec = left / std::chrono::seconds(1);
    timeout.tv_nsec = (left % std::chrono::seconds(1)).count();
    ready = epoll_pwait2(epoll_.get(), events.data(), kEventsPerWait, &timeout, nullptr);
    if (ready < 0 && errno != EINTR) have_pwait2_ = false;
  } else {
    // Rounded down, the rest is spun away: late sends would be taken for the server's latency.
    ready = epoll_wait(epoll_.get(), events.data(), kEventsPerWait,
                       static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(left).count()));
  }
  for (int i = 0; i < ready; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    const auto index = static_cast<std::uint32_t>(event.data.u64);
    if (index == kNone) {
      epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, plan_.stop.fd(), nullptr);
    } else if (connections_[index].generation == static_cast<std::uint32_t>(event.data.u64 >> 32U)) {
      on_event(index, event.events);
    }
  }
}

void Worker::finish() {
  const TimePoint now = steady_now();
  while (in_flight_.size() > 0) {
    const std::uint32_t index = in_flight_.oldest();
    Connection& one = connections_[index];
    in_flight_.remove(index);
    count_error({one.request.intended, one.request.number}, &one, ErrorKind::unfinished,
                "still in flight when the run was stopped", now);
  }
  drop_backlog(now);
  batch_.idle_open = count_ready();
  batch_.ended = now;
  batch_.counted_until = std::max(last_answer_, std::min(plan_.end, stopped_at_.value_or(now)));
  batch_.error_examples = std::move(error_examples_);
  publish(now, true);
}

bool Worker::may_start(TimePoint intended) const {
  return !stopped_at_ && intended < plan_.end && (intended < plan_.warm_until || quota_ > 0);
}

std::uint64_t Worker::next_number(TimePoint intended) {
  if (intended >= plan_.warm_until) --quota_;
  return numbered_++ * plan_.options.threads + index_ + 1;
}

void Worker::queue_due(TimePoint now) {
  while (arrivals_->next() <= now && may_start(arrivals_->next())) {
    const Due due{arrivals_->next(), next_number(arrivals_->next())};
    arrivals_->pop();
    if (backlog_.empty() && !(free_[0].empty() && free_[1].empty())) {
      Duration& longest = stats_for(due.intended).own_delay_max;
      longest = std::max(longest, now - due.intended);
    }
    if (backlog_.size() < backlog_limit_) {
      backlog_.push_back(due);
      serve_backlog(now);
    } else {
      count_error(due, nullptr, ErrorKind::unsent, "the backlog was full", now);
    }
  }
  if (!drain_until_ && !may_start(arrivals_->next())) drain_until_ = now + plan_.options.timeout;
}

void Worker::serve_backlog(TimePoint now) {
  while (!backlog_.empty() && !(free_[0].empty() && free_[1].empty())) {
    const std::uint32_t index = free_[0].empty() ? free_[1].back() : free_[0].back();
    const Due due = backlog_.front();
    backlog_.pop_front();
    leave_free(index);
    start_request(index, due, now);
  }
  if (drain_until_ && now >= *drain_until_) drop_backlog(now);
}

void Worker::drop_backlog(TimePoint now) {
  for (const Due& due : backlog_) {
    count_error(due, nullptr, ErrorKind::unsent, "no connection had become free when the run ended", now);
  }
  backlog_.clear();
}

void Worker::stop_now(TimePoint now) {
  stopped_at_ = now;
  paused_.clear();
  drop_backlog(now);
}

void Worker::wake_paused(TimePoint now) {
  while (!paused_.empty() && paused_.front().first <= now) {
    const std::uint32_t index = paused_.front().second;
    paused_.pop_front();
    next_request(index, now, false);
  }
}

void Worker::expire(TimePoint now) {
  while (in_flight_.size() > 0) {
    const std::uint32_t index = in_flight_.oldest();
    Connection& one = connections_[index];
    if (now < one.request.started + plan_.options.timeout) return;
    if (one.state == Connection::State::connecting) {
      fail(index, ErrorKind::connect,
           "connect to " + to_string(plan_.address) + ": not within " + format_duration(plan_.options.timeout), now);
      continue;
    }
    // The socket is asked before the peer is blamed: the loop may be late itself.
    const std::uint64_t number = one.request.number;
    receive(index, false);
    if (one.state == Connection::State::busy && one.request.number == number) {
      fail(index, ErrorKind::timeout, "no whole answer within " + format_duration(plan_.options.timeout), now);
    }
  }
}

void Worker::start_request(std::uint32_t index, Due due, TimePoint now) {
  Connection& one = connections_[index];
  one.request = {due.number, due.intended, now, {}, {}};
  one.sent_bytes = 0;
  one.reader.start();
  in_flight_.push(index);
  if (one.state == Connection::State::ready) {
    one.state = Connection::State::busy;
    send_request(index);
  } else {
    open_socket(index, now);
  }
}

void Worker::next_request(std::uint32_t index, TimePoint now, bool pause) {
  switch (mode_) {
    case Mode::closed:
      if (pause) {
        if (!stopped_at_) paused_.emplace_back(now + kPause, index);
      } else if (may_start(now)) {
        start_request(index, {now, next_number(now)}, now);
      }
      return;
    case Mode::open:
      // The loop comes to serve_backlog soon; an answered connection goes on at once.
      put_free(index);
      if (connections_[index].state == Connection::State::ready) serve_backlog(now);
      return;
    case Mode::idle:
      ++idle_tried_;
      return;
  }
}

void Worker::open_idle(TimePoint now) {
  const std::size_t at_once = std::max<std::size_t>(1, kIdleAtOnce / plan_.options.threads);
  while (idle_next_ < connections_.size() && idle_next_ - idle_tried_ < at_once && may_start(now)) {
    start_request(static_cast<std::uint32_t>(idle_next_++), {now, next_number(now)}, now);
  }
  if (idle_told_ || idle_tried_ < connections_.size()) return;
  idle_told_ = true;
  batch_.idle_tried = true;
  batch_.idle_open = count_ready();
  publish(now, false);
}

std::size_t Worker::count_ready() const {
  return static_cast<std::size_t>(std::count_if(connections_.begin(), connections_.end(), [](const Connection& one) {
    return one.state == Connection::State::ready;
  }));
}

void Worker::put_free(std::uint32_t index) {
  Connection& one = connections_[index];
  std::vector<std::uint32_t>& stack = free_[one.state == Connection::State::ready ? 0 : 1];
  one.slot = static_cast<std::uint32_t>(stack.size());
  stack.push_back(index);
}

void Worker::leave_free(std::uint32_t index) {
  Connection& one = connections_[index];
  std::vector<std::uint32_t>& stack = free_[one.state == Connection::State::ready ? 0 : 1];
  QUOLL_ASSERT(one.slot < stack.size() && stack[one.slot] == index);
  stack[one.slot] = stack.back();
  connections_[stack.back()].slot = one.slot;
  stack.pop_back();
  one.slot = kNone;
}

void Worker::count_answer(Connection& one, TimePoint now) {
  Stats& stats = stats_for(one.request.intended);
  stats.latency.record(now - one.request.intended);
  ++stats.status[one.reader.status()];
  ++stats.fallback[static_cast<std::size_t>(one.reader.fallback())];
  last_answer_ = now;
  if (plan_.options.request_log.empty()) return;
  batch_.rows.push_back({one.request.number,
                         one.serial,
                         one.request.intended,
                         one.request.sent,
                         one.request.first_byte,
                         now,
                         one.reader.status(),
                         one.reader.fallback(),
                         {}});
}

void Worker::count_error(const Due& due, const Connection* one, ErrorKind kind, std::string_view detail,
                         TimePoint now) {
  const auto at = static_cast<std::size_t>(kind);
  ++stats_for(due.intended).errors[at];
  if (error_examples_[at].empty()) error_examples_[at] = detail;
  if (plan_.options.request_log.empty()) return;
  LogRow row{due.number, 0, due.intended, {}, {}, now, 0, Fallback::none, kind};
  if (one != nullptr) {
    row.connection = one->serial;
    row.sent = one->request.sent;
    row.first_byte = one->request.first_byte;
  }
  batch_.rows.push_back(row);
}

void Worker::publish(TimePoint now, bool last) {
  const auto tick = static_cast<std::uint64_t>((now - plan_.start) / kTick);
  batch_.tick = tick_;
  batch_.next_tick = tick;
  batch_.last = last;
  tick_ = tick;
  Batch fresh;
  fresh.worker = index_;
  plan_.mailbox.put(std::exchange(batch_, std::move(fresh)));
}

}  // namespace quoll::lab::loadgen
