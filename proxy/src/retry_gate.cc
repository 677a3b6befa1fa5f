#include "retry_gate.h"

#include <boost/asio/steady_timer.hpp>
#include <charconv>

#include "quoll/http/fields.h"

namespace quoll::proxy {
namespace {

// Retry-After in seconds. A date is as good as a wait too long: it is not for pauses between attempts.
std::optional<Duration> retry_after(const http::ResponseHead& head) {
  for (const http::Field& field : head.fields) {
    if (!http::iequals(field.name, "retry-after")) continue;
    unsigned seconds = 0;
    const auto [end, error] = std::from_chars(field.value.data(), field.value.data() + field.value.size(), seconds);
    const bool whole = error == std::errc() && end == field.value.data() + field.value.size();
    return whole ? std::chrono::seconds(seconds) : Duration(std::chrono::hours(24));
  }
  return std::nullopt;
}

// A repeat cannot cure what the upstream cannot do at all.
bool curable(unsigned status) {
  return status != 501 && status != 505;
}

}  // namespace

std::optional<Duration> pause_before_retry(Session& s, const UpstreamCall& attempt, bool answered, bool trial,
                                           unsigned attempts, const core::Deadline& deadline, TimePoint now) {
  CallPolicies& policies = s.route.circuit.policies();
  if (policies.options().retries == 0 || trial || s.worker.draining) return std::nullopt;
  const http::RequestHead& request = s.exchange.request;
  const core::Outcome outcome = attempt.sample().outcome;
  const bool upstreams = outcome != core::Outcome::cancelled && outcome != core::Outcome::ignored;
  if (request.framing != http::Framing::none || !upstreams) return std::nullopt;
  if (answered && !curable(s.exchange.response.status)) return std::nullopt;
  core::FailedAttempt failed{
      .attempts = attempts, .idempotent = idempotent(request.method), .never_sent = attempt.never_sent()};
  if (answered) failed.retry_after = retry_after(s.exchange.response);
  if (!deadline.unlimited()) failed.remaining = deadline.remaining(now);
  const core::RetryDecision decision = s.worker.retries[s.route.index].decide(failed, now);
  if (decision) return decision.wait;
  policies.count_refused_retry(*decision.refusal, s.worker.shard);
  return std::nullopt;
}

net::Task<void> rest(Session& s, Duration pause) {
  boost::asio::steady_timer::rebind_executor<net::Executor>::other timer(s.worker.worker.executor());
  timer.expires_after(pause);
  co_await timer.async_wait(net::kAwait);
}

}  // namespace quoll::proxy
