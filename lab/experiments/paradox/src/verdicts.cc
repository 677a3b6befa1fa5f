#include "quoll/lab/paradox/verdicts.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "quoll/lab/harness/text.h"

namespace quoll::lab::paradox {

using harness::cut_front;
using harness::LoggedCall;
using harness::Spread;
using harness::spread_of;

namespace {

namespace json = boost::json;

TimePoint at_nanos(std::int64_t nanos) {
  return TimePoint(Duration(nanos));
}

std::optional<TimePoint> time_of(const json::object& object, const char* key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_int64()) return std::nullopt;
  return at_nanos(value->get_int64());
}

Said said_of(const LoggedCall& call, bool reached_backend) {
  if (call.status == 0) return Said::lost;
  if (call.status == 504) return Said::timeout;
  if (call.status == 503 && !reached_backend) return Said::rejected;
  return call.status < 500 ? Said::good : Said::failed;
}

Fact fact_of(const Truth& truth, TimePoint deadline, Duration band) {
  if (truth.answered && *truth.answered <= deadline - band) return Fact::in_time;
  if (!truth.answered || (truth.sending && *truth.sending >= deadline + band)) return Fact::late;
  return Fact::close;
}

// The record of the attempt that the caller's answer is about: the last one, when it tried again.
const Truth* last_before(const Truths& truths, const std::string& id, TimePoint done) {
  const Truth* last = nullptr;
  const auto [first, end] = truths.equal_range(id);
  for (auto it = first; it != end; ++it) {
    if (it->second.received <= done && (last == nullptr || it->second.received > last->received)) last = &it->second;
  }
  return last;
}

bool counts_in_window(const Call& call) {
  return call.said == Said::good || call.said == Said::timeout || call.said == Said::failed;
}

}  // namespace

Result<Truths> parse_truth(std::string_view ndjson) {
  Truths truths;
  while (!ndjson.empty()) {
    const std::string_view line = cut_front(ndjson, '\n');
    if (line.empty()) continue;
    json::error_code error;
    const json::value value = json::parse({line.data(), line.size()}, error);
    const json::object* object = error ? nullptr : value.if_object();
    const json::value* id = object == nullptr ? nullptr : object->if_contains("id");
    const auto received = object == nullptr ? std::nullopt : time_of(*object, "received_ns");
    if (id == nullptr || !id->is_string() || !received) {
      return Error{"not a line of ground truth: '" + std::string(line.substr(0, 200)) + "'", "json"};
    }
    const json::value* status = object->if_contains("status");
    const auto code = status != nullptr && status->is_int64() ? status->get_int64() : 0;
    truths.emplace(std::string(id->get_string()), Truth{*received, time_of(*object, "sending_ns"),
                                                        time_of(*object, "answered_ns"), static_cast<unsigned>(code)});
  }
  return truths;
}

std::vector<Call> join(const std::vector<LoggedCall>& log, const Truths& truths, Duration deadline, Duration band) {
  std::vector<Call> calls;
  calls.reserve(log.size());
  for (const LoggedCall& logged : log) {
    if (!logged.sent || !logged.done || logged.error == "unfinished") continue;
    const Truth* truth = last_before(truths, logged.id, *logged.done);
    Call call;
    call.sent = *logged.sent;
    call.done = *logged.done;
    call.said = said_of(logged, truth != nullptr);
    if (truth != nullptr) {
      call.received = truth->received;
      call.backend_failed = truth->status >= 500;
      call.fact = fact_of(*truth, truth->received + deadline, band);
      call.early = call.said == Said::timeout && call.done < truth->received + deadline - band;
    }
    call.false_timeout =
        call.said == Said::timeout && (call.fact == Fact::in_time || call.fact == Fact::never_sent || call.early);
    call.missed = call.said == Said::good && call.fact == Fact::late;
    if (call.missed && truth->sending) call.missed_by = *truth->sending - truth->received - deadline;
    calls.push_back(call);
  }
  std::stable_sort(calls.begin(), calls.end(), [](const Call& a, const Call& b) { return a.done < b.done; });
  return calls;
}

