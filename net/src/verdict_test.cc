// The four mechanisms that make a caller's timeouts lie, each shown, and shown closed; and the rules of deadlines.
//
//   M1  expired timers run before bytes that are already in the socket are read  -> false timeout
//   M2  a timer is armed from a stale "now"                                       -> early timeout
//   M3  the loop is blocked at the deadline                                       -> late timeout, or none
//   M4  latency is measured from "we wrote" to "we read"                          -> polluted samples
#include <algorithm>
#include <thread>
#include <vector>

#include "loopback_test.h"

namespace quoll::net {
namespace {

class VerdictTest : public LoopbackTest {
 protected:
  // Answers a waiting read from the loop itself, which is what a blocked loop finds when it gets to run again: the
  // answer has arrived, then the deadline has passed, and neither has been looked at.
  std::optional<ReadResult> answer_then_block_over_the_deadline(DeadlinePolicy policy, TimePoint& deadline) {
    Pair pair = make_pair();
    pair.socket->set_deadline_policy(policy);
    std::optional<ReadResult> got;
    start(pair.socket->read(buffer_, kNever, true), got);
    then([&] {
      pair.peer.send("in time");
      await_arrival(pair.socket->native_handle());
      deadline = steady_now() + milliseconds(20);
      pair.socket->move_read_deadline(deadline);
      spend(milliseconds(40));
    });
    run_until([&got] { return got.has_value(); });
    return got;
  }

  // A wait that may be wrong, until it is right.
  static Task<bool> wait_for_bytes(StampedSocket& socket) {
    for (;;) {
      const bool readable = co_await socket.wait_readable(kNever);
      if (!readable || socket.peek() == StampedSocket::Peek::readable) co_return readable;
    }
  }

  // The timer's own descriptor comes first in epoll's list of what is ready: a request on which nobody answers.
  void let_a_deadline_pass() {
    unanswered_.emplace([](void*) {}, nullptr);
    loop_.deadlines.set(*unanswered_, steady_now() + milliseconds(1));
    spend(milliseconds(5));
  }
  std::optional<Deadline> unanswered_;

  // `count` reads whose answers lie in the socket when their deadlines fire, all at once.
  std::vector<ReadResult> flood(std::size_t count, DeadlinePolicy policy, TimePoint& deadline) {
    struct Reader {
      Pair pair;
      std::array<char, 16> buffer;
      std::optional<ReadResult> got;
    };
    std::vector<Reader> readers(count);
    for (Reader& reader : readers) {
      reader.pair = make_pair();
      reader.pair.socket->set_deadline_policy(policy);
      start(reader.pair.socket->read(reader.buffer, kNever, true), reader.got);
    }
    then([&] {
      let_a_deadline_pass();
      for (Reader& reader : readers) reader.pair.peer.send("in time");
      for (const Reader& reader : readers) await_arrival(reader.pair.socket->native_handle());
      deadline = steady_now() + milliseconds(20);
      for (const Reader& reader : readers) reader.pair.socket->move_read_deadline(deadline);
      spend(milliseconds(40));
    });
    const bool all = run_until([&readers] {
      return std::all_of(readers.begin(), readers.end(), [](const Reader& reader) { return reader.got.has_value(); });
    });
    EXPECT_TRUE(all);
    std::vector<ReadResult> out;
    out.reserve(readers.size());
    for (const Reader& reader : readers) out.push_back(reader.got.value_or(ReadResult{}));
    return out;
  }
};

// More than the 128 events that one epoll_wait of Asio's takes: the rest are still in the kernel when timers run.
constexpr std::size_t kFlood = 300;

TEST_F(VerdictTest, M1ThreeHundredAnswersInTheSocketsAreAllInTimeThoughTheirDeadlinesFireFirst) {
  TimePoint deadline;
  for (const ReadResult& got : flood(kFlood, DeadlinePolicy::look_first, deadline)) {
    EXPECT_EQ(got.status, IoStatus::ok);
    EXPECT_TRUE(got.stamped);
    EXPECT_LE(got.arrived_at, deadline);
    EXPECT_GT(got.read_at, deadline);
  }
}

TEST_F(VerdictTest, M1ControlATimerThatSpeaksFirstTurnsThemAllIntoTimeouts) {
  TimePoint deadline;
  for (const ReadResult& got : flood(kFlood, DeadlinePolicy::timer_wins, deadline)) {
    EXPECT_EQ(got.status, IoStatus::deadline);
  }
}

// What a caller without the cure sees: a wait that the timer has ended, of a socket that has data. Of 300, at least
// 300 - 128 end so. Were it otherwise, M1's test above would prove nothing.
TEST_F(VerdictTest, M1TimersDoRunBeforeTheBytesOfSomeSockets) {
  std::vector<Pair> pairs;
  std::vector<std::optional<bool>> readable(kFlood);
  for (std::size_t i = 0; i < kFlood; ++i) {
    pairs.push_back(make_pair());
    start(wait_for_bytes(*pairs[i].socket), readable[i]);
  }
  then([&] {
    let_a_deadline_pass();
    for (Pair& pair : pairs) pair.peer.send("in time");
    for (const Pair& pair : pairs) await_arrival(pair.socket->native_handle());
    for (const Pair& pair : pairs) pair.socket->move_read_deadline(steady_now());
  });
  ASSERT_TRUE(run_until(
      [&] { return std::all_of(readable.begin(), readable.end(), [](const auto& one) { return one.has_value(); }); }));
  EXPECT_GE(std::count(readable.begin(), readable.end(), std::optional<bool>(false)), 300 - 128);
}

TEST_F(VerdictTest, M2ADeadlineSetAfterALongBlockIsNotEarly) {
  Pair pair = make_pair();
  std::optional<ReadResult> got;
  TimePoint deadline;
  then([&] {
    spend(milliseconds(60));
    deadline = steady_now() + milliseconds(30);
    start(pair.socket->read(buffer_, deadline), got);
  });
  ASSERT_TRUE(run_until([&got] { return got.has_value(); }));
  EXPECT_EQ(got->status, IoStatus::deadline);
  EXPECT_GE(got->read_at, deadline);
}

TEST_F(VerdictTest, M3AnAnswerInTimeIsDataAndInTimeHoweverLateTheLoopLooks) {
  TimePoint deadline;
  const auto got = answer_then_block_over_the_deadline(DeadlinePolicy::look_first, deadline);
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->status, IoStatus::ok);
  EXPECT_TRUE(got->stamped);
  EXPECT_LE(got->arrived_at, deadline);
  EXPECT_GE(got->read_at, deadline);
}

TEST_F(VerdictTest, M3ControlTheTimersVerdictOnTheSameAnswerIsATimeout) {
  TimePoint deadline;
  const auto got = answer_then_block_over_the_deadline(DeadlinePolicy::timer_wins, deadline);
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->status, IoStatus::deadline);
  EXPECT_EQ(got->bytes, 0U);
}

