// LoopbackTest: a loop that the test turns by hand, and TCP pairs on 127.0.0.1 whose other end is a plain descriptor.
//
// These are integration tests: they use the real clock, and wait only where the claim is about real time. Times are
// compared with readings taken around the event itself, never with "about 50 ms", so that they hold on a busy machine.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "quoll/base/assert.h"
#include "quoll/net/stamped_socket.h"
#include "quoll/testing/wait.h"

namespace quoll::net {

using std::chrono::milliseconds;
using std::chrono::seconds;

// The stamps and the steady clock are compared through an offset; what that costs is microseconds, this is ample.
inline constexpr Duration kStampSlack = milliseconds(2);

// The other program: a blocking socket.
class Peer {
 public:
  explicit Peer(int fd = -1) : fd_(fd) {}
  Peer(Peer&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Peer& operator=(Peer&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Peer() { close(); }

  int fd() const { return fd_; }
  void send(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      QUOLL_ASSERT(n > 0);
      text.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  // Up to `most` bytes; fewer only at the end of the stream.
  std::string receive(std::size_t most) const {
    std::string out(most, '\0');
    std::size_t got = 0;
    while (got < most) {
      const ssize_t n = ::recv(fd_, out.data() + got, most - got, 0);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      got += static_cast<std::size_t>(n);
    }
    out.resize(got);
    return out;
  }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void reset() {
    const linger hard{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
  }
  static Peer connected_to(const asio::ip::tcp::endpoint& to) {
    Peer peer(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    QUOLL_ASSERT(::connect(peer.fd_, to.data(), static_cast<socklen_t>(to.size())) == 0);
    return peer;
  }

 private:
  int fd_;
};

// A listening descriptor on a free port of 127.0.0.1.
class PlainListener {
 public:
  explicit PlainListener(int backlog = 1024) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    ::setsockopt(fd_.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    asio::ip::tcp::endpoint any(asio::ip::address_v4::loopback(), 0);
    QUOLL_ASSERT(::bind(fd_.fd(), any.data(), static_cast<socklen_t>(any.size())) == 0);
    QUOLL_ASSERT(::listen(fd_.fd(), backlog) == 0);
    socklen_t size = static_cast<socklen_t>(any.capacity());
    QUOLL_ASSERT(::getsockname(fd_.fd(), any.data(), &size) == 0);
    at_ = any;
  }
  int fd() const { return fd_.fd(); }
  const asio::ip::tcp::endpoint& at() const { return at_; }
  Peer accept() const { return Peer(::accept4(fd_.fd(), nullptr, nullptr, SOCK_CLOEXEC)); }
  void close() { fd_.close(); }

 private:
  Peer fd_;
  asio::ip::tcp::endpoint at_;
};

// As a slow computation or a descheduled process would: the tests of stalls and deadlines need a real one.
inline void block_this_thread(Duration length) {
  testing::spend(length);
}

// Until the descriptor has something to read: what was sent over loopback has arrived.
inline void await_arrival(int fd) {
  pollfd p{fd, POLLIN, 0};
  while (::poll(&p, 1, 5000) < 0) QUOLL_ASSERT(errno == EINTR);
  QUOLL_ASSERT(p.revents != 0);
}

class LoopbackTest : public ::testing::Test {
 protected:
  struct Pair {
    std::unique_ptr<StampedSocket> socket;
    Peer peer;
  };

  LoopbackTest() { await_stamps(); }

  Pair make_pair() {
    Peer peer = Peer::connected_to(listener().at());
    const int fd = ::accept4(listener().fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    QUOLL_ASSERT(fd >= 0);
    TcpSocket socket(context_.get_executor());
    socket.assign(asio::ip::tcp::v4(), fd);
    return {std::make_unique<StampedSocket>(loop_, std::move(socket)), std::move(peer)};
  }

  // Turns the loop until `done`, for 10 s at most.
  template <typename Done>
  bool run_until(Done done) {
    const TimePoint limit = steady_now() + seconds(10);
    while (!done() && steady_now() < limit) {
      if (context_.stopped()) context_.restart();
      context_.run_one_for(milliseconds(100));
    }
    return done();
  }
  template <typename T>
  void start(Task<T> task, std::optional<T>& result) {
    asio::co_spawn(context_, std::move(task), [&result](const std::exception_ptr& error, T value) {
      QUOLL_ASSERT(!error);
      result.emplace(std::move(value));
    });
  }
  template <typename T>
  T run(Task<T> task) {
    std::optional<T> result;
    start(std::move(task), result);
    QUOLL_ASSERT(run_until([&result] { return result.has_value(); }));
    return std::move(*result);
  }
  // Lets what has been started so far come to where it must wait, then has the loop run `work`.
  template <typename Work>
  void then(Work work) {
    if (context_.stopped()) context_.restart();
    context_.poll();
    asio::post(context_, std::move(work));
  }

  asio::io_context context_{1};
  Loop loop_{context_.get_executor()};
  std::array<char, 4096> buffer_{};

 private:
  // Its sockets inherit stamping, and while it lives the host-wide switch stays on.
  static const PlainListener& listener() {
    static const PlainListener* const kListener = [] {
      auto* made = new PlainListener;
      QUOLL_ASSERT(enable_stamps(made->fd()));
      const int on = 1;
      ::setsockopt(made->fd(), IPPROTO_TCP, TCP_INQ, &on, sizeof on);
      return made;
    }();
    return *kListener;
  }
  // The first segments of a process may come without a stamp.
  void await_stamps() {
    for (int i = 0; i < 1000; ++i) {
      const Pair pair = make_pair();
      pair.peer.send("x");
      await_arrival(pair.socket->native_handle());
      if (pair.socket->try_read(buffer_).stamped) return;
      block_this_thread(milliseconds(1));
    }
    FAIL() << "this kernel gives no arrival stamps";
  }
};

}  // namespace quoll::net
