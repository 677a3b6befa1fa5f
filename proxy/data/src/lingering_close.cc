#include "quoll/proxy/data/lingering_close.h"

#include <algorithm>
#include <array>

namespace quoll::proxy {

net::Task<void> lingering_close(net::StampedSocket& client) {
  // However much comes: to close on unread bytes is to send a reset, which takes the answer from the client.
  constexpr Duration kSilence = std::chrono::seconds(1);
  constexpr Duration kMost = std::chrono::seconds(5);
  std::array<char, 4096> sink;
  client.shutdown_send();
  const TimePoint end = steady_now() + kMost;
  for (TimePoint now = steady_now(); now < end;) {
    const net::ReadResult got = co_await client.read(sink, std::min(end, now + kSilence));
    if (got.status != net::IoStatus::ok) break;
    now = got.read_at;
  }
  client.close();
}

}  // namespace quoll::proxy
