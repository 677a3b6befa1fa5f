#include "quoll/lab/experiments/run_guard.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>

namespace quoll::lab::experiments {

namespace {

constexpr int kNumbers[] = {SIGINT, SIGTERM, SIGHUP};
std::atomic<int> stop_requested{0};
int wake_fd = -1;

extern "C" void stop_run(int number) {
  stop_requested.store(number);
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_fd, &one, sizeof(one));
}

}  // namespace

Signals::Signals() {
  wake_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  stop_requested.store(0);
  struct sigaction action {};
  action.sa_handler = stop_run;
  action.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < kCount; ++i) {
    ::sigaction(kNumbers[i], nullptr, &before_[i]);
    const bool nohup = kNumbers[i] == SIGHUP && before_[i].sa_handler == SIG_IGN;
    if (!nohup) ::sigaction(kNumbers[i], &action, nullptr);
  }
}

Signals::~Signals() {
  for (std::size_t i = 0; i < kCount; ++i) ::sigaction(kNumbers[i], &before_[i], nullptr);
  ::close(wake_fd);
  wake_fd = -1;
}

bool Signals::rest(Duration d) {
  if (stop_requested.load() != 0) return false;
  pollfd one{wake_fd, POLLIN, 0};
  ::poll(&one, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(d).count()));
  return stop_requested.load() == 0;
}

Scratch::Scratch() {
  std::string name = (std::filesystem::temp_directory_path() / "quoll-lab-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) return;
  path_ = std::move(name);
  // Another user's process, such as nginx's worker when we are root, may have to read in it.
  std::error_code error;
  std::filesystem::permissions(path_, std::filesystem::perms(0755), error);
}

Scratch::~Scratch() {
  std::error_code error;
  if (!path_.empty()) std::filesystem::remove_all(path_, error);
}

}  // namespace quoll::lab::experiments
