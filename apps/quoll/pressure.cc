// `quoll pressure KIND`: takes CPU away from others, in four ways.

#include <fmt/format.h>

#include <charconv>
#include <iostream>
#include <memory>

#include "commands.h"
#include "faults.h"
#include "quoll/base/rng.h"
#include "quoll/base/stop_signal.h"
#include "quoll/lab/pressure/cpu.h"
#include "quoll/lab/pressure/loop.h"
#include "quoll/lab/pressure/pause.h"
#include "quoll/lab/pressure/quota.h"

namespace quoll::apps {

namespace {

using namespace lab::pressure;

// As typed; strings become values in one place, below.
struct Common {
  std::string duration;
  bool json = false;
};
struct LoopArguments : Common {
  LoopOptions options;
  std::string block = "100ms";
  std::string every = "1s..2s";
};
struct CpuArguments : Common {
  CpuOptions options;
  std::string cores = "all";
  std::string duty = "100%";
};
struct QuotaArguments : Common {
  QuotaOptions options;
  std::string period = "100ms";
  bool skip_unavailable = false;
};
struct PauseArguments : Common {
  PauseOptions options;
  std::string stop = "300ms";
  std::string every = "1s..2s";
};

void store_duration(Faults& faults, const std::string& text, RunLength& out) {
  if (!text.empty()) faults.store("--duration", parse_duration(text), out);
}

Result<double> parse_percent(std::string_view text) {
  double value = 0;
  const std::string_view digits = text.substr(0, text.size() - (text.ends_with('%') ? 1 : 0));
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error == std::errc() && end == digits.data() + digits.size()) return value / 100;
  return Error{"'" + std::string(text) + "' is not a percentage, such as 50%", "bad_percent"};
}

Result<unsigned> parse_cores(std::string_view text) {
  if (text == "all") return 0U;
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && value > 0) return value;
  return Error{"'" + std::string(text) + "' is not a number of cores; write one, or all", "bad_cores"};
}

Sink printer(bool json) {
  const TimePoint start = steady_now();
  return [json, start](const lab::pressure::Event& event) {
    if (json) {
      std::cout << to_json(event) << std::endl;
    } else {
      std::cout << fmt::format("{:9.3f}s  {}", to_seconds(event.at - start), event.text) << std::endl;
    }
  };
}

int usage(const std::string& text) {
  std::cerr << "quoll pressure: " << text << "\n";
  return 2;
}

// Runs one kind under the signals' eyes and turns its result into an exit code.
template <typename Options>
int run_kind(const Options& options, const Common& common,
             Result<void> (*kind)(const Options&, const Sink&, const StopSignal&), bool skip_unavailable = false) {
  StopSignal stop;
  const StopOnSignals signals(stop);
  const auto ran = kind(options, printer(common.json), stop);
  if (ran) return 0;
  if (ran.error().code == "bad_options") return usage(ran.error().message);
  if (skip_unavailable && ran.error().code == "not_permitted") {
    printer(common.json)({"skipped", steady_now(), {}, "SKIPPED: " + ran.error().message});
    return 0;
  }
  std::cerr << "quoll pressure: " << ran.error().message << "\n";
  return 1;
}

template <typename Arguments>
std::shared_ptr<Arguments> with_common(Command command) {
  auto a = std::make_shared<Arguments>();
  command.option("--duration", a->duration, "How long (default: until Ctrl-C)");
  command.flag("--json", a->json, "One JSON object a line for each event, with CLOCK_MONOTONIC as at_ns");
  return a;
}

template <typename Arguments>
void add_seed(Command command, Arguments& a) {
  a.options.seed = random_seed();
  command.option("--seed", a.options.seed, "Of the times (default: a random one, printed)");
}

void print_seed(const Common& common, std::uint64_t seed) {
  printer(common.json)({"seed", steady_now(), {{"seed", std::to_string(seed)}}, fmt::format("seed {}", seed)});
}