TEST_F(VerdictTest, M3AnAnswerThatIsTrulyLateIsDataWithAnArrivalAfterTheDeadline) {
  Pair pair = make_pair();
  std::optional<ReadResult> got;
  TimePoint deadline;
  start(pair.socket->read(buffer_, kNever, true), got);
  then([&] {
    deadline = steady_now() + milliseconds(10);
    pair.socket->move_read_deadline(deadline);
    spend(milliseconds(20));
    pair.peer.send("late");
    await_arrival(pair.socket->native_handle());
  });
  ASSERT_TRUE(run_until([&got] { return got.has_value(); }));
  EXPECT_EQ(got->status, IoStatus::ok);
  EXPECT_TRUE(got->stamped);
  EXPECT_GT(got->arrived_at, deadline);
}

TEST_F(VerdictTest, M3AnEmptySocketIsATimeoutAfterTheBlockAndNotBefore) {
  Pair pair = make_pair();
  std::optional<ReadResult> got;
  const TimePoint deadline = steady_now() + milliseconds(20);
  start(pair.socket->read(buffer_, deadline), got);
  then([] { spend(milliseconds(60)); });
  ASSERT_TRUE(run_until([&got] { return got.has_value(); }));
  EXPECT_EQ(got->status, IoStatus::deadline);
  EXPECT_GE(got->read_at, deadline);
}

TEST_F(VerdictTest, M3EofAtTheDeadlineIsEofAndNoTimeout) {
  Pair pair = make_pair();
  std::optional<ReadResult> got;
  start(pair.socket->read(buffer_, kNever, true), got);
  then([&] {
    pair.peer.close();
    await_arrival(pair.socket->native_handle());
    pair.socket->move_read_deadline(steady_now());
  });
  ASSERT_TRUE(run_until([&got] { return got.has_value(); }));
  EXPECT_EQ(got->status, IoStatus::eof);
}

