// Attempts: from a request to the backend and back, through core's pipeline.

#include <utility>

#include "world.h"

namespace quoll::sim {

void World::make_policies() {
  const Policies& p = policies_;
  if (p.breaker.on) {
    const std::size_t count = p.breaker_per_endpoint ? model_.backend.endpoints : 1;
    for (std::size_t i = 0; i < count; ++i) {
      auto made = core::Breaker::create(p.breaker.options, splitmix64(seed_ ^ (100 + i)), std::to_string(i));
      QUOLL_ASSERT(made.has_value());
      breakers_.push_back(std::move(*made));
    }
    trials_.resize(count);
  }
  if (p.adaptive_timeout.on) adaptive_ = std::make_unique<core::AdaptiveTimeout>(p.adaptive_timeout.options);
  if (p.concurrency_limit.on) limit_ = std::make_unique<core::ConcurrencyLimit>(p.concurrency_limit.options);
  if (p.retry_budget.on) {
    budget_ = std::make_unique<core::RetryBudget>(p.retry_budget.options);
    bound_.emplace(p.retry_budget.options);
  }
  if (p.retry.on) retry_ = std::make_unique<core::RetryPolicy>(p.retry.options, budget_.get(), splitmix64(seed_ ^ 6U));
  if (p.throttle.on) throttle_ = std::make_unique<core::Throttle>(p.throttle.options, splitmix64(seed_ ^ 7U));
  if (p.hedging.on) hedging_ = std::make_unique<core::Hedging>(p.hedging.options);
  if (p.outlier.on) outlier_ = std::make_unique<core::OutlierEjection>(p.outlier.options, model_.backend.endpoints);
  if (p.admission_control.on) admission_ = std::make_unique<core::AdmissionControl>(p.admission_control.options);
  if (p.admission_queue.on) queue_ = std::make_unique<core::AdmissionQueue>(p.admission_queue.options);
  for (unsigned endpoint = 0; endpoint < model_.backend.endpoints; ++endpoint) {
    pipelines_.push_back({.retry = retry_.get(),
                          .concurrency = limit_.get(),
                          .breaker = breakers_.empty() ? nullptr : &breakers_[breaker_of(endpoint)],
                          .throttle = throttle_.get(),
                          .timeout = adaptive_.get(),
                          .fixed_timeout = p.timeout});
  }
}

// The first attempt. With a breaker for each endpoint, one that refuses sends the request on to the next.
void World::begin(std::uint32_t slot) {
  Request& request = requests_[slot];
  request.attempt.endpoint = pick_endpoint();
  core::Step step;
  for (unsigned tried = 0; tried < model_.backend.endpoints; ++tried) {
    if (tried != 0) request.attempt.endpoint = (request.attempt.endpoint + 1) % model_.backend.endpoints;
    request.call.emplace(pipelines_[request.attempt.endpoint], core::CallInfo{});
    if (bound_) bound_->deposit();
    step = request.call->start(now_);
    const bool refused = step.next == core::Next::done && request.call->error().refused_by == core::RefusedBy::breaker;
    if (!refused || !policies_.breaker_per_endpoint) break;
    note(breaker_of(request.attempt.endpoint), request.call->take_transition());
  }
  proceed(slot, step);
}

// Does what the pipeline says.
void World::proceed(std::uint32_t slot, const core::Step& step) {
  Request& request = requests_[slot];
  note(breaker_of(request.attempt.endpoint), request.call->take_transition());
  switch (step.next) {
    case core::Next::send:
      send(slot, step.timeout);
      break;
    case core::Next::wait:
      if (bound_) bound_->withdraw(now_);
      ++counts().retries;
      events_.push(now_ + step.wait, EventKind::retry, slot, request.id);
      break;
    case core::Next::done: {
      const bool refused = request.call->error().refused_by != core::RefusedBy::nobody;
      const End end = request.call->succeeded() ? End::good : refused ? End::refused : End::failed;
      if (happens(Fault::overspend_budget) && request.call->not_retried() == core::RetryRefusal::no_budget) {
        bound_->withdraw(now_);
        request.call.emplace(pipelines_[request.attempt.endpoint], core::CallInfo{});
        events_.push(now_, EventKind::retry, slot, request.id);
        return;
      }
      finish_request(slot, end);
      break;
    }
  }
}

void World::send(std::uint32_t slot, Duration timeout) {
  Request& request = requests_[slot];
  const unsigned endpoint = request.attempt.endpoint;
  request.attempt = {};
  Attempt& attempt = request.attempt;
  attempt.id = ++serial_;
  attempt.endpoint = endpoint;
  attempt.trial = request.call->trial();
  attempt.sent_at = now_;
  ++holding_;
  if (attempt.trial) {
    const std::size_t breaker = breaker_of(endpoint);
    attempt.generation = breakers_[breaker].generation();
    trials_[breaker] += happens(Fault::extra_trial) ? 2 : 1;
  }
  if (timeout != Duration::max()) {
    attempt.deadline = now_ + timeout;
    events_.push(attempt.deadline, EventKind::deadline, slot, attempt.id);
    if (!attempt.trial) recorder_.saw_timeout(timeout);
  } else {
    attempt.deadline = TimePoint::max();
  }
  send_job(slot, endpoint);
  if (hedging_) {
    const Duration delay = hedging_->start();
    if (timeout > delay) events_.push(now_ + delay, EventKind::hedge, slot, attempt.id);
  }
}

void World::send_job(std::uint32_t slot, unsigned endpoint) {
  std::uint32_t job = 0;
  if (free_jobs_.empty()) {
    job = static_cast<std::uint32_t>(jobs_.size());
    jobs_.emplace_back();
  } else {
    job = free_jobs_.back();
    free_jobs_.pop_back();
  }
  jobs_[job] = {.slot = slot, .attempt = requests_[slot].attempt.id, .endpoint = endpoint, .sent_at = now_};
  ++counts().attempts;
  if (endpoint == 0) ++counts().bad_endpoint;
  events_.push(now_ + travel(), EventKind::sent, job);
}

void World::hedge(std::uint32_t slot) {
  Attempt& attempt = requests_[slot].attempt;
  if (attempt.hedged || attempt.arrived_at) return;
  if (hedging_->try_hedge(1, now_) != core::HedgeRefusal::none) return;
  attempt.hedged = true;
  attempt.hedge_sent_at = now_;
  ++counts().hedges;
  // Another one, where there is another.
  send_job(slot, (attempt.endpoint + 1) % model_.backend.endpoints);
}

void World::on_sent(std::uint32_t job) {
  const Job& sent = jobs_[job];
  const Backend::Answer answer = backend_.arrive(job, sent.endpoint);
  switch (answer.taken) {
    case Backend::Taken::started:
      events_.push(now_ + answer.service, EventKind::served, job);
      break;
    case Backend::Taken::queued:
      break;
    case Backend::Taken::full:
      ++counts().backend_full;
      events_.push(now_ + travel(), EventKind::answered, job);
      break;
    case Backend::Taken::down:
      events_.push(now_ + travel(), EventKind::answered, job);
      break;
    case Backend::Taken::swallowed:
      if (live(sent.slot, sent.attempt)) requests_[sent.slot].attempt.swallowed = true;
      free_jobs_.push_back(job);
      break;
  }
}

void World::on_served(std::uint32_t job) {
  const unsigned endpoint = jobs_[job].endpoint;
  jobs_[job].good = backend_.draw_good(endpoint);
  events_.push(now_ + travel(), EventKind::answered, job);
  if (const auto next = backend_.finish(endpoint)) events_.push(now_ + next->service, EventKind::served, next->job);
}

void World::on_answered(std::uint32_t job) {
  const Job answered = jobs_[job];
  free_jobs_.push_back(job);
  if (!live(answered.slot, answered.attempt) || requests_[answered.slot].attempt.arrived_at) {
    ++counts().wasted;
    return;
  }
  Attempt& attempt = requests_[answered.slot].attempt;
  attempt.arrived_at = now_;
  attempt.good = answered.good;
  attempt.answer_sent_at = answered.sent_at;
  cpu_.submit({.kind = Work::Kind::answer, .slot = answered.slot, .tag = answered.attempt});
}

// This process looks at an attempt, because something was read or its time is over.
void World::look(std::uint32_t slot) {
  const Attempt& attempt = requests_[slot].attempt;
  core::Attempt judged{.sent_at = attempt.arrived_at ? attempt.answer_sent_at : attempt.sent_at,
                       .deadline = attempt.deadline,
                       .arrived_at = attempt.arrived_at,
                       .judged_at = now_,
                       .stamped = true};
  if (attempt.arrived_at) judged.answer = attempt.good ? core::Answer::good : core::Answer::bad;
  const core::Judgement judgement =
      policies_.verdict == VerdictBy::arrival ? core::judge(judged) : core::judge_by_timer(judged);
  Counts& counted = counts();
  if (judgement.rescued) ++counted.rescued;
  if (judgement.verdict == core::Verdict::timeout) {
    ++counted.timeouts;
    if (attempt.arrived_at && *attempt.arrived_at <= attempt.deadline) ++counted.false_timeouts;
    if (attempt.swallowed && !attempt.arrived_at) {
      if (notes_.first_hang_wait == Duration::zero()) notes_.first_hang_wait = now_ - attempt.sent_at;
      ++counted.hangs;
      counted.hang_wait += now_ - attempt.sent_at;
    }
  }
  end_attempt(slot, core::to_sample(judgement));
}

void World::end_attempt(std::uint32_t slot, const core::Sample& sample) {
  Request& request = requests_[slot];
  const Attempt attempt = request.attempt;
  if (happens(Fault::leak_permit) && attempt.id % 1000 == 0) {
    leaked_.push_back(std::move(*request.call));
    request.call.reset();
    --holding_;
    finish_request(slot, End::failed);
    return;
  }
  const std::size_t breaker = breaker_of(attempt.endpoint);
  if (attempt.trial && attempt.generation == breakers_[breaker].generation()) --trials_[breaker];
  --holding_;
  learn(attempt, sample);
  request.attempt.id = 0;
  proceed(slot, request.call->finish(sample, now_));
}

// The policies that are not in the pipeline.
void World::learn(const Attempt& attempt, const core::Sample& sample) {
  if (outlier_) {
    if (const auto ejection = outlier_->record(attempt.endpoint, sample, now_)) {
      notes_.ejections.push_back(
          {since_start(now_), static_cast<unsigned>(ejection->endpoint), ejection->out_for, core::explain(*ejection)});
    }
  }
  if (!hedging_) return;
  hedging_->record(sample);
  if (!attempt.hedged) return;
  const bool hedge_won = attempt.arrived_at && attempt.answer_sent_at == attempt.hedge_sent_at;
  const TimePoint loser = hedge_won ? attempt.sent_at : attempt.hedge_sent_at;
  hedging_->record(
      {.outcome = sample.outcome == core::Outcome::timeout ? core::Outcome::timeout : core::Outcome::cancelled,
       .upstream = now_ - loser});
}

void World::note(std::size_t breaker, const std::optional<core::Transition>& transition) {
  if (breakers_.empty()) return;
  touched_ = breaker;
  if (!transition) return;
  trials_[breaker] = 0;  // a new generation
  if (transition->to == core::State::open) ++notes_.opened;
  if (notes_.states.size() >= RunResult::kMaxStates) return;
  notes_.states.push_back({.at = since_start(now_),
                           .endpoint = policies_.breaker_per_endpoint ? static_cast<int>(breaker) : -1,
                           .from = transition->from,
                           .to = transition->to,
                           .text = core::explain(*transition)});
}

unsigned World::pick_endpoint() {
  const unsigned endpoints = model_.backend.endpoints;
  if (endpoints == 1) return 0;
  if (outlier_) {
    double sum = 0;
    for (unsigned i = 0; i < endpoints; ++i) sum += outlier_->weight(i, now_);
    double at = picks_.uniform() * sum;
    for (unsigned i = 0; i < endpoints && sum > 0; ++i) {
      const double weight = outlier_->weight(i, now_);
      if (weight > 0 && at < weight) return i;
      at -= weight;
    }
  }
  return static_cast<unsigned>(picks_.uniform_int(0, endpoints - 1));
}

}  // namespace quoll::sim
