// The answer to each route.

#include <fmt/format.h>

#include <charconv>

#include "impl.h"
#include "quoll/http/write.h"
#include "quoll/telemetry/json.h"

namespace quoll::lab::backend {

namespace {

using telemetry::JsonWriter;

// An object on a line of its own.
template <typename Write>
std::string line(const Write& write) {
  return telemetry::json_object(write) + "\n";
}

std::string governed_text(std::string_view what, std::string_view text, std::string_view id) {
  return line([&](JsonWriter& out) {
    out.member(what, text).member("timestamp", format_rfc3339(wall_now())).member("id", id);
  });
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Answer plain(unsigned status, std::string text) {
  Answer answer;
  answer.status = status;
  answer.type = "text/plain; charset=utf-8";
  answer.text = std::move(text) + "\n";
  return answer;
}

Answer wrong_method(const Request& request, std::string_view allowed) {
  Answer answer = plain(405, fmt::format("{} takes {}", request.path, allowed));
  http::append_field(answer.fields, "Allow", allowed);
  return answer;
}

}  // namespace

void Server::Impl::route(Connection& c, std::string_view target) {
  Request& request = c.request;
  const std::size_t question = target.find('?');
  request.path = target.substr(0, question);
  request.query = question == std::string_view::npos ? "" : target.substr(question + 1);
  const std::string_view path = request.path;
  request.route = Route::data;
  if (path == "/health") request.route = Route::health;
  if (path == "/metrics") request.route = Route::metrics;
  if (path == "/control") request.route = Route::control;
  if (path == "/truth") request.route = Route::truth;
  request.always_answered = request.route != Route::data || c.on_control_port;
  if (path == "/count") request.route = Route::count;
  if (path.starts_with("/bytes/")) {
    if (const auto n = number(path.substr(7))) {
      request.route = Route::bytes;
      request.number = *n;
    }
  }
}

Answer Server::Impl::always_answer(Connection& c) {
  const Request& request = c.request;
  const bool get = request.method == "GET" || request.method == "HEAD";
  switch (request.route) {
    case Route::health: {
      if (!get) return wrong_method(request, "GET, HEAD");
      Answer answer;
      answer.text =
          line([&](JsonWriter& out) { out.member("status", "ok").member("mode", to_string(behaviour.mode)); });
      return answer;
    }
    case Route::metrics: {
      if (!get) return wrong_method(request, "GET, HEAD");
      Answer answer;
      answer.type = telemetry::kExpositionContentType;
      answer.text = metrics.expose(
          {in_progress, open_connections, truth.next() - truth.first(), truth.dropped(), behaviour.mode});
      return answer;
    }
    case Route::control:
      return control_answer(c);
    case Route::truth:
      return truth_answer(c);
    case Route::data:
    case Route::count:
    case Route::bytes:
      break;
  }
  return plain(404, "the control port has /health, /metrics, /control and /truth");
}

Answer Server::Impl::control_answer(Connection& c) {
  const Request& request = c.request;
  if (request.method == "POST") {
    if (request.body_bytes > kMaxControlBytes) {
      return plain(413, fmt::format("POST /control takes at most {} bytes", kMaxControlBytes));
    }
    const auto change = parse_change(request.body);
    if (!change) return plain(400, change.error().message);
    if (change->mode == Mode::refuse && !change->lasting && !control_listener) {
      return plain(400,
                   "mode refuse closes this port, and there is no other one to end it by; add \"for\", such as "
                   "{\"mode\":\"refuse\",\"for\":\"10s\"}, or start the backend with --control HOST:PORT");
    }
    const TimePoint now = steady_now();
    schedule.apply(*change, now);
    apply_schedule(now);
  } else if (request.method != "GET" && request.method != "HEAD") {
    return wrong_method(request, "GET, HEAD, POST");
  }
  Answer answer;
  answer.text = settings_json();
  return answer;
}

std::string Server::Impl::settings_json() const {
  return line([&](JsonWriter& out) {
    put_members(out, behaviour);
    schedule.put_members(out, steady_now());
    out.member("seed", options.seed);
  });
}

Answer Server::Impl::truth_answer(Connection& c) {
  const Request& request = c.request;
  Answer answer;
  if (request.method == "DELETE") {
    answer.text = line([&](JsonWriter& out) { out.member("cleared", truth.clear()); });
    return answer;
  }
  if (request.method != "GET" && request.method != "HEAD") return wrong_method(request, "GET, HEAD, DELETE");
  std::uint64_t since = 0;
  if (!request.query.empty()) {
    const std::string_view query = request.query;
    const auto given = query.starts_with("since=") ? number(query.substr(6)) : std::nullopt;
    if (!given) return plain(400, "the query must be since=N, with a record's number");
    since = *given;
  }
  answer.type = "application/x-ndjson";
  answer.truth = true;
  answer.truth_next = std::max(since, truth.first());
  answer.truth_end = std::max(answer.truth_next, truth.next());
  http::append_field(answer.fields, "Quoll-Truth-Dropped", truth.dropped());
  http::append_field(answer.fields, "Quoll-Truth-Next", truth.next());
  return answer;
}

Answer Server::Impl::governed_answer(Connection& c) {
  const Request& request = c.request;
  Answer answer;
  answer.status = request.plan.status;
  http::append_field(answer.fields, "X-Request-Id", request.id);
  if (request.plan.status >= 400) {
    answer.text = governed_text("error", http::reason_phrase(request.plan.status), request.id);
  } else if (request.route == Route::count) {
    answer.text = line([&](JsonWriter& out) { out.member("bytes", request.body_bytes); });
  } else if (request.route == Route::bytes) {
    answer.type = "application/octet-stream";
    answer.zeros = request.number;
  } else {
    answer.text = governed_text("message", "Hello from the unstable backend", request.id);
  }
  return answer;
}

}  // namespace quoll::lab::backend
