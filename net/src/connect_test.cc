#include "quoll/net/connect.h"

#include <sys/resource.h>

#include <vector>

#include "loopback_test.h"
#include "quoll/testing/no_descriptors.h"

namespace quoll::net {
namespace {

class ConnectTest : public LoopbackTest {
 protected:
  // The loop gets to look at the handshake only after its deadline.
  std::optional<ConnectResult> connect_and_look_late(const TcpEndpoint& to, TimePoint deadline, DeadlinePolicy policy) {
    std::optional<ConnectResult> got;
    start(connect(loop_, to, deadline, policy), got);
    asio::post(context_, [deadline] { spend(deadline + milliseconds(30) - steady_now()); });
    run_until([&got] { return got.has_value(); });
    return got;
  }
};

TEST_F(ConnectTest, AListenerGivesAnOpenSocketThatCarriesBytesBothWays) {
  const PlainListener listener;
  ConnectResult got = run(connect(loop_, listener.at(), steady_now() + seconds(5)));
  ASSERT_EQ(got.status, IoStatus::ok);
  EXPECT_FALSE(got.rescued);
  Wire peer(listener.accept());
  char hello[] = "hello";
  iovec piece{hello, 5};
  std::span<iovec> pieces(&piece, 1);
  EXPECT_EQ(got.socket->write_now(pieces).status, IoStatus::ok);
  EXPECT_TRUE(pieces.empty());
  EXPECT_EQ(peer.read_exactly(5), "hello");
  peer.send("back");
  const ReadResult read = run(got.socket->read(buffer_, kNever));
  EXPECT_EQ(read.bytes, 4U);
  EXPECT_TRUE(read.stamped) << "connect switches stamps on";
}

TEST_F(ConnectTest, AClosedPortIsRefused) {
  PlainListener listener;
  const TcpEndpoint nobody = listener.at();
  listener.close();
  const ConnectResult got = run(connect(loop_, nobody, steady_now() + seconds(5)));
  EXPECT_EQ(got.status, IoStatus::error);
  EXPECT_EQ(got.error, ECONNREFUSED);
  EXPECT_EQ(got.socket, nullptr);
}

TEST_F(ConnectTest, ARefusalSeenAfterTheDeadlineIsARefusal) {
  PlainListener listener;
  const TcpEndpoint nobody = listener.at();
  listener.close();
  const auto got = connect_and_look_late(nobody, steady_now() + milliseconds(30), DeadlinePolicy::look_first);
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->status, IoStatus::error);
  EXPECT_EQ(got->error, ECONNREFUSED);
}

// The kernel drops SYNs while the accept queue is full: a blackhole of our own.
TEST_F(ConnectTest, AListenerWhoseBacklogIsFullEndsAtTheDeadlineAndNotBefore) {
  const PlainListener listener(0);
  std::vector<Wire> queue;
  for (int i = 0; i < 3; ++i) {
    queue.emplace_back(Fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)));
    const auto size = static_cast<socklen_t>(listener.at().size());
    static_cast<void>(::connect(queue.back().fd(), listener.at().data(), size));
  }
  const TimePoint deadline = steady_now() + milliseconds(50);
  const ConnectResult got = run(connect(loop_, listener.at(), deadline));
  EXPECT_EQ(got.status, IoStatus::deadline);
  EXPECT_GE(steady_now(), deadline);
  EXPECT_EQ(got.socket, nullptr);
  EXPECT_FALSE(got.rescued);
}

TEST_F(ConnectTest, AHandshakeThatWasOverInTimeIsRescuedHoweverLateWeLook) {
  const PlainListener listener;
  const auto got = connect_and_look_late(listener.at(), steady_now() + milliseconds(60), DeadlinePolicy::look_first);
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->status, IoStatus::ok);
  EXPECT_TRUE(got->rescued);
  EXPECT_NE(got->socket, nullptr);
}

TEST_F(ConnectTest, ControlTheTimersVerdictOnTheSameHandshakeIsATimeout) {
  const PlainListener listener;
  const auto got = connect_and_look_late(listener.at(), steady_now() + milliseconds(60), DeadlinePolicy::timer_wins);
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->status, IoStatus::deadline);
  EXPECT_EQ(got->socket, nullptr);
}

TEST_F(ConnectTest, WithoutADeadlineItWaitsForTheHandshake) {
  const PlainListener listener;
  EXPECT_EQ(run(connect(loop_, listener.at(), kNever)).status, IoStatus::ok);
}

TEST_F(ConnectTest, OutOfDescriptorsIsAnErrorThatSaysSo) {
  const PlainListener listener;
  // UBSan checks an object's type by opening a pipe, once for each place: let it do so while it can.
  ASSERT_EQ(run(connect(loop_, listener.at(), kNever)).status, IoStatus::ok);
  const testing::NoDescriptors none;
  const ConnectResult got = run(connect(loop_, listener.at(), kNever));
  EXPECT_EQ(got.status, IoStatus::error);
  EXPECT_EQ(got.error, EMFILE);
}

TEST_F(ConnectTest, ThePolicyGoesWithTheConnection) {
  const PlainListener listener;
  ConnectResult got = run(connect(loop_, listener.at(), kNever, DeadlinePolicy::timer_wins));
  Wire peer(listener.accept());
  peer.send("there");
  await_arrival(got.socket->native_handle());
  EXPECT_EQ(run(got.socket->read(buffer_, steady_now())).status, IoStatus::deadline);
}

}  // namespace
}  // namespace quoll::net
