#include "world.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace quoll::sim {

namespace {

// Zero is "never" to some policies.
constexpr TimePoint kStart = TimePoint(std::chrono::hours(1));
constexpr Duration kTick = std::chrono::milliseconds(100);

}  // namespace

const char* to_string(EventKind kind) {
  static constexpr std::array<const char*, kEventKinds> kNames = {"arrival", "give_up", "cpu_done", "stall",
                                                                  "sent",    "served",  "answered", "deadline",
                                                                  "retry",   "hedge",   "change",   "tick"};
  return kNames[static_cast<std::size_t>(kind)];
}

const char* to_string(End end) {
  static constexpr std::array<const char*, kEnds> kNames = {"good", "failed", "refused", "gave_up"};
  return kNames[static_cast<std::size_t>(end)];
}

Result<Fault> parse_fault(std::string_view text) {
  static constexpr std::array<std::pair<const char*, Fault>, 7> kFaults = {
      {{"none", Fault::none},
       {"leak_permit", Fault::leak_permit},
       {"end_twice", Fault::end_twice},
       {"lose_request", Fault::lose_request},
       {"overspend_budget", Fault::overspend_budget},
       {"extra_trial", Fault::extra_trial},
       {"turn_back", Fault::turn_back}}};
  std::string known;
  for (const auto& [name, fault] : kFaults) {
    if (text == name) return fault;
    known += known.empty() ? name : std::string(", ") + name;
  }
  return Error{fmt::format("no fault '{}'; there are: {}", text, known), "usage"};
}

World::World(const Config& config, const Plan& plan, std::uint64_t seed, Fault fault)
    : model_(config.model),
      policies_(config.policies),
      plan_(plan),
      seed_(seed),
      fault_(fault),
      start_(kStart),
      end_(kStart + plan.phases.back().to),
      now_(kStart),
      hash_(splitmix64(seed)),
      recorder_(plan, kStart),
      // Streams of their own, so that set-ups under one seed meet the same arrivals and stalls.
      arrivals_(splitmix64(seed ^ 1U)),
      net_(splitmix64(seed ^ 2U)),
      stalls_(splitmix64(seed ^ 3U)),
      picks_(splitmix64(seed ^ 4U)),
      backend_(config.model.backend, splitmix64(seed ^ 5U)) {
  make_policies();
}

void World::prepare() {
  for (std::size_t i = 0; i < plan_.changes.size(); ++i) {
    events_.push(start_ + plan_.changes[i].at, EventKind::change, static_cast<std::uint32_t>(i));
  }
  events_.push(start_ + kTick, EventKind::tick);
  if (model_.client.clients == 0) {
    schedule_arrival(0, 1 / model_.client.rate);
  } else {
    for (std::uint32_t i = 0; i < model_.client.clients; ++i) schedule_arrival(i, to_seconds(model_.client.think));
  }
}