void judge_openings(std::vector<Transition>& transitions, const std::vector<Call>& calls, Duration window,
                    double threshold, const std::optional<Span>& outage) {
  TimePoint epoch = TimePoint::min();  // the window starts anew with every change of state
  for (Transition& transition : transitions) {
    if (transition.to == "open") {
      const TimePoint from = std::max(epoch, transition.at - window);
      std::uint64_t total = 0;
      std::uint64_t failures = 0;
      std::uint64_t wrong = 0;
      for (const Call& call : calls) {
        // The client hears of a verdict a little later than the breaker.
        if (call.done <= from || call.done > transition.at + kGuardBand || !counts_in_window(call)) continue;
        ++total;
        failures += call.said == Said::good ? 0 : 1;
        wrong += call.false_timeout ? 1 : 0;
      }
      const double share = total == 0 ? 0 : static_cast<double>(failures - wrong) / static_cast<double>(total);
      const bool within = outage && transition.at >= outage->from && transition.at <= outage->to;
      transition.false_open = wrong > 0 && share < threshold && !within;
    }
    epoch = transition.at;
  }
}

double Summary::false_share() const {
  const std::uint64_t base = in_time + never_sent;
  return base == 0 ? 0 : static_cast<double>(false_timeouts) / static_cast<double>(base);
}

namespace {

void count(Summary& out, const Call& call) {
  ++out.calls;
  switch (call.said) {
    case Said::good:
      ++out.good;
      break;
    case Said::timeout:
      ++out.timeouts;
      break;
    case Said::rejected:
      ++out.rejected;
      break;
    case Said::failed:
      ++out.failed;
      break;
    case Said::lost:
      ++out.lost;
      break;
  }
  out.in_time += call.fact == Fact::in_time ? 1 : 0;
  out.late += call.fact == Fact::late ? 1 : 0;
  out.close += call.fact == Fact::close ? 1 : 0;
  out.false_timeouts += call.false_timeout ? 1 : 0;
  out.early_timeouts += call.early ? 1 : 0;
  out.never_sent += call.said == Said::timeout && call.fact == Fact::never_sent ? 1 : 0;
  out.missed += call.missed ? 1 : 0;
  out.missed_by = std::max(out.missed_by, call.missed_by);
  out.false_failures += call.said == Said::failed && call.fact == Fact::in_time && !call.backend_failed ? 1 : 0;
}

void count_openings(Summary& out, const std::vector<Transition>& transitions, const std::optional<Span>& outage) {
  for (const Transition& transition : transitions) {
    if (transition.to == "open") {
      ++out.opens;
      out.false_opens += transition.false_open ? 1 : 0;
      const bool within = outage && transition.at >= outage->from && transition.at <= outage->to;
      if (within && !out.time_to_open) out.time_to_open = transition.at - outage->from;
    } else if (transition.to == "closed") {
      ++out.closes;
      if (outage && transition.at > outage->to && !out.time_to_close) out.time_to_close = transition.at - outage->to;
    }
  }
}

}  // namespace

Summary summarise(const std::vector<Call>& calls, const std::vector<Transition>& transitions, Duration deadline,
                  const std::optional<Span>& outage) {
  Summary out;
  std::vector<Duration> latencies;
  std::vector<Duration> late;
  std::vector<Duration> late_of_caller;
  TimePoint first = TimePoint::max();
  TimePoint last = TimePoint::min();
  for (const Call& call : calls) {
    count(out, call);
    first = std::min(first, call.sent);
    last = std::max(last, call.done);
    if (call.said != Said::lost) latencies.push_back(call.done - call.sent);
    if (call.said == Said::timeout && call.fact == Fact::late && !call.early) {
      late.push_back(call.done - call.sent - deadline);
      late_of_caller.push_back(call.done - *call.received - deadline);
    }
  }
  if (last > first) {
    out.length = last - first;
    out.goodput = static_cast<double>(out.good - out.missed) / to_seconds(out.length);
  }
  out.latency = spread_of(std::move(latencies));
  out.lateness = spread_of(std::move(late));
  out.lateness_of_caller = spread_of(std::move(late_of_caller));
  count_openings(out, transitions, outage);
  return out;
}

}  // namespace quoll::lab::paradox
