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
#include "quoll/proxy/config/config_json.h"
#include "quoll/proxy/config/json_schema.h"
#include "quoll/proxy/config/json_text.h"

namespace quoll::apps {
namespace {

struct ProxyArguments {
  std::string config;
  std::vector<std::pair<const proxy::Flag*, std::string>> given;  // the flags on the command line
  std::vector<std::string> settings;                              // NAME=VALUE
  bool print_config = false;
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

// The file first, then the flags over it, then --set over both.
Result<proxy::ProxyOptions> understand(const ProxyArguments& arguments) {
  proxy::ProxyOptions options;
  if (!arguments.config.empty()) {
    auto read = read_options(arguments.config);
    if (!read) return read.error();
    options = *read;
  }
  for (const auto& [flag, text] : arguments.given) {
    const bool percent = flag->percent && !text.ends_with('%');
    const auto applied = proxy::apply_setting(options, flag->setting, percent ? text + "%" : text);
    if (!applied) return Error{std::string(flag->flag) + ": " + applied.error().message, "flag"};
  }
  for (const std::string& setting : arguments.settings) {
    const std::size_t equals = setting.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return Error{"--set: '" + setting + "' must be NAME=VALUE, such as breaker.reset_timeout=10s", "flag"};
    }
    const auto applied = proxy::apply_setting(options, setting.substr(0, equals), setting.substr(equals + 1));
    if (!applied) return Error{"--set: " + applied.error().message, "flag"};
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

// What the proxy would go by, as a file.
int print_config(const ProxyArguments& arguments) {
  const auto options = understand(arguments);
  if (!options) return fail("proxy", options.error().message);
  if (const auto faults = options->validate(); !faults.empty()) {
    for (const std::string& fault : faults) fail("proxy", fault);
    return 2;
  }
  std::cout << proxy::config_yaml(*options);
  return 0;
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
  for (const proxy::Flag& flag : proxy::flags()) {
    const schema::Setting& setting = proxy::setting_of(flag);
    command
        .option_each(
            flag.flag, [arguments, &flag](const std::string& text) { arguments->given.emplace_back(&flag, text); },
            setting.short_about())
        .type(flag.percent ? "PCT" : setting.form)
        .show_default(setting.standard_text());
  }
  command
      .option("--set", arguments->settings,
              "Any setting by its name in the file, such as breaker.reset_timeout=10s; may be repeated, and wins over "
              "the flags above")
      .repeatable()
      .type("NAME=VALUE");
  command.flag("--print-config", arguments->print_config,
               "Print every setting with the value that the proxy would go by, as a file, and end");
  command.flag("--allow-pressure", arguments->allow_pressure,
               "Let POST /pressure block the event loops (experiments only)");
  command.flag("--no-control", arguments->no_control,
               "The admin port only shows: no circuit is opened or closed by it");
  command.option("--seed", arguments->seed, "Of the breaker's jitter; random without it").type("N");
  command.runs([arguments] { return arguments->print_config ? print_config(*arguments) : run_proxy(*arguments); });
}

void add_check(Command app) {
  const Command command = app.subcommand("check", "Reads a proxy's configuration and reports every fault in it");
  const auto file = std::make_shared<std::string>();
  const auto schema = std::make_shared<bool>(false);
  command.option("FILE", *file, "The YAML file");
  command.flag(
      "--schema", *schema,
      "Print the JSON Schema of such a file, from which editors complete and check it (ops/quoll.schema.json)");
  command.runs([file, schema] {
    if (*schema) {
      std::cout << proxy::json_text(proxy::json_schema());
      return 0;
    }
    if (file->empty()) return fail("check", "which FILE? or --schema");
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
