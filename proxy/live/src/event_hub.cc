#include "quoll/proxy/live/event_hub.h"

#include <fmt/format.h>

#include "quoll/base/assert.h"

namespace quoll::proxy {

void EventHub::publish(std::string message) {
  const auto shared = std::make_shared<const std::string>(std::move(message));
  for (Reader& reader : readers_) {
    if (reader.cut) continue;
    if (reader.queue.size() >= kMaxQueued) {
      reader.cut = true;
      ++dropped_;
      reader.client.abort();  // wakes its coroutine, wherever it waits
    } else {
      reader.queue.push_back(shared);
    }
    reader.news.cancel();
  }
}

net::Task<bool> EventHub::send(Reader& reader, std::string_view bytes) {
  iovec piece{const_cast<char*>(bytes.data()), bytes.size()};  // sendmsg only reads
  const net::WriteResult written = co_await reader.client.write({&piece, 1}, steady_now() + kPatience);
  co_return written.status == net::IoStatus::ok && !reader.cut;
}

net::Task<void> EventHub::serve(net::StampedSocket& client, std::string first) {
  QUOLL_ASSERT(!full());
  Reader reader(client);
  readers_.push_back(reader);
  bool open = co_await send(reader, first);
  first = std::string();
  while (open) {
    if (reader.queue.empty()) {
      reader.news.expires_after(kHeartbeat);
      const auto [interrupted] = co_await reader.news.async_wait(net::kAwait);
      if (reader.cut) co_return;
      if (!interrupted) open = co_await send(reader, ": still here\n\n");
      continue;
    }
    const Message message = std::move(reader.queue.front());
    reader.queue.pop_front();
    open = co_await send(reader, *message);
  }
}

std::string sse_event(std::string_view name, std::string_view data, std::string_view id) {
  QUOLL_ASSERT(data.find_first_of("\r\n") == std::string_view::npos);
  if (id.empty()) return fmt::format("event: {}\ndata: {}\n\n", name, data);
  return fmt::format("event: {}\nid: {}\ndata: {}\n\n", name, id, data);
}

}  // namespace quoll::proxy
