// `quoll backend`: the unstable backend.

#include "quoll/lab/backend/server.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>
#include <iostream>
#include <memory>

#include "commands.h"
#include "faults.h"
#include "quoll/base/file.h"
#include "quoll/base/rng.h"
#include "quoll/base/stop_signal.h"
#include "quoll/telemetry/json.h"
#include "quoll/telemetry/log.h"

namespace quoll::apps {

namespace {

using lab::backend::Behaviour;
using lab::backend::Event;
using lab::backend::Server;

// As typed; strings become values in one place, below.
struct Arguments {
  std::string listen = "127.0.0.1:3001";
  std::string control;
  std::string mode = "answer";
  double fail_rate = 0.3;
  unsigned status = 500;
  std::string delay = "100ms..800ms";
  std::string degrade = "5ms";
  double slow_factor = 3;
  std::string drip = "100ms";
  std::string script;
  std::uint64_t seed = 0;
  std::size_t truth = 200'000;
  std::string keep_alive_timeout = "75s";
  std::size_t max_connections = 20'000;
  int nice = 0;
  std::string log_level = "info";
  bool json = false;
};

Result<lab::backend::Script> read_script(const std::string& path) {
  constexpr std::size_t kMostBytes = 1U << 20U;
  const auto text = read_file(path, kMostBytes);
  if (!text) return text.error();
  auto script = lab::backend::Script::parse(*text);
  if (!script) return Error{path + ":\n" + script.error().message, script.error().code};
  return script;
}

Result<lab::backend::Options> to_options(const Arguments& a) {
  lab::backend::Options options;
  Faults faults;
  options.listen = a.listen;
  options.control = a.control;
  Behaviour& behaviour = options.behaviour;
  faults.store("--mode", lab::backend::parse_mode(a.mode), behaviour.mode);
  faults.store("--delay", parse_duration_range(a.delay), behaviour.delay);
  faults.store("--degrade", parse_duration(a.degrade), behaviour.degrade);
  faults.store("--drip", parse_duration(a.drip), behaviour.drip);
  faults.store("--keep-alive-timeout", parse_duration(a.keep_alive_timeout), options.keep_alive_timeout);
  behaviour.fail_rate = a.fail_rate;
  behaviour.status = a.status;
  behaviour.slow_factor = a.slow_factor;
  options.truth = a.truth;
  options.max_connections = a.max_connections;
  options.seed = a.seed;
  if (!a.script.empty()) {
    lab::backend::Script script;
    faults.store("--script", read_script(a.script), script);
    options.script = std::move(script);
  }
  if (behaviour.mode == lab::backend::Mode::refuse && a.control.empty()) {
    faults.add("--mode refuse: nothing could end it; add --control HOST:PORT");
  }
  if (!faults.none()) return Error{faults.text(), "bad_options"};
  return options;
}

std::string event_json(const Event& event, const Server& server, std::uint64_t seed) {
  return telemetry::json_object([&](telemetry::JsonWriter& out) {
    out.member("event", to_string(event.kind)).member("at_ns", event.at.time_since_epoch().count());
    put_members(out, event.behaviour);
    if (event.kind == Event::Kind::listening) {
      out.member("port", server.port()).member("control_port", server.control_port()).member("seed", seed);
    }
    out.member("text", event.text);
  });
}

void log_event(telemetry::Log& log, const Event& event) {
  const auto mode = lab::backend::to_string(event.behaviour.mode);
  switch (event.kind) {
    case Event::Kind::warning:
      log.warn("backend_warning", {{"text", event.text}});
      break;
    case Event::Kind::behaviour:
      log.info("behaviour", {{"mode", mode}, {"reason", event.text}});
      break;
    case Event::Kind::listening:
    case Event::Kind::stopping:
    case Event::Kind::stopped:
      log.info(to_string(event.kind), {{"text", event.text}});
      break;
  }
}

int run_backend(const Arguments& a) {
  const auto level = telemetry::parse_log_level(a.log_level);
  auto options = to_options(a);
  if (!level || !options) {
    if (!level) std::cerr << "quoll backend: --log-level: " << level.error().message << "\n";
    if (!options) std::cerr << "quoll backend: " << options.error().message << "\n";
    return 2;
  }
  telemetry::Log log({.level = *level});
  if (a.nice != 0 && ::setpriority(PRIO_PROCESS, 0, a.nice) != 0) {
    log.warn("nice_not_set", {{"nice", a.nice}, {"reason", std::strerror(errno)}});
  }
  Server* opened = nullptr;
  options->on_event = [&](const Event& event) {
    if (a.json) std::cout << event_json(event, *opened, a.seed) << std::endl;
    log_event(log, event);
  };
  auto server = Server::open(std::move(*options));
  if (!server) {
    std::cerr << "quoll backend: " << server.error().message << "\n";
    return 2;
  }
  opened = server->get();
  if (!a.json) {
    std::cout << fmt::format("quoll backend: listening on {}{}, mode {}, seed {}",
                             a.listen.substr(0, a.listen.rfind(':') + 1), opened->port(), a.mode, a.seed)
              << (opened->control_port() != 0 ? fmt::format(", control port {}", opened->control_port()) : "")
              << std::endl;
  }
  const StopOnSignals signals(opened->stop_signal());
  const auto ran = opened->run();
  if (!ran) std::cerr << "quoll backend: " << ran.error().message << "\n";
  return ran ? 0 : 1;
}

}  // namespace

void add_backend(Command app) {
  auto a = std::make_shared<Arguments>();
  const Command command = app.subcommand("backend", "An HTTP backend that fails and delays as told, and keeps truth");
  command.option("--listen", a->listen, "HOST:PORT; port 0 takes any free one").show_default();
  command.option("--control", a->control,
                 "HOST:PORT of a second listener for /control, /truth, /metrics and /health only; it also answers "
                 "in mode refuse (default: none)");
  command
      .option("--mode", a->mode,
              "answer, healthy, slow, fail, hang, reset, truncate, drip, garbage or refuse (POST /control and "
              "--script change it)")
      .show_default();
  command.option("--fail-rate", a->fail_rate, "Mode answer: the share that fails at once").show_default();
  command.option("--status", a->status, "What a failure answers, 400 to 599").show_default();
  command.option("--delay", a->delay, "How long other answers take, uniformly").show_default();
  command.option("--degrade", a->degrade, "Added to the delay for each other request in progress; 0 turns it off")
      .show_default();
  command.option("--slow-factor", a->slow_factor, "Mode slow: times the delay").show_default();
  command.option("--drip", a->drip, "Mode drip: from one byte of the body to the next").show_default();
  command.option("--script", a->script, "A timeline of modes, a line each: \"10s healthy\", \"20s fail\", \"loop\"");
  a->seed = random_seed();
  command.option("--seed", a->seed, "Of failures and delays (default: a random one, printed)");
  command.option("--truth", a->truth, "Records of ground truth kept").show_default();
  command.option("--keep-alive-timeout", a->keep_alive_timeout, "Idle connections are closed after this")
      .show_default();
  command.option("--max-connections", a->max_connections, "More wait in the accept queue").show_default();
  command.option("--nice", a->nice, "Priority, such as -5 to stay exact on a busy machine; needs privilege")
      .show_default();
  command.option("--log-level", a->log_level, "debug, info, warn, error or off").show_default();
  command.flag("--json", a->json, "Events on standard output, one JSON object a line");
  command.footer(
      "GET /api/data and any other path, GET /bytes/N, POST /count: treated as the mode says.\n"
      "GET /health, GET /metrics, GET|POST /control, GET|DELETE /truth: always answered.\n"
      "curl -d '{\"mode\":\"fail\",\"for\":\"20s\"}' http://127.0.0.1:3001/control");
  command.runs([a] { return run_backend(*a); });
}

}  // namespace quoll::apps
