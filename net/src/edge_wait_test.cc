// A connection is watched while nobody reads from it, at no cost to those who do.
#include <functional>

#include "loopback_test.h"

namespace quoll::net {
namespace {

class EdgeWaitTest : public LoopbackTest {
 protected:
  // Counts what a watched socket tells, and does something then.
  struct Watch {
    int calls = 0;
    std::function<void()> act;

    static void called(void* self) {
      auto& watch = *static_cast<Watch*>(self);
      ++watch.calls;
      if (watch.act) watch.act();
    }
  };
  bool called(const Watch& watch, int times) {
    return run_until([&] { return watch.calls >= times; });
  }
  // Turns the loop until it has nothing more to do at the moment.
  void settle_loop() {
    if (context_.stopped()) context_.restart();
    context_.poll();
  }
};

TEST_F(EdgeWaitTest, BytesAnEndAndAResetAreToldOfWithoutAReader) {
  for (const int what : {0, 1, 2}) {
    Pair pair = make_pair();
    Watch watch;
    pair.socket->watch(&Watch::called, &watch);
    settle_loop();
    const int before = watch.calls;
    if (what == 0) pair.peer.send("x");
    if (what == 1) pair.peer.close();
    if (what == 2) pair.peer.reset();
    EXPECT_TRUE(called(watch, before + 1)) << what;
    EXPECT_EQ(pair.socket->peek(), what == 0 ? StampedSocket::Peek::readable : StampedSocket::Peek::closed);
  }
}

TEST_F(EdgeWaitTest, EachEdgeIsToldOfAlthoughNobodyReads) {
  Pair pair = make_pair();
  Watch watch;
  pair.socket->watch(&Watch::called, &watch);
  settle_loop();
  for (int i = 0; i < 5; ++i) {
    const int before = watch.calls;
    pair.peer.send("x");
    ASSERT_TRUE(called(watch, before + 1)) << i;
    settle_loop();
  }
  EXPECT_LE(watch.calls, 6) << "unread bytes keep the loop from resting";
}

TEST_F(EdgeWaitTest, AReaderGoesFirstAndTheWatchGoesOnAfterwards) {
  Pair pair = make_pair();
  Watch watch;
  pair.socket->watch(&Watch::called, &watch);
  settle_loop();
  const int before = watch.calls;
  std::optional<ReadResult> got;
  start(pair.socket->read(buffer_, kNever), got);
  then([&pair] { pair.peer.send("mine"); });
  ASSERT_TRUE(run_until([&got] { return got.has_value(); }));
  EXPECT_EQ(got->bytes, 4U);
  EXPECT_EQ(watch.calls, before);

  pair.socket->watch(&Watch::called, &watch);
  pair.peer.send("more");
  EXPECT_TRUE(called(watch, before + 1));
}

TEST_F(EdgeWaitTest, AnUnwatchedSocketIsReadAsIfItHadNeverBeenWatched) {
  Pair pair = make_pair();
  Watch watch;
  for (int i = 0; i < 20; ++i) {
    pair.socket->watch(&Watch::called, &watch);
    settle_loop();
    pair.socket->unwatch();
    const int before = watch.calls;
    if (i % 2 == 0) pair.peer.send("early");
    if (i % 3 == 0) settle_loop();
    std::optional<ReadResult> got;
    start(pair.socket->read(buffer_, kNever, i % 4 < 2), got);
    if (i % 2 != 0) then([&pair] { pair.peer.send("later"); });
    ASSERT_TRUE(run_until([&got] { return got.has_value(); })) << i;
    EXPECT_EQ(got->bytes, 5U);
    EXPECT_EQ(watch.calls, before);
  }
}

TEST_F(EdgeWaitTest, AReadersDeadlineLeavesTheWatchInPlace) {
  Pair pair = make_pair();
  Watch watch;
  pair.socket->watch(&Watch::called, &watch);
  EXPECT_EQ(run(pair.socket->read(buffer_, steady_now() + milliseconds(5))).status, IoStatus::deadline);
  const int before = watch.calls;
  pair.peer.send("x");
  EXPECT_TRUE(called(watch, before + 1));
}

TEST_F(EdgeWaitTest, AWritersDeadlineLeavesTheWatchInPlace) {
  Pair pair = make_pair();
  Watch watch;
  pair.socket->watch(&Watch::called, &watch);
  std::string much(32U << 20U, 'x');
  iovec piece{much.data(), much.size()};
  EXPECT_EQ(run(pair.socket->write({&piece, 1}, steady_now() + milliseconds(5))).status, IoStatus::deadline);
  settle_loop();
  const int before = watch.calls;
  pair.peer.send("x");
  EXPECT_TRUE(called(watch, before + 1));
}

TEST_F(EdgeWaitTest, TheWatcherMayDestroyTheSocket) {
  Pair pair = make_pair();
  Watch watch;
  pair.socket->watch(&Watch::called, &watch);
  settle_loop();
  const int before = watch.calls;
  watch.act = [&pair] { pair.socket.reset(); };
  pair.peer.send("x");
  EXPECT_TRUE(called(watch, before + 1));
  settle_loop();
  EXPECT_EQ(watch.calls, before + 1);
}

TEST_F(EdgeWaitTest, ASocketThatIsDestroyedOrClosedWhileItIsWatchedIsNotToldOf) {
  for (const bool destroyed : {true, false}) {
    Pair pair = make_pair();
    Watch watch;
    pair.socket->watch(&Watch::called, &watch);
    settle_loop();
    const int before = watch.calls;
    pair.peer.send("x");
    if (destroyed) {
      pair.socket.reset();
    } else {
      pair.socket->close();
    }
    settle_loop();
    EXPECT_EQ(watch.calls, before);
  }
}

// Two edges in one turn of the loop: the first one's handler destroys the connection of the second.
TEST_F(EdgeWaitTest, AnEdgeThatHasComeForASocketThatIsGoneIsNobodys) {
  Pair first = make_pair();
  Pair second = make_pair();
  Watch watch;
  first.socket->watch(&Watch::called, &watch);
  second.socket->watch(&Watch::called, &watch);
  settle_loop();  // to be registered may look like an edge
  const int before = watch.calls;
  watch.act = [&] {
    first.socket.reset();
    second.socket.reset();
  };
  first.peer.send("x");
  second.peer.send("x");
  await_arrival(first.socket->native_handle());
  await_arrival(second.socket->native_handle());
  EXPECT_TRUE(called(watch, before + 1));
  settle_loop();
  EXPECT_EQ(watch.calls, before + 1);
}

TEST_F(EdgeWaitTest, TcpTellsAnEndFromAResetEvenBehindBytes) {
  Pair pair = make_pair();
  EXPECT_EQ(pair.socket->peer_state(), StampedSocket::Peer::connected);
  pair.peer.send("x");
  EXPECT_EQ(pair.socket->peer_state(), StampedSocket::Peer::connected);
  ::shutdown(pair.peer.fd(), SHUT_WR);
  EXPECT_EQ(pair.socket->peer_state(), StampedSocket::Peer::finished);
  pair.peer.reset();
  EXPECT_EQ(pair.socket->peer_state(), StampedSocket::Peer::gone);
}

}  // namespace
}  // namespace quoll::net
