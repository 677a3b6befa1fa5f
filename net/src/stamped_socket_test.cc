// Reading and writing over loopback, both ends in view. What deadlines mean is tested in verdict_test.cc.
#include "quoll/net/stamped_socket.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/time.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <thread>
#include <vector>

#include "loopback_test.h"
#include "quoll/net/worker.h"

namespace quoll::net {
namespace {

class StampedSocketTest : public LoopbackTest {
 protected:
  static std::string_view text(const std::array<char, 4096>& buffer, const ReadResult& got) {
    return {buffer.data(), got.bytes};
  }
  Task<WriteResult> write_all(StampedSocket& socket, std::string_view bytes, TimePoint deadline) {
    iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
    co_return co_await socket.write({&piece, 1}, deadline);
  }
  // Makes the socket's and the peer's buffers small, so that little is needed to fill them. Much smaller ones make TCP
  // wait for delayed acknowledgements.
  static void shrink_buffers(const Pair& pair) {
    const int small = 64 * 1024;
    ::setsockopt(pair.socket->native_handle(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    ::setsockopt(pair.peer.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  }
  const std::string big_ = std::string(2'000'000, 'b');
};

TEST_F(StampedSocketTest, DataComesWithAStampBetweenItsSendAndItsRead) {
  Pair pair = make_pair();
  const TimePoint before = steady_now();
  pair.peer.send("hello");
  await_arrival(pair.socket->native_handle());
  const TimePoint after = steady_now();
  spend(milliseconds(20));
  const ReadResult got = run(pair.socket->read(buffer_, kNever));
  EXPECT_EQ(got.status, IoStatus::ok);
  EXPECT_EQ(text(buffer_, got), "hello");
  EXPECT_TRUE(got.stamped);
  EXPECT_GE(got.arrived_at, before - kStampSlack);
  EXPECT_LE(got.arrived_at, after + kStampSlack);
  EXPECT_GE(got.read_at, after + milliseconds(20));
}

TEST_F(StampedSocketTest, ASuspendedReadIsWokenByData) {
  Pair pair = make_pair();
  std::optional<ReadResult> got;
  start(pair.socket->read(buffer_, kNever), got);
  then([&pair] { pair.peer.send("late"); });
  ASSERT_TRUE(run_until([&got] { return got.has_value(); }));
  EXPECT_EQ(text(buffer_, *got), "late");
}

TEST_F(StampedSocketTest, SeveralSegmentsInOneReadCarryTheStampOfTheLast) {
  Pair pair = make_pair();
  pair.peer.send("first ");
  await_arrival(pair.socket->native_handle());
  spend(milliseconds(20));
  const TimePoint between = steady_now();
  pair.peer.send("second");
  int there = 0;
  while (there < 12) ASSERT_EQ(::ioctl(pair.socket->native_handle(), FIONREAD, &there), 0);
  const ReadResult got = pair.socket->try_read(buffer_);
  EXPECT_EQ(text(buffer_, got), "first second");
  EXPECT_GE(got.arrived_at, between - kStampSlack);
}

TEST_F(StampedSocketTest, AnEmptySocketWouldBlockAndReadsNoClock) {
  Pair pair = make_pair();
  const ReadResult got = pair.socket->try_read(buffer_);
  EXPECT_EQ(got.status, IoStatus::would_block);
  EXPECT_EQ(got.bytes, 0U);
  EXPECT_EQ(got.read_at, TimePoint{});
}

TEST_F(StampedSocketTest, ArrivalIsNeverBeforeTheEarliestThatTheCallerKnows) {
  Pair pair = make_pair();
  pair.peer.send("x");
  await_arrival(pair.socket->native_handle());
  spend(milliseconds(10));
  const TimePoint earliest = steady_now();
  pair.socket->set_earliest_arrival(earliest);
  EXPECT_EQ(pair.socket->try_read(buffer_).arrived_at, earliest);
}

TEST_F(StampedSocketTest, ReadsAreCountedByWhetherTheyHadAStamp) {
  Pair pair = make_pair();
  const std::uint64_t stamped = loop_.counters.stamped_reads.value();
  pair.peer.send("x");
  run(pair.socket->read(buffer_, kNever));
  EXPECT_EQ(loop_.counters.stamped_reads.value(), stamped + 1);

  const int off = 0;
  ::setsockopt(pair.socket->native_handle(), SOL_SOCKET, SO_TIMESTAMPNS, &off, sizeof off);
  const std::uint64_t unstamped = loop_.counters.unstamped_reads.value();
  pair.peer.send("y");
  const ReadResult got = run(pair.socket->read(buffer_, kNever));
  EXPECT_FALSE(got.stamped);
  EXPECT_EQ(got.arrived_at, got.read_at);
  EXPECT_EQ(loop_.counters.unstamped_reads.value(), unstamped + 1);
}

TEST_F(StampedSocketTest, ThePeersCloseIsEofAfterTheLastByte) {
  Pair pair = make_pair();
  pair.peer.send("bye");
  pair.peer.close();
  EXPECT_EQ(run(pair.socket->read(buffer_, kNever)).bytes, 3U);
  const ReadResult got = run(pair.socket->read(buffer_, kNever));
  EXPECT_EQ(got.status, IoStatus::eof);
  EXPECT_EQ(got.bytes, 0U);
}

// The bug: a read that returned less than it had room for was taken as one that had emptied the socket. The end of the
// stream that came along with the data has no edge of its own, and a wait for one lasted until its deadline.
TEST_F(StampedSocketTest, AnEndThatCameWithTheLastBytesEndsAWaitAtOnce) {
  // With and without the kernel's word on what is left.
  for (const int inq : {1, 0}) {
    Pair pair = make_pair();
    ASSERT_EQ(::setsockopt(pair.socket->native_handle(), IPPROTO_TCP, TCP_INQ, &inq, sizeof inq), 0);
    EXPECT_EQ(pair.socket->try_read(buffer_).status, IoStatus::would_block);
    std::optional<ReadResult> data;
    start(pair.socket->read(buffer_, kNever, true), data);
    then([&pair] {
      pair.peer.send("bye");
      pair.peer.close();
      pollfd p{pair.socket->native_handle(), POLLRDHUP, 0};
      ::poll(&p, 1, 5000);
    });
    ASSERT_TRUE(run_until([&data] { return data.has_value(); }));
    EXPECT_EQ(data->bytes, 3U);
    const TimePoint deadline = steady_now() + seconds(5);
    EXPECT_TRUE(run(pair.socket->wait_readable(deadline)));
    EXPECT_EQ(run(pair.socket->read(buffer_, deadline, true)).status, IoStatus::eof);
    EXPECT_LT(steady_now(), deadline);
  }
}

TEST_F(StampedSocketTest, ABufferThatIsFilledToTheBrimLeavesNoByteBehind) {
  Pair pair = make_pair();
  pair.peer.send("12345678");
  await_arrival(pair.socket->native_handle());
  const std::span<char> four(buffer_.data(), 4);
  EXPECT_EQ(run(pair.socket->read(four, kNever, true)).bytes, 4U);
  EXPECT_EQ(run(pair.socket->read(four, steady_now() + seconds(5), true)).bytes, 4U);
  EXPECT_EQ(run(pair.socket->read(four, steady_now() + milliseconds(10), true)).status, IoStatus::deadline);
}

// Each order of arrival, edge, read and wait, many times: a lost edge would end in a deadline.
TEST_F(StampedSocketTest, NoWaitMissesAnEdge) {
  Pair pair = make_pair();
  constexpr std::size_t kTotal = 300'000;
  std::thread sender([&pair] {
    const std::string text(700, 'e');
    std::size_t sent = 0;
    for (unsigned i = 1; sent < kTotal; i = i * 1664525 + 1013904223) {
      const std::size_t size = std::min<std::size_t>(i % 700 + 1, kTotal - sent);
      pair.peer.send(std::string_view(text).substr(0, size));
      sent += size;
      if (i % 4 == 0) std::this_thread::yield();
    }
  });
  std::size_t received = 0;
  bool wait_first = false;
  while (received < kTotal) {
    const std::span<char> into(buffer_.data(), received % 900 + 1);
    const ReadResult got = run(pair.socket->read(into, steady_now() + seconds(5), wait_first));
    if (got.status != IoStatus::ok) break;
    received += got.bytes;
    wait_first = !wait_first;
  }
  sender.join();
  EXPECT_EQ(received, kTotal);
}

TEST_F(StampedSocketTest, ThePeersResetIsAnErrorWithItsNumber) {
  Pair pair = make_pair();
  std::optional<ReadResult> got;
  start(pair.socket->read(buffer_, kNever), got);
  then([&pair] { pair.peer.reset(); });
  ASSERT_TRUE(run_until([&got] { return got.has_value(); }));
  EXPECT_EQ(got->status, IoStatus::error);
  EXPECT_EQ(got->error, ECONNRESET);
}

TEST_F(StampedSocketTest, WritingToAResetConnectionIsAnErrorAndNoSignal) {
  Pair pair = make_pair();
  pair.peer.reset();
  await_arrival(pair.socket->native_handle());
  const WriteResult first = run(write_all(*pair.socket, "x", kNever));
  EXPECT_EQ(first.status, IoStatus::error);
  EXPECT_EQ(run(write_all(*pair.socket, "x", kNever)).error, EPIPE);
}

TEST_F(StampedSocketTest, AbortIsSeenAsAResetByThePeer) {
  Pair pair = make_pair();
  pair.socket->abort();
  char byte = 0;
  EXPECT_EQ(::recv(pair.peer.fd(), &byte, 1, 0), -1);
  EXPECT_EQ(errno, ECONNRESET);
  EXPECT_FALSE(pair.socket->is_open());
  pair.socket->abort();
}

TEST_F(StampedSocketTest, ShutdownSendIsSeenAsEofAndReadingGoesOn) {
  Pair pair = make_pair();
  pair.socket->shutdown_send();
  EXPECT_EQ(pair.peer.read_exactly(1), "");
  pair.peer.send("still");
  EXPECT_EQ(run(pair.socket->read(buffer_, kNever)).bytes, 5U);
}

TEST_F(StampedSocketTest, PeekTellsQuietReadableAndClosedAndConsumesNothing) {
  Pair pair = make_pair();
  EXPECT_EQ(pair.socket->peek(), StampedSocket::Peek::quiet);
  pair.peer.send("x");
  await_arrival(pair.socket->native_handle());
  EXPECT_EQ(pair.socket->peek(), StampedSocket::Peek::readable);
  EXPECT_EQ(pair.socket->try_read(buffer_).bytes, 1U);
  pair.peer.close();
  await_arrival(pair.socket->native_handle());
  EXPECT_EQ(pair.socket->peek(), StampedSocket::Peek::closed);
  pair.socket->close();
  EXPECT_EQ(pair.socket->peek(), StampedSocket::Peek::closed);
}

TEST_F(StampedSocketTest, AWriteLargerThanAllBuffersArrivesWholeAndInOrder) {
  Pair pair = make_pair();
  shrink_buffers(pair);
  std::string sent;
  for (int i = 0; i < 2'000'000; ++i) sent += static_cast<char>('a' + i * 7 % 26);
  // Pieces of every kind: empty ones, ones of a byte, and ones larger than a buffer.
  std::vector<iovec> pieces;
  std::size_t at = 0;
  for (const std::size_t size : {0U, 1U, 0U, 600'000U, 3U, 1'000'000U, 399'996U, 0U}) {
    pieces.push_back({sent.data() + at, size});
    at += size;
  }
  ASSERT_EQ(at, sent.size());
  std::string received;
  std::thread reader([&] { received = pair.peer.read_exactly(sent.size()); });
  const WriteResult got = run(pair.socket->write(pieces, kNever));
  reader.join();
  EXPECT_EQ(got.status, IoStatus::ok);
  EXPECT_EQ(got.bytes, sent.size());
  EXPECT_TRUE(received == sent);
}

TEST_F(StampedSocketTest, AWriteOfNothingIsDoneAtOnce) {
  Pair pair = make_pair();
  std::vector<iovec> pieces{{nullptr, 0}, {nullptr, 0}};
  const WriteResult got = run(pair.socket->write(pieces, kNever));
  EXPECT_EQ(got.status, IoStatus::ok);
  EXPECT_EQ(got.bytes, 0U);
}

TEST_F(StampedSocketTest, AWriteToAPeerThatDoesNotReadEndsAtItsDeadlineAndSaysHowFarItGot) {
  Pair pair = make_pair();
  shrink_buffers(pair);
  const TimePoint deadline = steady_now() + milliseconds(30);
  const WriteResult got = run(write_all(*pair.socket, big_, deadline));
  EXPECT_EQ(got.status, IoStatus::deadline);
  EXPECT_GE(steady_now(), deadline);
  EXPECT_GT(got.bytes, 0U);
  EXPECT_LT(got.bytes, big_.size());
  pair.socket->shutdown_send();
  EXPECT_EQ(pair.peer.read_exactly(big_.size()).size(), got.bytes);
}

// The bug: each byte that went out after the deadline bought another round, so a peer that reads a little at a time
// kept a write going for ever.
TEST_F(StampedSocketTest, AWriteToAPeerThatReadsSlowlyEndsAtItsDeadline) {
  Pair pair = make_pair();
  shrink_buffers(pair);
  std::string huge;
  huge.resize(20'000'000, 'h');
  std::atomic<bool> stop{false};
  std::thread reader([&] {
    while (!stop && !pair.peer.read_exactly(2048).empty()) spend(std::chrono::microseconds(200));
  });
  const TimePoint deadline = steady_now() + milliseconds(30);
  const WriteResult got = run(write_all(*pair.socket, huge, deadline));
  stop = true;
  pair.socket->close();
  reader.join();
  EXPECT_EQ(got.status, IoStatus::deadline);
  EXPECT_LT(got.bytes, huge.size());
}

TEST_F(StampedSocketTest, ClosingWakesTheReaderWithAnError) {
  Pair pair = make_pair();
  std::optional<ReadResult> got;
  start(pair.socket->read(buffer_, kNever), got);
  then([&pair] { pair.socket->close(); });
  ASSERT_TRUE(run_until([&got] { return got.has_value(); }));
  EXPECT_EQ(got->status, IoStatus::error);
  EXPECT_EQ(got->error, EBADF);
}

TEST_F(StampedSocketTest, ClosingWakesTheWriterWithAnError) {
  Pair pair = make_pair();
  shrink_buffers(pair);
  std::optional<WriteResult> got;
  start(write_all(*pair.socket, big_, kNever), got);
  then([&pair] { pair.socket->close(); });
  ASSERT_TRUE(run_until([&got] { return got.has_value(); }));
  EXPECT_EQ(got->status, IoStatus::error);
}

TEST_F(StampedSocketTest, BothDirectionsCanWaitAtOnce) {
  Pair pair = make_pair();
  shrink_buffers(pair);
  std::optional<WriteResult> written;
  std::optional<ReadResult> got;
  start(write_all(*pair.socket, big_, kNever), written);
  start(pair.socket->read(buffer_, kNever), got);
  then([&pair] { pair.peer.send("meanwhile"); });
  ASSERT_TRUE(run_until([&got] { return got.has_value(); }));
  EXPECT_EQ(text(buffer_, *got), "meanwhile");
  EXPECT_FALSE(written.has_value());
  std::thread reader([&] { EXPECT_EQ(pair.peer.read_exactly(big_.size()).size(), big_.size()); });
  EXPECT_TRUE(run_until([&written] { return written.has_value(); }));
  pair.socket->close();
  reader.join();
  ASSERT_TRUE(written.has_value());
  EXPECT_EQ(written->status, IoStatus::ok);
}

TEST_F(StampedSocketTest, TheReadersDeadlineDoesNotEndTheWrite) {
  Pair pair = make_pair();
  shrink_buffers(pair);
  std::optional<WriteResult> written;
  std::optional<ReadResult> got;
  start(write_all(*pair.socket, big_, kNever), written);
  start(pair.socket->read(buffer_, steady_now() + milliseconds(10)), got);
  ASSERT_TRUE(run_until([&got] { return got.has_value(); }));
  EXPECT_EQ(got->status, IoStatus::deadline);
  EXPECT_FALSE(written.has_value());
  std::thread reader([&] { EXPECT_EQ(pair.peer.read_exactly(big_.size()).size(), big_.size()); });
  EXPECT_TRUE(run_until([&written] { return written.has_value(); }));
  pair.socket->close();
  reader.join();
  ASSERT_TRUE(written.has_value());
  EXPECT_EQ(written->status, IoStatus::ok);
  EXPECT_EQ(written->bytes, big_.size());
}

TEST_F(StampedSocketTest, TheWritersDeadlineDoesNotEndTheRead) {
  Pair pair = make_pair();
  shrink_buffers(pair);
  std::optional<WriteResult> written;
  std::optional<ReadResult> got;
  start(write_all(*pair.socket, big_, steady_now() + milliseconds(10)), written);
  start(pair.socket->read(buffer_, kNever), got);
  ASSERT_TRUE(run_until([&written] { return written.has_value(); }));
  EXPECT_EQ(written->status, IoStatus::deadline);
  EXPECT_FALSE(got.has_value());
  pair.peer.send("x");
  ASSERT_TRUE(run_until([&got] { return got.has_value(); }));
  EXPECT_EQ(got->status, IoStatus::ok);
}

// A signal every millisecond, without SA_RESTART.
class Interrupted {
 public:
  Interrupted() {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    ::sigaction(SIGALRM, &action, &before_);
    const itimerval every{{0, 1000}, {0, 1000}};
    ::setitimer(ITIMER_REAL, &every, nullptr);
  }
  ~Interrupted() {
    const itimerval never{};
    ::setitimer(ITIMER_REAL, &never, nullptr);
    ::sigaction(SIGALRM, &before_, nullptr);
  }

 private:
  struct sigaction before_ {};
};

TEST_F(StampedSocketTest, SignalsInterruptNothing) {
  const Interrupted interrupted;
  Pair pair = make_pair();
  const TimePoint end = steady_now() + milliseconds(50);
  while (steady_now() < end) {
    std::optional<ReadResult> got;
    start(pair.socket->read(buffer_, steady_now() + seconds(5), true), got);
    then([&pair] { pair.peer.send("ping"); });
    ASSERT_TRUE(run_until([&got] { return got.has_value(); }));
    ASSERT_EQ(got->status, IoStatus::ok);
    const WriteResult sent = run(write_all(*pair.socket, "pong", kNever));
    ASSERT_EQ(sent.status, IoStatus::ok);
    ASSERT_EQ(pair.peer.read_exactly(4), "pong");
  }
  const TimePoint deadline = steady_now() + milliseconds(20);
  EXPECT_EQ(run(pair.socket->read(buffer_, deadline)).status, IoStatus::deadline);
  EXPECT_GE(steady_now(), deadline);
}

TEST_F(StampedSocketTest, AWorkerMayEndWhileAReadWaits) {
  const PlainListener listener;
  Wire peer = Wire::to(listener.port());
  Wire accepted(listener.accept());
  ::fcntl(accepted.fd(), F_SETFL, O_NONBLOCK);
  {
    Worker worker(0);
    TcpSocket socket(worker.executor());
    socket.assign(asio::ip::tcp::v4(), ::dup(accepted.fd()));
    accepted.close();
    std::atomic<bool> waits{false};
    auto wait_for_ever = [](Loop& loop, TcpSocket taken, std::atomic<bool>& reached) -> Task<void> {
      StampedSocket stamped(loop, std::move(taken));
      std::array<char, 16> buffer;
      asio::post(loop.executor, [&reached] { reached = true; });
      co_await stamped.read(buffer, steady_now() + std::chrono::hours(1));
      ADD_FAILURE() << "there was nothing to read";
    };
    spawn(worker.executor(), wait_for_ever(worker.loop(), std::move(socket), waits));
    worker.start();
    const TimePoint limit = steady_now() + seconds(10);
    while (!waits && steady_now() < limit) std::this_thread::yield();
    EXPECT_TRUE(waits);
  }
  EXPECT_EQ(peer.read_exactly(1), "") << "the connection is closed with the worker";
}

}  // namespace
}  // namespace quoll::net