TEST_F(VerdictTest, M4TheUpstreamsLatencyDoesNotContainOurOwnBlock) {
  Pair pair = make_pair();
  char request[] = "request";
  iovec piece{request, sizeof request};
  std::span<iovec> pieces(&piece, 1);
  const WriteResult sent = pair.socket->write_now(pieces);
  ASSERT_EQ(sent.status, IoStatus::ok);
  pair.socket->set_earliest_arrival(sent.sent_at);
  std::optional<ReadResult> got;
  start(pair.socket->read(buffer_, sent.sent_at + seconds(5), true), got);
  TimePoint answered;
  then([&] {
    pair.peer.send("answer");
    await_arrival(pair.socket->native_handle());
    answered = steady_now();
    spend(milliseconds(80));
  });
  ASSERT_TRUE(run_until([&got] { return got.has_value(); }));
  const Duration upstream = got->arrived_at - sent.sent_at;
  const Duration local = got->read_at - got->arrived_at;
  EXPECT_LE(upstream, answered - sent.sent_at + kStampSlack);
  EXPECT_GE(local, milliseconds(80) - kStampSlack);
  EXPECT_EQ(upstream + local, got->read_at - sent.sent_at);
}

TEST_F(VerdictTest, ADeadlineThatIsAlreadyOverStillLooksIntoTheSocket) {
  Pair pair = make_pair();
  pair.peer.send("there");
  await_arrival(pair.socket->native_handle());
  const TimePoint past = steady_now() - seconds(1);
  EXPECT_EQ(run(pair.socket->read(buffer_, past)).status, IoStatus::ok);
  EXPECT_EQ(run(pair.socket->read(buffer_, past)).status, IoStatus::deadline);
  pair.peer.send("there");
  await_arrival(pair.socket->native_handle());
  EXPECT_EQ(run(pair.socket->read(buffer_, past, true)).status, IoStatus::ok);
  EXPECT_EQ(run(pair.socket->read(buffer_, past, true)).status, IoStatus::deadline);
}

TEST_F(VerdictTest, AnEarlierDeadlineReplacesTheOneUnderWay) {
  Pair pair = make_pair();
  std::optional<ReadResult> got;
  TimePoint deadline;
  start(pair.socket->read(buffer_, steady_now() + seconds(60)), got);
  then([&] {
    deadline = steady_now() + milliseconds(10);
    pair.socket->move_read_deadline(deadline);
  });
  ASSERT_TRUE(run_until([&got] { return got.has_value(); }));
  EXPECT_EQ(got->status, IoStatus::deadline);
  EXPECT_GE(got->read_at, deadline);
}

TEST_F(VerdictTest, ALaterDeadlineReplacesTheOneUnderWay) {
  Pair pair = make_pair();
  std::optional<ReadResult> got;
  TimePoint deadline;
  start(pair.socket->read(buffer_, steady_now() + milliseconds(20)), got);
  then([&] {
    deadline = steady_now() + milliseconds(60);
    pair.socket->move_read_deadline(deadline);
  });
  ASSERT_TRUE(run_until([&got] { return got.has_value(); }));
  EXPECT_EQ(got->status, IoStatus::deadline);
  EXPECT_GE(got->read_at, deadline);
}

TEST_F(VerdictTest, WithoutAReadUnderWayMovingItsDeadlineDoesNothing) {
  Pair pair = make_pair();
  pair.socket->move_read_deadline(steady_now());
  EXPECT_EQ(loop_.deadlines.size(), 0U);
  std::optional<ReadResult> got;
  start(pair.socket->read(buffer_, kNever), got);
  then([&] { pair.peer.send("x"); });
  ASSERT_TRUE(run_until([&got] { return got.has_value(); }));
  EXPECT_EQ(got->status, IoStatus::ok);
  EXPECT_EQ(loop_.deadlines.size(), 0U);
}

// We did not read, so the window closed and the peer could not send: the gap counts from our own read, not from its
// last byte, and the peer is not blamed for a pause that was ours.
TEST_F(VerdictTest, APeerThatCouldNotSendBecauseWeDidNotReadIsNotBlamed) {
  Pair pair = make_pair();
  const std::string body(8'000'000, 'b');
  std::thread sender([&] {
    for (std::string_view rest = body; !rest.empty();) {
      const ssize_t n = ::send(pair.peer.fd(), rest.data(), rest.size(), MSG_NOSIGNAL);
      if (n <= 0) break;
      rest.remove_prefix(static_cast<std::size_t>(n));
    }
  });
  constexpr Duration kGap = milliseconds(100);
  std::vector<char> into(1 << 20);
  std::size_t received = 0;
  bool paused = false;
  while (received < body.size()) {
    const ReadResult got = run(pair.socket->read(into, steady_now() + kGap));
    EXPECT_EQ(got.status, IoStatus::ok) << "after " << received << " bytes";
    if (got.status != IoStatus::ok) break;
    received += got.bytes;
    if (!paused) spend(kGap + milliseconds(40));
    paused = true;
  }
  pair.socket->close();
  sender.join();
  EXPECT_EQ(received, body.size());
}

}  // namespace
}  // namespace quoll::net
