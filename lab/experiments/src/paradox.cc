#include "quoll/lab/experiments/paradox.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "quoll/base/rng.h"
#include "quoll/lab/experiments/environment.h"
#include "quoll/lab/experiments/paradox_cell.h"
#include "quoll/lab/experiments/paradox_report.h"
#include "quoll/lab/experiments/report_html.h"
#include "quoll/lab/experiments/text.h"

namespace quoll::lab::experiments::paradox {

namespace {

std::atomic<int> stop_requested{0};
int wake_fd = -1;

extern "C" void stop_paradox(int number) {
  stop_requested.store(number);
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
    action.sa_handler = stop_paradox;
    action.sa_flags = SA_RESTART;
    for (std::size_t i = 0; i < kCount; ++i) ::sigaction(kNumbers[i], &action, &before_[i]);
  }
  ~Signals() {
    for (std::size_t i = 0; i < kCount; ++i) ::sigaction(kNumbers[i], &before_[i], nullptr);
    ::close(wake_fd);
    wake_fd = -1;
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // False once a signal has come; then it returns at once.
  static bool rest(Duration d) {
    if (stop_requested.load() != 0) return false;
    pollfd one{wake_fd, POLLIN, 0};
    ::poll(&one, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(d).count()));
    return stop_requested.load() == 0;
  }

 private:
  static constexpr std::size_t kCount = 3;
  static constexpr int kNumbers[kCount] = {SIGINT, SIGTERM, SIGHUP};
  struct sigaction before_[kCount] {};
};

// A folder that goes when we go.
class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "quoll-paradox-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) return;
    path_ = std::move(name);
    // nginx's worker is somebody else when we are root.
    std::error_code error;
    std::filesystem::permissions(path_, std::filesystem::perms(0755), error);
  }
  ~Scratch() {
    std::error_code error;
    if (!path_.empty()) std::filesystem::remove_all(path_, error);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class Run {
 public:
  Run(const ParadoxOptions& options, std::vector<Group> plan)
      : options_(options), plan_(std::move(plan)), out_(options.json == "-" ? stderr : stdout) {
    record_.environment = read_environment();
    record_.seed = options.seed != 0 ? options.seed : random_seed() % 1'000'000 + 1;
    record_.band = options.band;
    record_.command = options.command;
    context_.program = options.program;
    context_.peers = options.peers;
    context_.scratch = scratch_.path();
    context_.seed = record_.seed;
    context_.band = options.band;
    context_.rest = [](Duration d) { return Signals::rest(d); };
  }

  int go() {
    if (scratch_.path().empty()) {
      std::fprintf(stderr, "quoll lab paradox: cannot make a folder in %s\n",
                   std::filesystem::temp_directory_path().c_str());
      return 1;
    }
    std::size_t cells = 0;
    for (const Group& group : plan_) cells += group.callers.size();
    print({fmt::format("Quoll paradox: {} cells, one after another, about {}; seed {}.", cells,
                       humanize(expected(plan_)), record_.seed),
           "false: timeouts of answers in time; missed: late answers passed on as good;",
           "late ms: how late right timeouts came, p99 / max; (n): false openings."});
    for (const Group& group : plan_) {
      if (record_.interrupted) break;
      run_group(group);
    }
    return finish();
  }

 private:
  void print(const std::vector<std::string>& lines) {
    for (const std::string& line : lines) std::fprintf(out_, "%s\n", line.c_str());
    std::fflush(out_);
  }

  void run_group(const Group& group) {
    print({"", fmt::format("{}; {}", title(group.pressure), title(group.backend))});
    record_.groups.push_back({group, {}});
    GroupRecord& record = record_.groups.back();
    const bool terminal = ::isatty(::fileno(out_)) != 0;
    for (const Caller caller : group.callers) {
      if (terminal) {
        std::fprintf(out_, "  %s ...\r", std::string(title(caller)).c_str());
        std::fflush(out_);
      }
      CellRun cell(context_, record.group, caller);
      auto done = cell.run();
      if (!done && done.error().code == "stopped") {
        record_.interrupted = true;
        return;
      }
      if (!done) {
        record_.problems.push_back(fmt::format("{}, {}, {}: {}", title(caller), title(group.pressure),
                                               title(group.backend), done.error().message));
        print({"  FAIL  " + record_.problems.back()});
        continue;
      }
      if (!done->problem.empty()) record_.problems.push_back(fmt::format("{}: {}", title(caller), done->problem));
      print({cell_line(*done)});
      record.cells.push_back(std::move(*done));
    }
  }

  int finish() {
    for (const GroupRecord& group : record_.groups) {
      if (group.cells.empty()) continue;
      print({"", fmt::format("{}; {}", title(group.group.pressure), title(group.group.backend))});
      print(group_table(group));
    }
    print(closing(record_));
    bool written = save(options_.report, options_.report.empty() ? "" : page(record_), "Report");
    if (options_.json == "-") {
      std::printf("%s\n", to_json(record_).c_str());
    } else {
      written = save(options_.json, options_.json.empty() ? "" : to_json(record_) + "\n", "JSON") && written;
    }
    print({fmt::format("Repeat with --seed {}.", record_.seed)});
    if (record_.interrupted) return 130;
    return record_.ok() && written ? 0 : 1;
  }

  bool save(const std::string& path, const std::string& text, const char* what) {
    if (path.empty()) return true;
    const Result<void> saved = write_file(path, text);
    if (saved) {
      print({fmt::format("{}: {}", what, path)});
    } else {
      std::fprintf(stderr, "quoll lab paradox: %s\n", saved.error().message.c_str());
    }
    return saved.has_value();
  }

  const ParadoxOptions& options_;
  const std::vector<Group> plan_;
  std::FILE* out_;
  Scratch scratch_;
  CellContext context_;
  ParadoxRecord record_;
};

}  // namespace

int run_paradox(const ParadoxOptions& options) {
  std::vector<Group> plan = make_plan(options.choice);
  if (plan.empty()) {
    std::fprintf(stderr,
                 "quoll lab paradox: no cell is left: none of these callers takes part in these pressures and "
                 "backends; loop100 and loop600 need quoll, quoll-timer or node\n");
    return 2;
  }
  const Signals signals;
  return Run(options, std::move(plan)).go();
}

}  // namespace quoll::lab::experiments::paradox
