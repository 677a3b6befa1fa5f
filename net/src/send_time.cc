#include "quoll/net/send_time.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <ctime>

namespace quoll::net {

namespace {

// TCP counts in the kernel's ticks, as the coarse clock does.
Duration kernel_tick() {
  timespec resolution{};
  if (::clock_getres(CLOCK_MONOTONIC_COARSE, &resolution) != 0) return std::chrono::milliseconds(10);
  return std::chrono::seconds(resolution.tv_sec) + std::chrono::nanoseconds(resolution.tv_nsec);
}

}  // namespace

TimePoint latest_send(TimePoint before, TimePoint after, Duration idle, Duration tick) {
  const TimePoint latest = after - idle + tick;
  return latest < before ? after : std::min(latest, after);
}

TimePoint send_time(int fd, TimePoint before, TimePoint after) {
  if (after - before <= kPromptSend) return after;
  static const Duration tick = kernel_tick();
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return after;
  return latest_send(before, after, std::chrono::milliseconds(info.tcpi_last_data_sent), tick);
}

}  // namespace quoll::net
