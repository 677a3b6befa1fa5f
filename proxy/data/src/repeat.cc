#include "repeat.h"

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

bool idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" || method == "OPTIONS" ||
         method == "TRACE";
}

core::AttemptInfo attempt_info(const Session& s, const UpstreamCall& attempt, bool answered) {
  const http::ResponseHead& answer = s.exchange.response;
  core::AttemptInfo info;
  info.never_sent = attempt.never_sent();
  if (answered) info.retry_after = retry_after(answer);
  info.last =
      s.worker.draining || s.exchange.request.framing != http::Framing::none || (answered && !curable(answer.status));
  return info;
}

net::Task<void> pause(Session& s, Duration length) {
  boost::asio::steady_timer::rebind_executor<net::Executor>::other timer(s.worker.worker.executor());
  timer.expires_after(length);
  co_await timer.async_wait(net::kAwait);
}

}  // namespace quoll::proxy
