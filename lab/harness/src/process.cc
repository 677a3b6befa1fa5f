#include "quoll/lab/harness/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>

namespace quoll::lab::harness {

namespace {

Error system_error(const std::string& what) {
  return {what + ": " + std::strerror(errno), "system"};
}

// Between fork and exec of a process with threads only async-signal-safe calls are allowed; this makes no others.
[[noreturn]] void become(const char* program, char* const* argv, pid_t parent, int out, int err, int report) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // the parent died before the line above
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGWINCH, SIGUSR1, SIGUSR2}) ::signal(number, SIG_DFL);
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (::dup2(null, STDIN_FILENO) >= 0 && ::dup2(out, STDOUT_FILENO) >= 0 && ::dup2(err, STDERR_FILENO) >= 0) {
    ::execv(program, argv);
  }
  const int why = errno;
  [[maybe_unused]] const ssize_t written = ::write(report, &why, sizeof(why));
  ::_exit(127);
}

int timeout_for_poll(Duration d) {
  const auto millis = std::chrono::ceil<std::chrono::milliseconds>(d).count();
  return static_cast<int>(std::clamp<std::int64_t>(millis, 0, 1'000'000));
}

}  // namespace

// Cuts a stream of bytes into lines.
struct Process::Lines {
  std::string partial;

  template <typename Deliver>
  void split(std::string_view bytes, const Deliver& deliver) {
    while (true) {
      const std::size_t end = bytes.find('\n');
      const std::string_view piece = bytes.substr(0, end);
      partial.append(piece.substr(0, kMaxLine - std::min(kMaxLine, partial.size())));
      if (end == std::string_view::npos) return;
      deliver(partial);
      partial.clear();
      bytes.remove_prefix(end + 1);
    }
  }
};

// Our ends and the child's.
struct Process::Pipes {
  struct Ends {
    Fd read;
    Fd write;
  };
  Ends out;
  Ends err;
  Ends report;

  bool open() { return open(out) && open(err) && open(report); }
  static bool open(Ends& ends) {
    std::array<int, 2> made{-1, -1};
    if (::pipe2(made.data(), O_CLOEXEC) != 0) return false;
    ends = {Fd(made[0]), Fd(made[1])};
    return true;
  }
};

std::string Exit::describe() const {
  if (signal != 0) return "signal " + std::to_string(signal) + " (" + ::strsignal(signal) + ")";
  return "exit code " + std::to_string(code);
}

Process::Process(ProcessOptions options) : options_(std::move(options)) {}

Result<std::unique_ptr<Process>> Process::start(ProcessOptions options) {
  QUOLL_ASSERT(!options.command.empty());
  std::unique_ptr<Process> process(new Process(std::move(options)));
  const Result<void> launched = process->launch();
  if (!launched) return launched.error();
  return process;
}

Result<void> Process::launch() {
  Pipes pipes;
  finish_.reset(::eventfd(0, EFD_CLOEXEC));
  if (!finish_ || !pipes.open()) return system_error("cannot make the pipes for " + options_.name);
  std::vector<char*> argv;
  for (std::string& word : options_.command) argv.push_back(word.data());
  argv.push_back(nullptr);

  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) return system_error("cannot start " + options_.name);
  if (pid_ == 0)
    become(options_.program.c_str(), argv.data(), parent, pipes.out.write.get(), pipes.err.write.get(),
           pipes.report.write.get());
  ::setpgid(pid_, pid_);  // here too: whichever comes first
  for (Pipes::Ends* pipe : {&pipes.out, &pipes.err, &pipes.report}) pipe->write.reset();

  int why = 0;  // nothing comes when exec succeeded: the pipe closes
  ssize_t got = 0;
  while ((got = ::read(pipes.report.read.get(), &why, sizeof(why))) < 0 && errno == EINTR) {
  }
  if (got == static_cast<ssize_t>(sizeof(why))) {
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
    return Error{"cannot run " + options_.program + " for " + options_.name + ": " + std::strerror(why), "exec"};
  }
  // glibc 2.36 declares pidfd_open for C only.
  pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (!pidfd_) return system_error("cannot watch " + options_.name);
  out_ = std::move(pipes.out.read);
  err_ = std::move(pipes.err.read);
  reader_ = std::thread([this] { read_output(); });
  return {};
}