void add_loop(Command pressure) {
  const Command command = pressure.subcommand("loop", "Asks a proxy to block its event loops");
  auto a = with_common<LoopArguments>(command);
  command.option("--target", a->options.target, "The admin port of a proxy started with --allow-pressure")
      .show_default();
  command.option("--block", a->block, "How long a block lasts, such as 100ms or 50ms..600ms").show_default();
  command.option("--every", a->every, "From one block's start to the next one's").show_default();
  command.option("--worker", a->options.worker, "all, random, or a worker's number").show_default();
  add_seed(command, *a);
  command.runs([a] {
    Faults faults;
    faults.store("--block", parse_duration_range(a->block), a->options.block);
    faults.store("--every", parse_duration_range(a->every), a->options.every);
    store_duration(faults, a->duration, a->options.duration);
    if (!faults.none()) return usage(faults.text());
    print_seed(*a, a->options.seed);
    return run_kind(a->options, *a, run_loop);
  });
}

void add_cpu(Command pressure) {
  const Command command = pressure.subcommand("cpu", "Burns whole cores");
  auto a = with_common<CpuArguments>(command);
  command.option("--cores", a->cores, "How many threads burn, or all").show_default();
  command.option("--nice", a->options.nice, "0 competes as an equal, 19 takes what is left").show_default();
  command.option("--duty", a->duty, "The share of each 10 ms that is burnt").show_default();
  command.runs([a] {
    Faults faults;
    faults.store("--cores", parse_cores(a->cores), a->options.cores);
    faults.store("--duty", parse_percent(a->duty), a->options.duty);
    store_duration(faults, a->duration, a->options.duration);
    if (!faults.none()) return usage(faults.text());
    return run_kind(a->options, *a, run_cpu);
  });
}

void add_quota(Command pressure) {
  const Command command = pressure.subcommand("quota", "Puts a process under a CPU quota, as Kubernetes limits do");
  auto a = with_common<QuotaArguments>(command);
  command.option("--pid", a->options.pid, "The process").required();
  command.option("--percent", a->options.percent, "Of one CPU").show_default();
  command.option("--period", a->period, "The quota is handed out anew each period").show_default();
  command.flag("--neighbour", a->options.neighbour, "Adds a process that spins to the same quota");
  command.flag("--skip-unavailable", a->skip_unavailable, "Exit code 0 where control groups are not permitted");
  command.runs([a] {
    Faults faults;
    faults.store("--period", parse_duration(a->period), a->options.period);
    store_duration(faults, a->duration, a->options.duration);
    if (!faults.none()) return usage(faults.text());
    return run_kind(a->options, *a, run_quota, a->skip_unavailable);
  });
}

void add_pause(Command pressure) {
  const Command command = pressure.subcommand("pause", "Stops and continues a process at random (SIGSTOP, SIGCONT)");
  auto a = with_common<PauseArguments>(command);
  command.option("--pid", a->options.pid, "The process").required();
  command.option("--stop", a->stop, "How long it is stopped").show_default();
  command.option("--every", a->every, "From one stop's start to the next one's").show_default();
  add_seed(command, *a);
  command.runs([a] {
    Faults faults;
    faults.store("--stop", parse_duration_range(a->stop), a->options.stop);
    faults.store("--every", parse_duration_range(a->every), a->options.every);
    store_duration(faults, a->duration, a->options.duration);
    if (!faults.none()) return usage(faults.text());
    print_seed(*a, a->options.seed);
    return run_kind(a->options, *a, run_pause);
  });
}

}  // namespace

void add_pressure(Command app) {
  const Command pressure = app.subcommand("pressure", "Takes CPU away from others, to see what they make of it");
  pressure.needs_subcommand();
  add_loop(pressure);
  add_cpu(pressure);
  add_quota(pressure);
  add_pause(pressure);
}

}  // namespace quoll::apps
