// quoll load: the load generator on the command line. Options in, run(), and one of the forms of the report out.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "commands.h"
#include "faults.h"
#include "quoll/base/file.h"
#include "quoll/base/stop_signal.h"
#include "quoll/lab/loadgen/run.h"

namespace quoll::apps {

namespace {

namespace loadgen = lab::loadgen;

// The command line's values, as text where our own reading says more than CLI11's.
struct Arguments {
  loadgen::Options options;
  std::string duration;
  std::string timeout;
  std::string warm_up;
  std::string body_file;
  std::vector<std::string> headers;
  std::uint64_t requests = 0;
  std::string hdr_file;
  bool no_keep_alive = false;
  bool json = false;
  bool live_json = false;
  bool quiet = false;
};

int bad_usage(const std::vector<std::string>& faults) {
  for (const std::string& fault : faults) fmt::print(stderr, "quoll load: {}\n", fault);
  return 2;
}

void store_duration(Faults& faults, const char* option, const std::string& text, Duration& out) {
  if (!text.empty()) faults.store(option, parse_duration(text), out);
}

void read_headers(Faults& faults, const Arguments& arguments, loadgen::Options& options) {
  for (const std::string& text : arguments.headers) {
    const std::size_t colon = text.find(':');
    if (colon == std::string::npos) {
      faults.add(fmt::format("--header '{}': expected 'Name: value'", text));
      continue;
    }
    std::size_t begin = text.find_first_not_of(" \t", colon + 1);
    if (begin == std::string::npos) begin = text.size();
    const std::size_t end = text.find_last_not_of(" \t") + 1;
    options.headers.push_back({text.substr(0, colon), text.substr(begin, end > begin ? end - begin : 0)});
  }
}

void read_body(Faults& faults, const std::string& path, std::string& body) {
  constexpr std::size_t kMostBytes = 256U << 20U;
  if (!path.empty()) faults.store("--body-file", read_file(path, kMostBytes), body);
}

// Everything that can be wrong with the command line, in one go.
std::vector<std::string> complete(Arguments& arguments) {
  loadgen::Options& options = arguments.options;
  Faults faults;
  Duration duration{};
  store_duration(faults, "--duration", arguments.duration, duration);
  if (!arguments.duration.empty()) options.duration = duration;
  store_duration(faults, "--timeout", arguments.timeout, options.timeout);
  store_duration(faults, "--warm-up", arguments.warm_up, options.warm_up);
  if (arguments.requests > 0) options.requests = arguments.requests;
  options.keep_alive = !arguments.no_keep_alive;
  read_headers(faults, arguments, options);
  read_body(faults, arguments.body_file, options.body);
  return faults.none() ? options.validate() : faults.all();
}

loadgen::Hooks make_hooks(const Arguments& arguments, bool terminal, StopSignal& stop) {
  loadgen::Hooks hooks;
  if (arguments.live_json) {
    // A reader that has gone away wants no more load.
    const auto print = [&stop](const std::string& line) {
      fmt::print("{}\n", line);
      if (std::fflush(stdout) != 0) stop.request();
    };
    hooks.on_tick = [print](const loadgen::Tick& tick) { print(loadgen::to_json(tick)); };
    hooks.on_idle = [print](std::size_t open) { print(loadgen::idle_json(open)); };
  } else if (!arguments.json && !arguments.quiet) {
    // Progress goes to standard error, so that standard output holds the result alone. A terminal shows one line that
    // is written over.
    hooks.on_tick = [terminal](const loadgen::Tick& tick) {
      fmt::print(stderr, "{}{}{}", terminal ? "\r\x1b[K" : "", loadgen::to_text(tick), terminal ? "" : "\n");
    };
    hooks.on_idle = [terminal](std::size_t open) {
      fmt::print(stderr, "{}{} idle connections are open\n", terminal ? "\r\x1b[K" : "", open);
    };
  }
  return hooks;
}

int load(Arguments& arguments) {
  const std::vector<std::string> faults = complete(arguments);
  if (!faults.empty()) return bad_usage(faults);
  // Found out before the run, not after it.
  if (!arguments.hdr_file.empty() && !write_file(arguments.hdr_file, "")) {
    return bad_usage({fmt::format("--hdr '{}' cannot be written", arguments.hdr_file)});
  }
  StopSignal stop;
  const StopOnSignals signals(stop);
  const bool terminal = isatty(STDERR_FILENO) == 1;
  const auto report = loadgen::run(arguments.options, make_hooks(arguments, terminal, stop), stop);
  if (!report) return bad_usage({report.error().message});

  if (arguments.json || arguments.live_json) {
    fmt::print("{}\n", loadgen::to_json(*report));
  } else {
    if (terminal && !arguments.quiet) fmt::print(stderr, "\r\x1b[K");
    fmt::print("{}", loadgen::to_text(*report));
  }
  std::fflush(stdout);
  if (!arguments.hdr_file.empty() && !write_file(arguments.hdr_file, loadgen::to_hdr(report->stats.latency))) {
    return bad_usage({fmt::format("--hdr '{}' cannot be written", arguments.hdr_file)});
  }
  return report->stats.succeeded() > 0 ? 0 : 1;
}

}  // namespace

void add_load(Command app) {
  auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  loadgen::Options& o = a.options;
  const Command command = app.subcommand("load", "make load and measure it: closed loop, or open loop with --rate");
  command.option("url", o.url, "http://host[:port][/path]").required().type("URL");
  command.option("-c,--connections", o.connections, "connections").show_default();
  command.option("-d,--duration", a.duration, "how long, after the warm-up (default 10s without -n)");
  command.option("-n,--requests", a.requests, "how many requests").positive();
  command.option("--rate", o.rate, "open loop: requests a second; latency counts from the intended send time")
      .positive();
  command.flag("--poisson", o.poisson, "open loop: random gaps, as from many independent clients");
  command.option("--backlog", o.backlog, "open loop: due requests that may wait for a connection").show_default();
  command.option("-t,--threads", o.threads, "event loops, each on its own thread").show_default();
  command.option("--method", o.method, "request method").show_default();
  command.option("--header", a.headers, "'Name: value', sent with each request; may be repeated").repeatable();
  command.option("--body-file", a.body_file, "file whose content is sent with each request");
  command.option("--timeout", a.timeout, "for one request, connecting included (default 5s)");
  command.option("--warm-up", a.warm_up, "load that is made first and not counted (default 0)");
  command.option("--seed", o.seed, "of --poisson").show_default();
  command.option("--idle", o.idle, "hold so many connections open after one request each, until SIGTERM or -d");
  command.flag("--no-keep-alive", a.no_keep_alive, "a new connection for each request");
  command.option("--header-id", o.header_id, "name of a header with a different id in each request");
  command.option("--id-prefix", o.id_prefix, "ids are PREFIX-000001 and so on").show_default();
  command.flag("--json", a.json, "print the result as one JSON object");
  command.flag("--live-json", a.live_json, "print a JSON object each second, then the result");
  command.flag("--quiet", a.quiet, "no progress, only the result");
  command.option("--hdr", a.hdr_file, "write the latencies (ms) in HdrHistogram's percentile form");
  command.option("--requests-log", o.request_log, "write a CSV line for each request");
  command.flag("--allow-remote", o.allow_remote, "allow targets that are not this machine");
  command.runs([arguments] { return load(*arguments); });
}

}  // namespace quoll::apps
