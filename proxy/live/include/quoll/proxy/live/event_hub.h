// EventHub: one stream of server-sent events (WHATWG HTML, "Server-sent events") to a bounded number of readers.
//
// A message is made once and shared by all readers. Each reader has a queue with a bound; one that does not keep up is
// cut off, and its browser comes back by itself and asks for what it missed. A reader costs at most kMaxQueued pointers
// and what the kernel buffers for its socket.
//
// Loop-confined to the admin worker.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "quoll/net/stamped_socket.h"

namespace quoll::proxy {

class EventHub {
 public:
  static constexpr std::size_t kMaxReaders = 32;
  // Messages: at two a second, half a minute of them.
  static constexpr std::size_t kMaxQueued = 64;
  // With nothing to send for so long, a comment is sent, so that both ends notice a dead connection.
  static constexpr Duration kHeartbeat = std::chrono::seconds(5);
  // How long a reader may take to accept what it was sent.
  static constexpr Duration kPatience = std::chrono::seconds(10);

  EventHub() = default;
  EventHub(const EventHub&) = delete;
  EventHub& operator=(const EventHub&) = delete;

  // To every reader. `message` is whole events, made by sse_event.
  void publish(std::string message);
  bool full() const { return readers_.size() >= kMaxReaders; }
  std::size_t readers() const { return readers_.size(); }
  // Readers cut off because they did not keep up, since the start.
  std::uint64_t dropped() const { return dropped_; }

  // Sends `first`, then what is published from now on, until the reader goes or is cut off. Not when full().
  net::Task<void> serve(net::StampedSocket& client, std::string first);

 private:
  using Timer = boost::asio::steady_timer::rebind_executor<net::Executor>::other;
  using Message = std::shared_ptr<const std::string>;

  struct Reader : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    explicit Reader(net::StampedSocket& to) : client(to), news(to.loop().executor) {}

    net::StampedSocket& client;
    Timer news;  // cancelled when something was queued
    std::deque<Message> queue;
    bool cut = false;
  };
  using Readers = boost::intrusive::list<Reader, boost::intrusive::constant_time_size<false>>;

  net::Task<bool> send(Reader& reader, std::string_view bytes);

  Readers readers_;
  std::uint64_t dropped_ = 0;
};

// One event. `data` has no line breaks. `id`: what the browser sends back as Last-Event-ID; none when empty.
std::string sse_event(std::string_view name, std::string_view data, std::string_view id = {});

}  // namespace quoll::proxy
