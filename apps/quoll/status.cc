// `quoll status`: a running proxy's account of its circuits, as a few lines for people or as its own JSON.

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <iostream>
#include <memory>
#include <optional>
#include <vector>

#include "commands.h"
#include "quoll/net/endpoint.h"
#include "quoll/net/http_client.h"

namespace quoll::apps {
namespace {

namespace json = boost::json;

struct StatusArguments {
  std::string admin = "127.0.0.1:3900";
  std::optional<std::string> circuit;
  bool all = false;
  bool as_json = false;
};

std::string text(const json::value& value) {
  return value.is_string() ? std::string(value.as_string()) : std::string("?");
}

void print_circuit(const json::value& circuit) {
  const json::value& window = circuit.at("window");
  const json::value& times = window.at("percentiles_ms");
  const auto number = [](const json::value& value) { return value.to_number<double>(); };
  std::cout << fmt::format("{}  {}  for {:.1f} s  -> {}\n", text(circuit.at("name")), text(circuit.at("state")),
                           number(circuit.at("state_seconds")), text(circuit.at("upstream")))
            << fmt::format("  {}\n", text(circuit.at("explanation")))
            << fmt::format("  window: {} calls, {} failed, {} timed out, {} rescued, {} rejected; {:.1f} % failures\n",
                           number(window.at("total")), number(window.at("failure")), number(window.at("timeout")),
                           number(window.at("rescued")), number(window.at("rejected")),
                           number(window.at("failure_rate_percent")))
            << fmt::format("  timeout: {:.1f} ms, {}\n", number(circuit.at("timeout").at("now_ms")),
                           text(circuit.at("timeout").at("kind")))
            << (circuit.at("concurrency").is_null() ? std::string()
                                                    : fmt::format("  calls under way: {} of at most {}, {}\n",
                                                                  number(circuit.at("concurrency").at("in_flight")),
                                                                  number(circuit.at("concurrency").at("limit")),
                                                                  text(circuit.at("concurrency").at("algorithm"))))
            << (number(window.at("latency_samples")) == 0
                    ? std::string("  upstream time: no answer in the window\n")
                    : fmt::format("  upstream time: p50 {:.1f} ms, p95 {:.1f} ms, p99 {:.1f} ms, max {:.1f} ms\n",
                                  number(times.at("50")), number(times.at("95")), number(times.at("99")),
                                  number(times.at("100"))));
  for (const json::value& transition : circuit.at("transitions").as_array()) {
    std::cout << fmt::format("  {}  {}\n", text(transition.at("at")), text(transition.at("text")));
  }
}

// "5 circuits: 1 open, 4 closed".
std::string count_text(const json::value& status) {
  std::string out = fmt::format("{} circuits:", status.at("circuits").as_array().size());
  const json::object& states = status.at("states").as_object();
  const char* comma = " ";
  for (const char* state : {"open", "forced_open", "half_open", "closed", "disabled", "metrics_only"}) {
    if (!states.contains(state)) continue;
    out += fmt::format("{}{} {}", comma, states.at(state).to_number<std::uint64_t>(), state);
    comma = ", ";
  }
  return out;
}

std::string line_text(const json::object& c, std::size_t width) {
  const auto optional = [&](const char* key) { return c.contains(key) ? text(c.at(key)) : std::string(); };
  const auto calls = c.at("calls").to_number<std::uint64_t>();
  const json::value& p95 = c.at("p95_ms");
  return fmt::format("{:<{}}  {:<12}  {:>9.1f}  {:>7}  {:>7}  {:>8}  {:>9}  {}{} -> {}\n", text(c.at("name")), width,
                     text(c.at("state")), c.at("state_seconds").to_number<double>(), calls,
                     calls == 0 ? "-" : fmt::format("{:.1f}%", c.at("failure_rate_percent").to_number<double>()),
                     c.at("rejected").to_number<std::uint64_t>(),
                     p95.is_null() ? "-" : fmt::format("{:.1f}", p95.to_number<double>()), optional("host"),
                     c.contains("path") ? optional("path") : "everything else", text(c.at("upstream")));
}

// A line each, those in trouble first.
void print_table(const json::array& circuits, bool all) {
  constexpr std::size_t kShown = 40;
  std::vector<const json::value*> lines;
  for (const json::value& circuit : circuits) lines.push_back(&circuit);
  const auto rank = [](const json::value* circuit) {
    const std::string state = text(circuit->at("state"));
    const bool open = state == "open" || state == "forced_open";
    return std::pair(open ? 0 : state == "half_open" ? 1 : 2, -circuit->at("failure_rate_percent").to_number<double>());
  };
  std::stable_sort(lines.begin(), lines.end(), [&](const auto* a, const auto* b) { return rank(a) < rank(b); });
  std::size_t width = 7;
  for (const json::value* line : lines) width = std::max(width, line->at("name").as_string().size());
  std::cout << fmt::format("{:<{}}  {:<12}  {:>9}  {:>7}  {:>7}  {:>8}  {:>9}  {}\n", "circuit", width, "state",
                           "for s", "calls", "failed", "rejected", "p95 ms", "requests -> upstream");
  const std::size_t shown = all ? lines.size() : std::min(kShown, lines.size());
  for (std::size_t i = 0; i < shown; ++i) std::cout << line_text(lines[i]->as_object(), width);
  if (shown < lines.size()) std::cout << fmt::format("and {} more; --all shows them\n", lines.size() - shown);
}

void print_status(const json::value& status, bool all) {
  const json::array& circuits = status.at("circuits").as_array();
  if (circuits.size() > 1) {
    std::cout << count_text(status) << "\n";
    print_table(circuits, all);
  } else {
    for (const json::value& circuit : circuits) print_circuit(circuit);
  }
  const json::value& admission = status.at("admission");
  if (admission.at("on").as_bool()) {
    std::cout << fmt::format("admission: {:.1f} % of requests; {} shed for overload, {} as too old\n",
                             100 * admission.at("share").to_number<double>(),
                             admission.at("shed_overload").to_number<std::uint64_t>(),
                             admission.at("shed_too_old").to_number<std::uint64_t>());
  }
  for (const json::value& worker : status.at("loop").at("workers").as_array()) {
    std::cout << fmt::format("worker {}: loop lag {:.2f} ms, longest of the last 10 s {:.2f} ms\n",
                             worker.at("index").to_number<int>(), worker.at("lag_ms").to_number<double>(),
                             worker.at("max_lag_ms_10s").to_number<double>());
  }
}

// The refusal of a proxy that has no such circuit: it names the circuits that it has.
std::optional<std::string> refusal(const std::string& body) {
  boost::system::error_code failed;
  const json::value answer = json::parse(body, failed);
  if (failed || !answer.is_object()) return std::nullopt;
  const json::value* const said = answer.as_object().if_contains("error");
  if (said == nullptr || !said->is_string()) return std::nullopt;
  return std::string(said->as_string());
}

bool good_name(const std::string& name) {
  return !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string::npos;
}

int fail(const std::string& message, int code) {
  std::cerr << "quoll status: " << message << "\n";
  return code;
}

int run_status(const StatusArguments& arguments) {
  const auto where = net::parse_host_port(arguments.admin);
  if (!where) return fail("--admin: " + where.error().message, 2);
  if (arguments.circuit && !good_name(*arguments.circuit)) {
    return fail(
        fmt::format("--circuit: '{}' is not a circuit's name, which is made of a-z, 0-9, _ and -", *arguments.circuit),
        2);
  }
  const net::HttpClient client(where->host, where->port);
  const auto answer =
      client.get(arguments.circuit ? "/circuit-status?circuit=" + *arguments.circuit : std::string("/circuit-status"));
  if (!answer && answer.error().code == "resolve") return fail("--admin: " + answer.error().message, 2);
  if (!answer) return fail(answer.error().message + "; is a proxy running with that --admin address?", 1);
  if (answer->status == 404 && arguments.circuit) {
    if (const auto said = refusal(answer->body)) return fail(fmt::format("'{}': {}", *arguments.circuit, *said), 2);
  }
  boost::system::error_code failed;
  const json::value status = json::parse(answer->body, failed);
  if (answer->status != 200 || failed || !status.is_object() || !status.as_object().contains("circuits")) {
    return fail("what answers at " + arguments.admin + " is not a Quoll proxy", 1);
  }
  if (arguments.as_json) {
    std::cout << answer->body;
    return 0;
  }
  try {
    print_status(status, arguments.all);
  } catch (const std::exception&) {  // Boost.JSON's word for a member that is missing or of another type
    return fail("what answers at " + arguments.admin + " is not a Quoll proxy of this version", 1);
  }
  return 0;
}

}  // namespace

void add_status(Command app) {
  const Command command = app.subcommand("status", "What a running proxy says of its circuits");
  const auto arguments = std::make_shared<StatusArguments>();
  command.option("--admin", arguments->admin, "The proxy's admin address").type("HOST:PORT").show_default();
  command.option("--circuit", arguments->circuit, "Everything about this one, of several").type("NAME");
  command.flag("--all", arguments->all, "Every circuit, not only those in trouble and the first few");
  command.flag("--json", arguments->as_json, "The proxy's own JSON");
  command.runs([arguments] { return run_status(*arguments); });
}

}  // namespace quoll::apps
