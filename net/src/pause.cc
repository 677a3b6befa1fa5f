#include "quoll/net/pause.h"

namespace quoll::net {

Task<void> pause(Loop& loop, TimePoint until) {
  PausedTask task;
  co_await asio::async_initiate<decltype(kAwait), void(boost::system::error_code)>(
      [&](auto handler) { loop.deadlines.pause(task, until, std::move(handler)); }, kAwait);
}

}  // namespace quoll::net
