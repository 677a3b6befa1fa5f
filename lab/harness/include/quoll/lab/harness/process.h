// Process: a child process whose output is read line by line and which never outlives its owner.
//
//   auto child = Process::start({.name = "backend", .program = "/proc/self/exe", .command = {"quoll", "backend"}});
//   ...
//   child.value()->stop();     // SIGTERM, then SIGKILL after the grace; the destructor does the same
//
// Three nets catch a child: the destructor stops it; it is the leader of a process group of its own, so that its own
// children go with it and a Ctrl-C at the terminal reaches only us; and the kernel kills it when we die in any way
// (PR_SET_PDEATHSIG). The kernel ties the last to the *thread* that called start(): call it on one that lives to the
// end, normally the main thread.
//
// Thread-safe after start(). `on_line` is called on a thread of the Process.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "quoll/base/fd.h"
#include "quoll/base/mutex.h"
#include "quoll/base/result.h"
#include "quoll/base/time.h"

namespace quoll::lab::harness {

struct ProcessOptions {
  // For messages.
  std::string name;
  // The program's path; not searched for in PATH.
  std::string program;
  // Its name (argv[0]) and its arguments.
  std::vector<std::string> command;
  // One line of standard output without its newline. Must not call back into the Process. May be empty.
  std::function<void(std::string_view line)> on_line = {};
  // The last lines of both outputs that tail() keeps. Default 12.
  std::size_t tail_lines = 12;
};

struct Exit {
  int code = 0;    // when it exited by itself
  int signal = 0;  // when a signal ended it

  bool success() const { return code == 0 && signal == 0; }
  // "exit code 2", "signal 11 (Segmentation fault)".
  std::string describe() const;
};

class Process {
 public:
  // A longer line is cut there.
  static constexpr std::size_t kMaxLine = 1U << 20U;
  static constexpr Duration kGrace = std::chrono::seconds(3);

  // Errors: "exec" (the program cannot be run), "system".
  static Result<std::unique_ptr<Process>> start(ProcessOptions options);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  const std::string& name() const { return options_.name; }
  // The command as a shell would take it.
  std::string command_line() const;
  pid_t pid() const { return pid_; }

  // Waits up to `limit` for the end; zero only looks. After the end all output has been delivered.
  std::optional<Exit> wait(Duration limit);
  // To the whole group; nothing once the child has been waited for.
  void signal(int number);
  // SIGTERM, up to `grace`, then SIGKILL; afterwards nothing of its group runs. Harmless when it has already ended.
  Exit stop(Duration grace = kGrace);
  // The last lines of both outputs, oldest first.
  std::vector<std::string> tail() const;

 private:
  struct Pipes;
  struct Lines;

  explicit Process(ProcessOptions options);
  Result<void> launch();
  void read_output();
  void deliver(std::string_view line, bool standard_output);

  ProcessOptions options_;
  pid_t pid_ = -1;
  Fd pidfd_;
  Fd out_;  // our ends of the pipes
  Fd err_;
  Fd finish_;  // eventfd: the child has ended, read what is left and return
  std::thread reader_;
  mutable Mutex mutex_;
  std::deque<std::string> tail_ QUOLL_GUARDED_BY(mutex_);
  Mutex wait_mutex_;  // one waiter at a time
  std::optional<Exit> exit_ QUOLL_GUARDED_BY(wait_mutex_);
};

}  // namespace quoll::lab::harness