Process::~Process() {
  if (pid_ > 0 && !pidfd_) {  // launched, but could not be watched
    ::kill(-pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  } else if (pid_ > 0) {
    stop();
  }
  if (reader_.joinable()) reader_.join();
}

std::string Process::command_line() const {
  std::string text;
  for (const std::string& word : options_.command) {
    const bool plain = !word.empty() && word.find_first_not_of(
                                            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                            "0123456789-_=+./:,@%") == std::string::npos;
    if (!text.empty()) text += ' ';
    text += plain ? word : "'" + word + "'";
  }
  return text;
}

void Process::deliver(std::string_view line, bool standard_output) {
  {
    const MutexLock lock(mutex_);
    tail_.emplace_back(line);
    if (tail_.size() > options_.tail_lines) tail_.pop_front();
  }
  if (standard_output && options_.on_line) options_.on_line(line);
}

void Process::read_output() {
  Lines out;
  Lines err;
  std::array<pollfd, 3> watched{{{out_.get(), POLLIN, 0}, {err_.get(), POLLIN, 0}, {finish_.get(), POLLIN, 0}}};
  std::vector<char> buffer(65536);
  const auto read_one = [&](pollfd& one, Lines& lines, bool standard_output) {
    if (one.fd < 0 || one.revents == 0) return false;
    const ssize_t got = ::read(one.fd, buffer.data(), buffer.size());
    if (got > 0) {
      lines.split({buffer.data(), static_cast<std::size_t>(got)},
                  [&](std::string_view line) { deliver(line, standard_output); });
    } else if (got == 0 || errno != EINTR) {
      one.fd = -1;
    }
    return got > 0;
  };
  bool finishing = false;
  while (watched[0].fd >= 0 || watched[1].fd >= 0) {
    if (::poll(watched.data(), watched.size(), finishing ? 0 : -1) < 0 && errno != EINTR) break;
    if (watched[2].revents != 0) finishing = true;
    const bool any_out = read_one(watched[0], out, true);
    const bool any_err = read_one(watched[1], err, false);
    // A grandchild may hold a pipe open for ever; what the child itself wrote has been read when nothing is left.
    if (finishing && !any_out && !any_err) break;
  }
  if (!out.partial.empty()) deliver(out.partial, true);
  if (!err.partial.empty()) deliver(err.partial, false);
}

std::optional<Exit> Process::wait(Duration limit) {
  const MutexLock lock(wait_mutex_);
  if (exit_) return exit_;
  const TimePoint end = steady_now() + limit;
  pollfd watched{pidfd_.get(), POLLIN, 0};
  while (true) {
    const int ready = ::poll(&watched, 1, timeout_for_poll(std::max(Duration::zero(), end - steady_now())));
    if (ready > 0) break;
    if (ready == 0 && steady_now() >= end) return std::nullopt;
    if (ready < 0 && errno != EINTR) return std::nullopt;
  }
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  Exit ended;
  if (WIFSIGNALED(status)) {
    ended.signal = WTERMSIG(status);
  } else {
    ended.code = WEXITSTATUS(status);
  }
  exit_ = ended;
  ::kill(-pid_, SIGKILL);  // a process that it left behind in its group
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(finish_.get(), &one, sizeof(one));
  if (reader_.joinable()) reader_.join();
  return exit_;
}

void Process::signal(int number) {
  const MutexLock lock(wait_mutex_);
  if (!exit_) ::kill(-pid_, number);
}

Exit Process::stop(Duration grace) {
  if (const auto ended = wait(Duration::zero())) return *ended;
  signal(SIGTERM);
  if (const auto ended = wait(grace)) return *ended;
  signal(SIGKILL);
  while (true) {
    if (const auto ended = wait(std::chrono::seconds(1))) return *ended;
  }
}

std::vector<std::string> Process::tail() const {
  const MutexLock lock(mutex_);
  return {tail_.begin(), tail_.end()};
}

}  // namespace quoll::lab::harness