Result<RunResult> World::run() {
  prepare();
  while (!events_.empty()) {
    const Event event = events_.pop();
    const bool backwards = event.at < now_;
    while (recorder_.due(event.at)) recorder_.close(gauges());
    now_ = event.at;
    ++handled_;
    mix(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
    mix(static_cast<std::uint64_t>(event.kind) << 56U ^ static_cast<std::uint64_t>(event.subject) << 32U ^ event.tag);
    dispatch(event);
    pump_cpu();
    std::optional<std::string> what = broken(facts());
    if (backwards) what = "time: it went back";
    if (what) {
      return Error{
          fmt::format("invariant broken at {:.6f} s, event {} ({} {}), seed {}: {}", to_seconds(since_start(now_)),
                      handled_, to_string(event.kind), event.subject, seed_, *what),
          "invariant"};
    }
  }
  while (recorder_.due(end_)) recorder_.close(gauges());
  return result();
}

void World::dispatch(const Event& event) {
  switch (event.kind) {
    case EventKind::arrival:
      on_arrival(event);
      break;
    case EventKind::give_up:
      if (requests_[event.subject].id == event.tag && requests_[event.subject].waiting) {
        end_client(event.subject, End::gave_up);
      }
      break;
    case EventKind::cpu_done:
      carry_out(cpu_.release());
      break;
    case EventKind::stall:
      on_stall(event);
      break;
    case EventKind::sent:
      on_sent(event.subject);
      break;
    case EventKind::served:
      on_served(event.subject);
      break;
    case EventKind::answered:
      on_answered(event.subject);
      break;
    case EventKind::deadline:
      if (live(event.subject, event.tag)) {
        cpu_.submit({.kind = Work::Kind::timer, .slot = event.subject, .tag = event.tag});
      }
      break;
    case EventKind::retry:
      cpu_.submit({.kind = Work::Kind::retry, .slot = event.subject, .tag = event.tag});
      break;
    case EventKind::hedge:
      if (live(event.subject, event.tag)) {
        cpu_.submit({.kind = Work::Kind::hedge, .slot = event.subject, .tag = event.tag});
      }
      break;
    case EventKind::change:
      on_change(plan_.changes[event.subject]);
      break;
    case EventKind::tick:
      on_tick();
      break;
  }
}

void World::schedule_arrival(std::uint32_t client, double mean_seconds) {
  const TimePoint at = now_ + Duration(static_cast<Duration::rep>(arrivals_.exponential(mean_seconds) * 1e9));
  if (at < end_) events_.push(at, EventKind::arrival, client, rate_epoch_);
}

void World::on_arrival(const Event& event) {
  const bool open_loop = model_.client.clients == 0;
  if (open_loop && event.tag != rate_epoch_) return;  // drawn for a rate that no longer holds
  if (open_loop) schedule_arrival(0, 1 / (model_.client.rate * rate_factor_));
  const std::uint32_t slot = new_request(event.subject);
  events_.push(now_ + model_.client.patience, EventKind::give_up, slot, requests_[slot].id);
  cpu_.submit({.kind = Work::Kind::take_on, .slot = slot, .tag = requests_[slot].id});
}

std::uint32_t World::new_request(std::uint32_t client) {
  std::uint32_t slot = 0;
  if (free_requests_.empty()) {
    slot = static_cast<std::uint32_t>(requests_.size());
    requests_.emplace_back();
  } else {
    slot = free_requests_.back();
    free_requests_.pop_back();
  }
  Request& request = requests_[slot];
  request.id = ++serial_;
  request.client = client;
  request.waiting = true;
  request.in_service = false;
  request.arrived_at = now_;
  request.attempt = {};
  ++arrived_;
  ++waiting_;
  ++in_process_;
  ++counts().arrived;
  notes_.most_in_process = std::max(notes_.most_in_process, in_process_);
  return slot;
}

// The client's part of a request is over: it has an answer or has left.
void World::end_client(std::uint32_t slot, End end) {
  Request& request = requests_[slot];
  if (!request.waiting) {
    ++ended_twice_;
    return;
  }
  request.waiting = false;
  --waiting_;
  if (happens(Fault::lose_request) && request.id % 1000 == 0) return;
  ++ended_;
  ++counts().ended[static_cast<std::size_t>(end)];
  mix(static_cast<std::uint64_t>(request.id) << 8U | static_cast<std::uint64_t>(end));
  if (end == End::good) recorder_.good(now_ - request.arrived_at);
  if (model_.client.clients != 0) schedule_arrival(request.client, to_seconds(model_.client.think));
}

// This process's part is over, whether or not somebody still waits for it.
void World::finish_request(std::uint32_t slot, End end) {
  Request& request = requests_[slot];
  if (request.waiting) {
    end_client(slot, end);
    if (happens(Fault::end_twice) && request.id % 1000 == 0) end_client(slot, end);
  }
  if (request.in_service) --in_service_;
  request.in_service = false;
  request.id = 0;
  request.call.reset();
  request.attempt = {};
  --in_process_;
  free_requests_.push_back(slot);
  pump_queue();
}

void World::on_change(const Change& change) {
  switch (change.what) {
    case Change::What::rate:
      rate_factor_ = change.value;
      // Memoryless: what was drawn may be drawn again.
      ++rate_epoch_;
      if (model_.client.clients == 0 && rate_factor_ > 0) schedule_arrival(0, 1 / (model_.client.rate * rate_factor_));
      break;
    case Change::What::service:
      backend_.set_service_factor(change.endpoint, change.value);
      break;
    case Change::What::errors:
      backend_.set_error_rate(change.endpoint, change.value);
      break;
    case Change::What::hang:
      backend_.set_hang(change.endpoint, change.value != 0);
      break;
    case Change::What::down:
      backend_.set_down(change.endpoint, change.value != 0);
      break;
    case Change::What::stalls:
      ++stall_epoch_;
      if (change.value != 0) {
        const auto& every = model_.process.stall_every;
        events_.push(now_ + stalls_.uniform(every.low, every.high), EventKind::stall, 0, stall_epoch_);
      }
      break;
  }
}

void World::on_stall(const Event& event) {
  if (event.tag != stall_epoch_ || now_ >= end_) return;
  const auto& [stall, every] = std::tie(model_.process.stall, model_.process.stall_every);
  const Duration length = stalls_.uniform(stall.low, stall.high);
  cpu_.submit({.kind = Work::Kind::stall, .length = length});
  events_.push(now_ + length + stalls_.uniform(every.low, every.high), EventKind::stall, 0, stall_epoch_);
}

void World::on_tick() {
  for (std::size_t i = 0; i < breakers_.size(); ++i) {
    touched_ = i;
    note(i, breakers_[i].poll(now_));
  }
  if (outlier_) {
    for (const core::Ejection& ejection : outlier_->poll(now_)) {
      notes_.ejections.push_back(
          {since_start(now_), static_cast<unsigned>(ejection.endpoint), ejection.out_for, core::explain(ejection)});
    }
  }
  if (happens(Fault::turn_back)) events_.push(now_ - kTick / 2, EventKind::tick);
  if (now_ + kTick < end_) events_.push(now_ + kTick, EventKind::tick);
}

Facts World::facts() {
  Facts facts{.arrived = arrived_, .ended = ended_, .waiting = waiting_, .ended_twice = ended_twice_};
  if (limit_) {
    facts.slots_in_use = limit_->in_flight();
    facts.slots_held = holding_;
  }
  if (touched_ && breakers_[*touched_].state() == core::State::half_open) {
    facts.half_open = true;
    facts.trials = trials_[*touched_];
    facts.trials_by_breaker = breakers_[*touched_].snapshot(now_).trials_in_flight;
    facts.trials_allowed = policies_.breaker.options.half_open_permits;
  }
  touched_.reset();
  if (bound_) facts.overspent = bound_->overspent();
  return facts;
}

Bucket World::gauges() const {
  Bucket bucket;
  bucket.in_backend = backend_.in_system();
  bucket.in_process = in_process_;
  bucket.timeout = adaptive_ ? adaptive_->timeout() : policies_.timeout;
  bucket.limit = limit_ ? limit_->limit() : 0;
  if (admission_) bucket.share = admission_->snapshot().share;
  if (throttle_) bucket.share = std::min(bucket.share, 1 - throttle_->probability());
  return bucket;
}

RunResult World::result() {
  RunResult result = std::move(notes_);
  recorder_.finish(result);
  result.seed = seed_;
  result.hash = hash_;
  result.events = handled_;
  return result;
}

Result<RunResult> run(const Config& config, const Plan& plan, std::uint64_t seed, Fault fault) {
  QUOLL_ASSERT(config.validate().empty() && !plan.phases.empty());
  return World(config, plan, seed, fault).run();
}

}  // namespace quoll::sim
