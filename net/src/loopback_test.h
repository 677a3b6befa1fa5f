// LoopbackTest: a loop that the test turns by hand, and TCP pairs on 127.0.0.1 whose other end is a Wire.
//
// These are integration tests: they use the real clock, and wait only where the claim is about real time. Times are
// compared with readings taken around the event itself, never with "about 50 ms", so that they hold on a busy machine.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <memory>
#include <optional>
#include <utility>

#include "quoll/base/assert.h"
#include "quoll/net/endpoint.h"
#include "quoll/net/stamped_socket.h"
#include "quoll/testing/wait.h"
#include "quoll/testing/wire.h"

namespace quoll::net {

using std::chrono::milliseconds;
using std::chrono::seconds;

// The stamps and the steady clock are compared through an offset; what that costs is microseconds, this is ample.
inline constexpr Duration kStampSlack = milliseconds(2);

using testing::spend;
using testing::Wire;

// The other program's listener.
class PlainListener : public testing::ListeningPort {
 public:
  using ListeningPort::ListeningPort;
  TcpEndpoint at() const { return {asio::ip::address_v4::loopback(), port()}; }
};

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
    Wire peer;
  };

  LoopbackTest() { await_stamps(); }

  Pair make_pair() {
    Wire peer = Wire::to(listener().port());
    Fd accepted = listener().accept();
    QUOLL_ASSERT(accepted && ::fcntl(accepted.get(), F_SETFL, O_NONBLOCK) == 0);
    TcpSocket socket(context_.get_executor());
    socket.assign(asio::ip::tcp::v4(), accepted.release());
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
      Pair pair = make_pair();
      pair.peer.send("x");
      await_arrival(pair.socket->native_handle());
      if (pair.socket->try_read(buffer_).stamped) return;
      spend(milliseconds(1));
    }
    FAIL() << "this kernel gives no arrival stamps";
  }
};

}  // namespace quoll::net
