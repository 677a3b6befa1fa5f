// Real processes and sockets of this machine; every wait is for an event and bounded.
#include "quoll/lab/harness/process.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <future>
#include <string>
#include <thread>

namespace quoll::lab::harness {
namespace {

constexpr Duration kLong = std::chrono::seconds(20);

ProcessOptions shell(const std::string& script, std::function<void(std::string_view)> on_line = {}) {
  return {.name = "shell", .program = "/bin/sh", .command = {"sh", "-c", script}, .on_line = std::move(on_line)};
}

// Waits until a process is gone (or only a zombie of somebody else's); false when it stays.
bool disappears(pid_t pid) {
  const TimePoint end = steady_now() + kLong;
  while (steady_now() < end) {
    if (::kill(pid, 0) != 0) return true;
    std::FILE* stat = std::fopen(("/proc/" + std::to_string(pid) + "/stat").c_str(), "r");
    char state = 'X';
    if (stat != nullptr) {
      if (std::fscanf(stat, "%*d (%*[^)]) %c", &state) != 1) state = 'X';
      std::fclose(stat);
    }
    if (state == 'Z' || state == 'X') return true;
    std::this_thread::yield();
  }
  return false;
}

TEST(Process, AllOutputHasBeenDeliveredWhenTheEndIsKnown) {
  std::vector<std::string> lines;
  auto process = Process::start(shell("echo one; echo two; echo trouble >&2; printf three; exit 3",
                                      [&](std::string_view line) { lines.emplace_back(line); }));
  ASSERT_TRUE(process) << process.error().message;
  const auto ended = (*process)->wait(kLong);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->code, 3);
  EXPECT_EQ(ended->describe(), "exit code 3");
  EXPECT_EQ(lines, (std::vector<std::string>{"one", "two", "three"}));
  EXPECT_EQ((*process)->tail().size(), 4U);
}

TEST(Process, TheTailKeepsTheLastLines) {
  ProcessOptions options = shell("for i in 1 2 3 4 5; do echo $i; done");
  options.tail_lines = 2;
  auto process = Process::start(std::move(options));
  ASSERT_TRUE((*process)->wait(kLong));
  EXPECT_EQ((*process)->tail(), (std::vector<std::string>{"4", "5"}));
}

TEST(Process, AProgramThatIsNotThereIsAnErrorThatNamesIt) {
  const auto process = Process::start({.name = "x", .program = "/nonexistent/quoll", .command = {"quoll"}});
  ASSERT_FALSE(process);
  EXPECT_EQ(process.error().code, "exec");
  EXPECT_NE(process.error().message.find("/nonexistent/quoll"), std::string::npos);
}

TEST(Process, OneThatIgnoresSigtermIsKilled) {
  std::promise<void> ready;
  auto process = Process::start(
      shell("trap '' TERM; echo ready; while :; do :; done", [&](std::string_view) { ready.set_value(); }));
  ready.get_future().wait_for(kLong);
  const Exit ended = (*process)->stop(std::chrono::milliseconds(50));
  EXPECT_EQ(ended.signal, SIGKILL);
}

TEST(Process, ItsOwnChildrenGoWithIt) {
  std::promise<pid_t> grandchild;
  {
    auto process = Process::start(shell("sh -c 'echo $$; while :; do :; done' & wait", [&](std::string_view line) {
      grandchild.set_value(std::stoi(std::string(line)));
    }));
    auto pid = grandchild.get_future();
    ASSERT_EQ(pid.wait_for(kLong), std::future_status::ready);
    process->reset();
    EXPECT_TRUE(disappears(pid.get()));
  }
}

TEST(Process, AGrandchildThatHoldsThePipeDoesNotHoldUsUp) {
  auto process = Process::start(shell("setsid sh -c 'sleep 5' & echo done"));
  const auto ended = (*process)->wait(kLong);
  ASSERT_TRUE(ended);
  EXPECT_EQ((*process)->tail(), std::vector<std::string>{"done"});
}

TEST(Process, TheKernelKillsItWhenItsOwnerIsKilled) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  const pid_t owner = ::fork();
  if (owner == 0) {
    auto process = Process::start(shell("while :; do :; done"));
    const pid_t pid = process ? (*process)->pid() : -1;
    if (::write(pipe[1], &pid, sizeof(pid)) != static_cast<ssize_t>(sizeof(pid))) ::_exit(1);
    while (true) ::pause();
  }
  pid_t child = -1;
  ASSERT_EQ(::read(pipe[0], &child, sizeof(child)), static_cast<ssize_t>(sizeof(child)));
  ASSERT_GT(child, 0);
  ::kill(owner, SIGKILL);
  ::waitpid(owner, nullptr, 0);
  EXPECT_TRUE(disappears(child));
  for (const int fd : pipe) ::close(fd);
}

TEST(Process, TheCommandLineCanBePastedIntoAShell) {
  auto process = Process::start({.name = "x", .program = "/bin/true", .command = {"true", "a b", "plain=1..2s", ""}});
  EXPECT_EQ((*process)->command_line(), "true 'a b' plain=1..2s ''");
}

}  // namespace
}  // namespace quoll::lab::harness
