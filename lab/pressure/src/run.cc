#include "quoll/lab/pressure/run.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "quoll/base/assert.h"

namespace quoll::lab::pressure {

StopSignal::StopSignal() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  QUOLL_ASSERT(fd_ >= 0);
}

StopSignal::~StopSignal() {
  ::close(fd_);
}

void StopSignal::request() {
  requested_.store(true, std::memory_order_relaxed);
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof one);
}

bool StopSignal::wait_for(Duration d) const {
  return wait_for(d, -1);
}

bool StopSignal::wait_for(Duration d, int other) const {
  const TimePoint end = steady_now() + d;
  std::array<pollfd, 2> watched = {{{fd_, POLLIN, 0}, {other, POLLIN, 0}}};
  for (;;) {
    if (requested()) return true;
    const Duration left = std::max(Duration::zero(), end - steady_now());
    timespec timeout{};
    timeout.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(left).count();
    timeout.tv_nsec = (left % std::chrono::seconds(1)).count();
    const int ready = ::ppoll(watched.data(), watched.size(), &timeout, nullptr);
    if (ready == 0) return requested();
    if (ready > 0) return watched[0].revents != 0 || requested();
  }
}

std::string to_json(const Event& event) {
  std::string out = fmt::format(R"({{"event":"{}","at_ns":{})", event.name, event.at.time_since_epoch().count());
  for (const Event::Field& field : event.fields) {
    out += fmt::format(",\"{}\":", field.name);
    if (const auto* text = std::get_if<std::string>(&field.value)) {
      out += boost::json::serialize(boost::json::string_view(*text));
    } else if (const auto* whole = std::get_if<std::int64_t>(&field.value)) {
      out += std::to_string(*whole);
    } else {
      out += fmt::format("{:.3f}", std::get<double>(field.value));
    }
  }
  if (!event.text.empty()) out += ",\"text\":" + boost::json::serialize(boost::json::string_view(event.text));
  return out + "}";
}

}  // namespace quoll::lab::pressure
