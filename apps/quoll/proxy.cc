// `quoll proxy` runs the reverse proxy; `quoll check` reads a configuration and says what is wrong with it.

#include "quoll/proxy/proxy.h"

#include <pthread.h>

#include <csignal>
#include <iostream>
#include <memory>

#include "commands.h"
#include "quoll/base/file.h"
#include "quoll/base/rng.h"
#include "quoll/proxy/config/config_file.h"

namespace quoll::apps {
namespace {

// A flag and the setting that it writes.
struct Flag {
  const char* flag;
  const char* setting;
  const char* type;
  const char* value;  // the default, as typed
  const char* help;
};
constexpr Flag kFlags[] = {
    {"--listen", "listen", "HOST:PORT", "127.0.0.1:3000", "Where clients connect"},
    {"--upstream", "upstream", "URL", "http://127.0.0.1:3001", "The service to protect"},
    {"--admin", "admin", "HOST:PORT", "127.0.0.1:3900", "Control, status and metrics"},
    {"--workers", "workers", "N", "1", "Event loops, each on a thread"},
    {"--timeout", "timeout", "DUR|adaptive", "500ms", "From the request having left to its answer's head arriving"},
    {"--error-threshold", "breaker.failure_rate_threshold", "PCT", "50",
     "Share of failed calls that opens the circuit"},
    {"--reset-timeout", "breaker.reset_timeout", "DUR", "5s", "How long it stays open before a trial"},
    {"--window", "breaker.window", "DUR", "10s", "What the rates are taken over"},
    {"--buckets", "breaker.buckets", "N", "10", "Steps in which the window moves"},
    {"--volume-threshold", "breaker.minimum_volume", "N", "5", "Calls in the window below which no rate counts"},
    {"--verdict", "verdict", "arrival|timer", "arrival",
     "How a timeout is judged: by arrival, or as others do by timer"},
    {"--retries", "retries", "N", "0", "How often a failed call without a body is made again, within a budget"},
    {"--concurrency", "concurrency", "off|N|gradient2|vegas|aimd", "off",
     "Calls to the upstream that may be under way at a time"},
    {"--admission", "admission", "on|off", "off", "Refuse requests when more come than can be served in time"},
    {"--fallback", "fallback", "FILE|on|off", "on", "What clients get when a call fails"},
    {"--fallback-methods", "fallback_methods", "LIST|safe|all", "safe",
     "The methods that the fallback may answer; others get 503, 504 or 502"},
    {"--pages", "pages", "auto|on|off|/PREFIX", "auto",
     "Quoll's own pages for clients; auto: only on a loopback address"},
    {"--log-level", "log_level", "L", "info", "debug, info, warn, error or off"},
};

struct ProxyArguments {
  std::string config;
  std::vector<std::pair<const Flag*, std::string>> given;  // the flags on the command line
  bool allow_pressure = false;
  bool no_control = false;
  std::optional<std::uint64_t> seed;
};

int fail(const char* command, const std::string& message) {
  std::cerr << "quoll " << command << ": " << message << "\n";
  return 2;
}

Result<proxy::ProxyOptions> read_options(const std::string& path) {
  const auto text = read_file(path, proxy::kMostConfigBytes);
  if (!text) return text.error();
  return proxy::read_config(*text, path);
}

// The file first, then the flags over it.
Result<proxy::ProxyOptions> understand(const ProxyArguments& arguments) {
  proxy::ProxyOptions options;
  if (!arguments.config.empty()) {
    auto read = read_options(arguments.config);
    if (!read) return read.error();
    options = *read;
  }
  for (const auto& [flag, text] : arguments.given) {
    const bool percent = std::string_view(flag->type) == "PCT" && !text.ends_with('%');
    const auto applied = proxy::apply_setting(options, flag->setting, percent ? text + "%" : text);
    if (!applied) return Error{std::string(flag->flag) + ": " + applied.error().message, "flag"};
  }
  if (arguments.allow_pressure) options.allow_pressure = true;
  if (arguments.no_control) options.allow_control = false;
  return options;
}

sigset_t signal_set(std::initializer_list<int> numbers) {
  sigset_t out;
  sigemptyset(&out);
  for (const int number : numbers) sigaddset(&out, number);
  return out;
}

// Until SIGINT or SIGTERM. What else other servers take as a command is none here: it must not end one.
void wait_for_end(telemetry::Log& log) {
  const sigset_t waited = signal_set({SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2});
  for (;;) {
    int signal = 0;
    if (sigwait(&waited, &signal) != 0) continue;
    if (signal == SIGINT || signal == SIGTERM) return;
    const char* const name = signal == SIGHUP ? "SIGHUP" : signal == SIGUSR1 ? "SIGUSR1" : "SIGUSR2";
    log.warn("signal_ignored", {{"signal", name},
                                {"reason", signal == SIGHUP ? "a running proxy does not read its configuration again; "
                                                              "start another one to change it"
                                                            : "it has no meaning here"}});
  }
}

int run_proxy(const ProxyArguments& arguments) {
  // Signals are waited for on this thread; blocked before any other thread exists, they reach no other.
  const sigset_t signals = signal_set({SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2});
  for (const int number : {SIGHUP, SIGUSR1, SIGUSR2}) std::signal(number, SIG_DFL);  // an ignored one is not waited for
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const auto options = understand(arguments);
  if (!options) return fail("proxy", options.error().message);

  auto made = proxy::Proxy::create(*options, arguments.seed.value_or(random_seed()));
  if (!made) return fail("proxy", made.error().message);
  proxy::Proxy& server = **made;
  server.start();
  wait_for_end(server.log());
  // A second one ends it at once.
  const sigset_t ending = signal_set({SIGINT, SIGTERM});
  pthread_sigmask(SIG_UNBLOCK, &ending, nullptr);
  server.stop();
  return 0;
}

}  // namespace

void add_proxy(Command app) {
  const Command command = app.subcommand("proxy", "A reverse proxy that protects one upstream with a circuit breaker");
  const auto arguments = std::make_shared<ProxyArguments>();
  command.option("--config", arguments->config, "A YAML file with settings; the flags here win over it").type("FILE");
  for (const Flag& flag : kFlags) {
    command
        .option_each(
            flag.flag, [arguments, &flag](const std::string& text) { arguments->given.emplace_back(&flag, text); },
            flag.help)
        .type(flag.type)
        .show_default(flag.value);
  }
  command.flag("--allow-pressure", arguments->allow_pressure,
               "Let POST /pressure block the event loops (experiments only)");
  command.flag("--no-control", arguments->no_control,
               "The admin port only shows: no circuit is opened or closed by it");
  command.option("--seed", arguments->seed, "Of the breaker's jitter; random without it").type("N");
  command.runs([arguments] { return run_proxy(*arguments); });
}

void add_check(Command app) {
  const Command command = app.subcommand("check", "Reads a proxy's configuration and reports every fault in it");
  const auto file = std::make_shared<std::string>();
  command.option("FILE", *file, "The YAML file").required();
  command.runs([file] {
    const auto read = read_options(*file);
    if (!read) {
      std::cerr << read.error().message << "\n";
      return 2;
    }
    std::cout << *file << ": fine\n";
    return 0;
  });
}

}  // namespace quoll::apps
