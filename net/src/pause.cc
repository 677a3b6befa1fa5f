#include "quoll/net/pause.h"

#include "quoll/net/edge_wait.h"

namespace quoll::net {

Task<void> pause(Loop& loop, TimePoint until) {
  internal::PendingHandler waiter;
  Deadline deadline([](void* self) { static_cast<internal::PendingHandler*>(self)->call({}); }, &waiter);
  co_await asio::async_initiate<decltype(kAwait), void(boost::system::error_code)>(
      [&](auto handler) {
        waiter.set(std::move(handler));
        loop.deadlines.set(deadline, until);
      },
      kAwait);
}

}  // namespace quoll::net
