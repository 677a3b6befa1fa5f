#include "quoll/lab/experiments/lab.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "quoll/base/rng.h"
#include "quoll/lab/experiments/driver.h"
#include "quoll/lab/experiments/environment.h"
#include "quoll/lab/experiments/live_view.h"
#include "quoll/lab/experiments/report_html.h"
#include "quoll/lab/experiments/text.h"
#include "quoll/lab/experiments/text_report.h"

namespace quoll::lab::experiments {

namespace {

std::atomic<int> stop_requested{0};
int wake_fd = -1;

void on_signal(int number) {
  if (number != SIGWINCH) stop_requested.store(number);
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_fd, &one, sizeof(one));
}

// Takes the signals for its lifetime and gives them back.
class Signals {
 public:
  Signals() {
    wake_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    stop_requested.store(0);
    struct sigaction action {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    for (std::size_t i = 0; i < kCount; ++i) {
      ::sigaction(kNumbers[i], nullptr, &before_[i]);
      const bool nohup = kNumbers[i] == SIGHUP && before_[i].sa_handler == SIG_IGN;
      if (!nohup) ::sigaction(kNumbers[i], &action, nullptr);
    }
  }
  ~Signals() {
    for (std::size_t i = 0; i < kCount; ++i) ::sigaction(kNumbers[i], &before_[i], nullptr);
    ::close(wake_fd);
    wake_fd = -1;
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // Returns early at a signal.
  static void sleep(Duration d) {
    pollfd one{wake_fd, POLLIN, 0};
    if (::poll(&one, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(d).count())) <= 0) return;
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = ::read(wake_fd, &count, sizeof(count));
  }

 private:
  static constexpr std::size_t kCount = 4;
  static constexpr int kNumbers[kCount] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH};
  struct sigaction before_[kCount] {};
};

// Where the run is shown while it lasts: the screen, or plain lines.
class View {
 public:
  View(const LabOptions& options, const Recorder& recorder)
      : recorder_(recorder), out_(options.json ? stderr : stdout) {
    if (options.live && !options.json) live_ = terminal_.open(STDOUT_FILENO);
  }

  void refresh() {
    if (live_) {
      const Screen screen = terminal_.screen();
      const Duration now = recorder_.now();
      terminal_.show(recorder_.look([&](const RunRecord& run) { return draw(run, now, screen); }));
      return;
    }
    print(recorder_.look([&](const RunRecord& run) { return plain_.news(run); }));
  }
  // Back to plain lines, for good.
  void leave() {
    terminal_.close();
    live_ = false;
  }
  void print(const std::vector<std::string>& lines) {
    for (const std::string& line : lines) std::fprintf(out_, "%s\n", line.c_str());
    std::fflush(out_);
  }
  bool colours() const { return ::isatty(::fileno(out_)) != 0 && std::getenv("NO_COLOR") == nullptr; }

 private:
  const Recorder& recorder_;
  std::FILE* out_;
  Terminal terminal_;
  PlainView plain_;
  bool live_ = false;
};

RunRecord describe(const LabOptions& options, std::uint64_t seed, const std::vector<Phase>& plan) {
  RunRecord run;
  run.environment = read_environment();
  run.seed = seed;
  run.quick = options.quick;
  run.verdict = options.verdict;
  run.rate = options.rate;
  run.connections = options.connections;
  // Starting the load takes a moment in each phase.
  run.planned = total_length(plan) + std::chrono::milliseconds(250) * static_cast<std::int64_t>(plan.size());
  return run;
}

void keep_until_stopped(const System& system, View& view) {
  view.print(
      {"", fmt::format("Backend and proxy stay up until Ctrl-C; try: curl -s http://127.0.0.1:{}/circuit-status, or "
                       "look at http://localhost:{}/dashboard",
                       system.proxy_port(), system.admin_port())});
  while (stop_requested.load() == 0) Signals::sleep(std::chrono::seconds(1));
}

int finish(const LabOptions& options, const Recorder& recorder, View& view) {
  view.refresh();
  view.leave();
  const RunRecord run = recorder.look([](const RunRecord& one) { return one; });
  view.print(text_report(run, view.colours()));
  const std::string json = to_json(run);
  bool written = true;
  if (!options.report.empty()) {
    const Result<void> saved = write_file(options.report, lab_page(json));
    written = saved.has_value();
    view.print({"", written ? "Report: " + options.report + " (open it in a browser)"
                            : "quoll lab: " + saved.error().message});
  }
  view.print({fmt::format("Seed: {} (repeat with --seed {})", run.seed, run.seed)});
  if (options.json) std::printf("%s\n", json.c_str());
  if (run.interrupted) return 130;
  return run.ok() && written ? 0 : 1;
}

}  // namespace

int run_lab(const LabOptions& options) {
  const Signals signals;
  const std::uint64_t seed = options.seed != 0 ? options.seed : random_seed() % 1'000'000 + 1;
  const unsigned cores = usable_cores();
  const std::vector<Phase> plan = make_plan(
      {.quick = options.quick, .arrival = options.verdict == "arrival", .burn_cores = std::max(1U, cores / 2)});
  Recorder recorder(describe(options, seed, plan));
  System system({.program = options.program,
                 .only_default_ports = options.ports == Ports::only_default,
                 .quick = options.quick,
                 .verdict = options.verdict,
                 .rate = options.rate,
                 .connections = options.connections,
                 .seed = seed,
                 .stopped = [] { return stop_requested.load() != 0; }});
  const Result<void> started = system.start();
  if (!started) {
    if (started.error().code == "stopped") return 130;
    std::fprintf(stderr, "quoll lab: %s\n", started.error().message.c_str());
    return started.error().code == "port_in_use" ? 2 : 1;
  }
  recorder.change([&](RunRecord& run) { run.breaker = system.breaker(); });

  View view(options, recorder);
  std::vector<std::string> opening = {
      fmt::format("Quoll lab: backend, proxy, pressure and load as separate processes, {} phases, about {}.",
                  plan.size(), humanize(total_length(plan))),
      fmt::format("Breaker: {}.", system.breaker()),
      fmt::format("Live page: http://localhost:{}/dashboard", system.admin_port())};
  opening.insert(opening.end(), system.notes().begin(), system.notes().end());
  Driver driver(system, recorder, [&](Duration nap) {
    view.refresh();
    Signals::sleep(nap);
    return stop_requested.load() == 0;
  });
  view.print(opening);
  driver.run(plan);
  const int code = finish(options, recorder, view);
  if (options.keep && stop_requested.load() == 0) keep_until_stopped(system, view);
  return code;
}

}  // namespace quoll::lab::experiments
