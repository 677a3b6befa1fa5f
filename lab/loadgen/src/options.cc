#include "quoll/lab/loadgen/options.h"

#include <fmt/format.h>

#include <algorithm>

#include "quoll/http/fields.h"
#include "target.h"

namespace quoll::lab::loadgen {

namespace {

using Faults = std::vector<std::string>;

template <typename T>
void check(Faults& faults, const char* name, T value, T low, T high) {
  if (value >= low && value <= high) return;
  faults.push_back(fmt::format("{} is {}; it must be between {} and {}", name, value, low, high));
}

void check(Faults& faults, const char* name, Duration value, Duration low, Duration high) {
  if (value >= low && value <= high) return;
  faults.push_back(fmt::format("{} is {}; it must be between {} and {}", name, format_duration(value),
                               format_duration(low), format_duration(high)));
}

void check_url(Faults& faults, const Options& options) {
  const Result<Target> target = parse_target(options.url);
  if (!target) {
    faults.push_back(target.error().message);
  } else if (!options.allow_remote && !names_loopback(target->host)) {
    faults.push_back(
        fmt::format("'{}' is not this machine; only 127.0.0.0/8, ::1 and localhost are loaded without --allow-remote",
                    target->host));
  }
}

void check_message(Faults& faults, const Options& options) {
  if (!http::is_token(options.method)) faults.push_back(fmt::format("method '{}' is not a token", options.method));
  if (options.method == "CONNECT") faults.push_back("method CONNECT opens a tunnel; there is no load to make with it");
  for (const Header& header : options.headers) {
    if (!http::is_token(header.name) || !http::is_field_value(header.value)) {
      faults.push_back(fmt::format("header '{}: {}' is malformed; expected 'Name: value' without control characters",
                                   header.name, header.value));
    }
    for (const char* ours : {"Content-Length", "Transfer-Encoding", "Connection"}) {
      if (http::iequals(header.name, ours)) {
        faults.push_back(fmt::format("header {} is set by the load generator; see body and keep_alive", ours));
      }
    }
  }
  constexpr std::size_t kMaxBody = 64U << 20U;
  if (options.body.size() > kMaxBody) faults.push_back("body is larger than 64 MiB");
  if (options.header_id.empty()) return;
  if (!http::is_token(options.header_id)) {
    faults.push_back(fmt::format("header_id '{}' is not a header's name", options.header_id));
  }
  if (!http::is_token(options.id_prefix)) {
    faults.push_back(fmt::format("id_prefix '{}' may hold letters, digits, '-', '_' and '.'", options.id_prefix));
  }
}

}  // namespace

std::vector<std::string> Options::validate() const {
  using std::chrono::hours;
  using std::chrono::milliseconds;
  Faults faults;
  check_url(faults, *this);
  check<std::size_t>(faults, "connections", connections, 1, 100'000);
  check<std::size_t>(faults, "idle", idle, 0, 100'000);
  check<unsigned>(faults, "threads", threads, 1, 64);
  const std::size_t sockets = idle > 0 ? idle : connections;
  if (threads > sockets) {
    faults.push_back(fmt::format("threads is {}; each needs at least one of the {} connections", threads, sockets));
  }
  if (duration) check(faults, "duration", *duration, milliseconds(1), hours(24));
  if (requests) check<std::uint64_t>(faults, "requests", *requests, 1, 1'000'000'000'000);
  check<double>(faults, "rate", rate, 0, 1e6);
  if (poisson && rate == 0) faults.push_back("poisson is a form of the open loop; it needs a rate");
  check<std::size_t>(faults, "backlog", backlog, 1, 10'000'000);
  check(faults, "timeout", timeout, milliseconds(1), hours(1));
  check(faults, "warm_up", warm_up, Duration::zero(), hours(1));
  if (idle > 0 && (rate > 0 || requests || warm_up > Duration::zero() || !keep_alive)) {
    faults.push_back("idle holds connections open; it goes with neither rate, requests, warm-up nor no-keep-alive");
  }
  check_message(faults, *this);
  return faults;
}

}  // namespace quoll::lab::loadgen
