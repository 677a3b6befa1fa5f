// `quoll proxy`: the reverse proxy with its circuit breaker.

#include "quoll/proxy/proxy.h"

#include <fmt/format.h>
#include <pthread.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>
#include <memory>

#include "commands.h"
#include "quoll/base/rng.h"

namespace quoll::apps {
namespace {

// The command line's text, before it is understood.
struct ProxyFlags {
  proxy::ProxyOptions options;
  double error_threshold = 50;
  std::string verdict = "arrival";
  std::string fallback = "on";
  std::string log_level = "info";
  std::optional<std::uint64_t> seed;
};

CLI::Option* add_duration(CLI::App& app, const char* name, Duration& target, const char* help) {
  return app
      .add_option_function<std::string>(
          name,
          [&target, name](const std::string& text) {
            const auto parsed = parse_duration(text);
            if (!parsed) throw CLI::ValidationError(name, parsed.error().message);
            target = *parsed;
          },
          help)
      ->type_name("DUR")
      ->default_str(format_duration(target));
}

int fail(const std::string& message) {
  std::cerr << "quoll proxy: " << message << "\n";
  return 2;
}

Result<proxy::ProxyOptions> understand(const ProxyFlags& flags) {
  proxy::ProxyOptions options = flags.options;
  options.breaker.failure_rate_threshold = flags.error_threshold / 100;
  options.verdict = flags.verdict == "timer" ? proxy::VerdictKind::timer : proxy::VerdictKind::arrival;
  options.fallback = flags.fallback != "off";
  if (flags.fallback != "off" && flags.fallback != "on") options.fallback_file = flags.fallback;
  const auto level = telemetry::parse_log_level(flags.log_level);
  if (!level) return level.error();
  options.log_level = *level;
  options.breaker.shards = std::min(16U, std::max(2U, options.workers));
  return options;
}

int run_proxy(const ProxyFlags& flags) {
  const auto options = understand(flags);
  if (!options) return fail(options.error().message);

  // Signals are waited for on this thread; blocked before any other thread exists, they reach no other.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  auto made = proxy::Proxy::create(*options, flags.seed.value_or(random_seed()));
  if (!made) return fail(made.error().message);
  proxy::Proxy& server = **made;
  server.start();
  int signal = 0;
  sigwait(&signals, &signal);
  // A second signal ends it at once.
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  server.stop();
  return 0;
}

}  // namespace

void add_proxy(CLI::App& app, Run& run) {
  CLI::App& command = *app.add_subcommand("proxy", "A reverse proxy that protects one upstream with a circuit breaker");
  const auto flags = std::make_shared<ProxyFlags>();
  proxy::ProxyOptions& o = flags->options;
  command.add_option("--listen", o.listen, "Where clients connect")->type_name("HOST:PORT")->capture_default_str();
  command.add_option("--upstream", o.upstream, "The service to protect")->type_name("URL")->capture_default_str();
  command.add_option("--admin", o.admin, "Control, status and metrics")->type_name("HOST:PORT")->capture_default_str();
  command.add_option("--workers", o.workers, "Event loops, each on a thread")->type_name("N")->capture_default_str();
  add_duration(command, "--timeout", o.timeout, "From the request having left to its answer's head arriving");
  command.add_option("--error-threshold", flags->error_threshold, "Share of failed calls that opens the circuit")
      ->type_name("PCT")
      ->capture_default_str();
  add_duration(command, "--reset-timeout", o.breaker.reset_timeout, "How long it stays open before a trial");
  add_duration(command, "--window", o.breaker.window, "What the rates are taken over");
  command.add_option("--buckets", o.breaker.buckets, "Steps in which the window moves")
      ->type_name("N")
      ->capture_default_str();
  command.add_option("--volume-threshold", o.breaker.minimum_volume, "Calls in the window below which no rate counts")
      ->type_name("N")
      ->capture_default_str();
  command.add_option("--verdict", flags->verdict, "How a timeout is judged: by arrival, or as others do by timer")
      ->check(CLI::IsMember({"arrival", "timer"}))
      ->capture_default_str();
  command
      .add_option("--fallback", flags->fallback, "What clients get when a call fails: on, off, or a file's contents")
      ->type_name("FILE|on|off")
      ->capture_default_str();
  command.add_flag("--allow-pressure", o.allow_pressure, "Let POST /pressure block the event loops (experiments only)");
  command.add_option("--log-level", flags->log_level, "debug, info, warn, error or off")
      ->type_name("L")
      ->capture_default_str();
  command.add_option("--seed", flags->seed, "Of the breaker's jitter; random without it")->type_name("N");
  command.callback([flags, &run] { run = [flags] { return run_proxy(*flags); }; });
}

}  // namespace quoll::apps
