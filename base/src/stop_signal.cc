#include "quoll/base/stop_signal.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>

#include "quoll/base/assert.h"

namespace quoll {

namespace {

constexpr int kNumbers[] = {SIGINT, SIGTERM, SIGHUP};
std::atomic<StopSignal*> g_stop{nullptr};

extern "C" void quoll_request_stop(int /*number*/) {
  const int before = errno;
  if (StopSignal* const stop = g_stop.load(); stop != nullptr) stop->request();
  errno = before;
}

}  // namespace

StopSignal::StopSignal() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

void StopSignal::request() {
  requested_.store(true, std::memory_order_relaxed);
  const std::uint64_t one = 1;
  // A full counter is a request already made. Without a descriptor the flag alone tells.
  if (fd_) [[maybe_unused]]
    const auto written = ::write(fd_.get(), &one, sizeof one);
}

bool StopSignal::wait_for(Duration limit, int other) const {
  const TimePoint end = steady_now() + limit;
  std::array<pollfd, 2> watched = {{{fd_.get(), POLLIN, 0}, {other, POLLIN, 0}}};
  for (;;) {
    if (requested()) return true;
    const Duration left = std::max(Duration::zero(), end - steady_now());
    timespec timeout{};
    timeout.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(left).count();
    timeout.tv_nsec = (left % std::chrono::seconds(1)).count();
    const int ready = ::ppoll(watched.data(), watched.size(), &timeout, nullptr);
    if (ready >= 0) return watched[0].revents != 0 || requested();
  }
}

StopOnSignals::StopOnSignals(StopSignal& stop) {
  StopSignal* none = nullptr;
  QUOLL_ASSERT(g_stop.compare_exchange_strong(none, &stop));
  struct sigaction action {};
  action.sa_handler = quoll_request_stop;
  action.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < kCount; ++i) {
    ::sigaction(kNumbers[i], nullptr, &before_[i]);
    const bool nohup = kNumbers[i] == SIGHUP && before_[i].sa_handler == SIG_IGN;
    if (!nohup) ::sigaction(kNumbers[i], &action, nullptr);
  }
}

StopOnSignals::~StopOnSignals() {
  for (std::size_t i = 0; i < kCount; ++i) ::sigaction(kNumbers[i], &before_[i], nullptr);
  g_stop.store(nullptr);
}

}  // namespace quoll
