#include "quoll/proxy/admin/pages.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>

#include "quoll/proxy/config/config_json.h"
#include "quoll/proxy/config/json_text.h"
#include "quoll/proxy/live/status_json.h"
#include "web_page.h"

namespace quoll::proxy {
namespace {

namespace json = boost::json;

std::string_view without_query(std::string_view path) {
  return path.substr(0, path.find('?'));
}
std::string_view query_of(std::string_view path) {
  const std::size_t at = path.find('?');
  return at == std::string_view::npos ? std::string_view() : path.substr(at + 1);
}

PageAnswer error(unsigned status, std::string_view message) {
  return {status, "application/json", json_text(json::object{{"error", message}}), {}};
}

// A method that a page does not have; it says which it has (RFC 9110 section 15.5.6).
PageAnswer wrong_method(std::string_view allowed, std::string_view message) {
  PageAnswer out = error(405, message);
  out.fields = fmt::format("Allow: {}\r\n", allowed);
  return out;
}
PageAnswer only_read() {
  return wrong_method("GET, HEAD", "only GET and HEAD are allowed here");
}

// Keeps a core busy: what CPU-heavy work on an event loop looks like to everybody else on it.
void burn(Duration length) {
  const TimePoint end = steady_now() + length;
  while (steady_now() < end) {
  }
}

// Whether a path (its query apart) is a page of both ports.
bool is_page(std::string_view path) {
  path = without_query(path);
  return path == "/circuit-status" || path == "/health" || path == "/metrics";
}

}  // namespace

Pages::Pages(const ProxyOptions& options, Routes& routes, Metrics& metrics, net::Workers& workers,
             net::LoopMonitor& monitor, const AdmissionGate& admission, net::Executor home)
    : options_(options),
      routes_(routes),
      metrics_(metrics),
      workers_(workers),
      monitor_(monitor),
      admission_(admission),
      home_(std::move(home)) {}

std::string_view Pages::page_of(std::string_view path) const {
  if (options_.pages == PagesKind::off) return {};
  if (options_.pages == PagesKind::prefix) {
    if (!path.starts_with(options_.pages_prefix)) return {};
    path.remove_prefix(options_.pages_prefix.size());
  }
  return is_page(path) ? path : std::string_view();
}

net::Task<PageAnswer> Pages::make(std::string_view method, std::string_view page) {
  const auto get_here = [](const Pages& pages, std::string m, std::string p) -> net::Task<PageAnswer> {
    co_return pages.get(m, p);
  };
  auto [failed, answer] =
      co_await net::asio::co_spawn(home_, get_here(*this, std::string(method), std::string(page)), net::kAwait);
  if (failed) std::rethrow_exception(failed);
  co_return std::move(answer);
}

PageAnswer Pages::get(std::string_view method, std::string_view path) const {
  const std::string_view query = query_of(path);
  path = without_query(path);
  if (method != "GET" && method != "HEAD") return only_read();
  if (path == "/circuit-status") return status(query);
  if (path == "/health") return health();
  if (path == "/metrics") return {200, std::string(telemetry::kExpositionContentType), metrics_.registry.expose(), {}};
  return error(404, "no such page; there are /circuit-status, /health and /metrics");
}

PageAnswer Pages::admin(std::string_view method, std::string_view path, std::string_view body) {
  const std::string_view whole = path;
  path = without_query(path);
  if (path == "/pressure") return pressure(method, body);
  if (path.starts_with("/circuits/")) return control(method, path.substr(10));
  if (path == "/config") {
    if (method != "GET" && method != "HEAD") return only_read();
    return config();
  }
  if (path == "/" || path == "/dashboard" || path.starts_with("/dashboard/")) {
    if (method != "GET" && method != "HEAD") return only_read();
    return dashboard(path);
  }
  if (is_page(path)) return get(method, whole);
  if (path == "/events") return wrong_method("GET", "events are read with GET");
  return error(404,
               "no such page; there are /dashboard, /events, /circuit-status, /health, /metrics, /config, and by POST "
               "/circuits/NAME/{open,close,auto,disable} and /pressure");
}

// Of one circuit everything; of several a line each, and everything of the one that the query names.
PageAnswer Pages::status(std::string_view query) const {
  constexpr std::string_view kCircuit = "circuit=";
  const TimePoint now = steady_now();
  json::object out;
  json::array circuits;
  if (query.starts_with(kCircuit) || routes_.size() == 1) {
    const Route* route = query.starts_with(kCircuit) ? routes_.find(query.substr(kCircuit.size())) : &routes_[0];
    if (route == nullptr) return no_such_circuit();
    circuits.push_back(circuit_json(*route, now));
    out["state"] = circuits[0].at("state");
    out["verdict"] = to_string(route->options.verdict);
  } else {
    for (std::size_t i = 0; i < routes_.size(); ++i) circuits.push_back(circuit_line_json(routes_[i], now));
    out["state"] = core::to_string(worst_state(routes_));
    out["states"] = states_json(routes_);
    out["verdict"] = to_string(options_.verdict);
  }
  out["circuits"] = std::move(circuits);
  out["admission"] = admission_json(admission_);
  out["loop"] = loop_json(monitor_, workers_.size(), now);
  return {200, "application/json", json_text(out), {}};
}

PageAnswer Pages::no_such_circuit() const {
  constexpr std::size_t kNamed = 20;
  std::string names;
  for (std::size_t i = 0; i < std::min(kNamed, routes_.size()); ++i) {
    names += fmt::format("{}'{}'", i == 0 ? "" : ", ", routes_[i].name());
  }
  if (routes_.size() > kNamed) names += fmt::format(" and {} more", routes_.size() - kNamed);
  return error(404, fmt::format("no such circuit; there {} {}", routes_.size() == 1 ? "is" : "are", names));
}

PageAnswer Pages::health() const {
  json::object out = {{"status", "ok"}, {"circuit", core::to_string(worst_state(routes_))}};
  if (routes_.size() > 1) out["circuits"] = states_json(routes_);
  return {200, "application/json", json_text(out), {}};
}

PageAnswer Pages::config() const {
  return {200, "application/json", json_text(config_json(options_)), {}};
}

PageAnswer Pages::dashboard(std::string_view path) {
  if (path == "/" || path == "/dashboard/") return {302, "", "", "Location: /dashboard\r\n"};
  // The page may load nothing but its own files and talk to nobody but this port.
  constexpr std::string_view kPolicy =
      "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
      "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
      "Referrer-Policy: no-referrer\r\nCross-Origin-Opener-Policy: same-origin\r\n";
  for (const web::File& file : web::files()) {
    if (file.path == path) {
      return {200, std::string(file.content_type), std::string(file.bytes), std::string(kPolicy)};
    }
  }
  if (web::missing().empty() || path != "/dashboard") return error(404, "the live page has no such file");
  return {503, "text/plain; charset=utf-8",
          fmt::format("The live page is missing: {}.\n\nThe same numbers are at /circuit-status and /metrics, and as a "
                      "stream at /events.\n",
                      web::missing()),
          std::string(kPolicy)};
}

PageAnswer Pages::control(std::string_view method, std::string_view path) {
  if (method != "POST") return wrong_method("POST", "a circuit is controlled with POST");
  if (!options_.allow_control) return error(403, "this proxy was started with --no-control");
  const std::size_t slash = path.rfind('/');
  Route* const route = slash == std::string_view::npos ? nullptr : routes_.find(path.substr(0, slash));
  if (route == nullptr) return no_such_circuit();
  Circuit& circuit = route->circuit;
  const std::string_view action = path.substr(slash + 1);
  const TimePoint now = steady_now();
  if (action == "open") {
    circuit.force(core::Mode::forced_open, now);
  } else if (action == "close") {
    circuit.close(now);
  } else if (action == "auto") {
    circuit.force(core::Mode::automatic, now);
  } else if (action == "disable") {
    circuit.force(core::Mode::disabled, now);
  } else {
    return error(404, "no such action; there are open, close, auto and disable");
  }
  return {
      200,
      "application/json",
      json::serialize(json::object{{"circuit", circuit.name()}, {"state", core::to_string(circuit.breaker().state())}}),
      {}};
}

PageAnswer Pages::pressure(std::string_view method, std::string_view body) {
  constexpr std::int64_t kLongest = 10'000;
  if (method != "POST") return wrong_method("POST", "pressure is asked for with POST");
  if (!options_.allow_pressure) return error(403, "this proxy was started without --allow-pressure");
  boost::system::error_code failed;
  const json::value parsed = json::parse(json::string_view(body.data(), body.size()), failed);
  const auto usage = [] { return error(400, R"(send {"block_ms":1 to 10000,"worker":"all" or a number})"); };
  if (failed || !parsed.is_object()) return usage();
  const json::object& request = parsed.as_object();
  const json::value* block = request.if_contains("block_ms");
  const json::value* which = request.if_contains("worker");
  if (block == nullptr || !block->is_int64() || block->as_int64() < 1 || block->as_int64() > kLongest) return usage();
  const Duration length = std::chrono::milliseconds(block->as_int64());

  std::size_t first = 0;
  std::size_t last = workers_.size();
  if (which != nullptr && which->is_int64()) {
    if (which->as_int64() < 0 || static_cast<std::size_t>(which->as_int64()) >= workers_.size()) {
      return error(400, fmt::format("no such worker; there are {}, counted from 0", workers_.size()));
    }
    first = static_cast<std::size_t>(which->as_int64());
    last = first + 1;
  } else if (which != nullptr && (!which->is_string() || which->as_string() != "all")) {
    return usage();
  }
  for (std::size_t i = first; i < last; ++i) workers_[i].post([length] { burn(length); });
  return {202, "application/json", json_text(json::object{{"blocked", last - first}}), {}};
}

}  // namespace quoll::proxy
