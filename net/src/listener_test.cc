#include "quoll/net/listener.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <boost/asio/steady_timer.hpp>
#include <vector>

#include "loopback_test.h"
#include "quoll/testing/no_descriptors.h"
#include "quoll/testing/result.h"

namespace quoll::net {
namespace {

using ::testing::HasSubstr;

class ListenerTest : public LoopbackTest {
 protected:
  static TcpEndpoint any_port() { return {asio::ip::address_v4::loopback(), 0}; }
  std::unique_ptr<Listener> listen(const TcpEndpoint& at = any_port()) {
    auto made = Listener::open(loop_, at);
    QUOLL_ASSERT(made.has_value());
    return std::move(*made);
  }
  // Accepts into `accepted_` until the listener is closed.
  void run(Listener& listener) {
    spawn(context_.get_executor(), listener.run([this](TcpSocket socket) { accepted_.push_back(std::move(socket)); }));
  }
  void end(Listener& listener) {
    listener.close();
    context_.restart();
    context_.run_for(seconds(5));
  }
  std::vector<TcpSocket> accepted_;
};

TEST_F(ListenerTest, PortZeroFindsAPortAndSaysWhich) {
  const auto listener = listen();
  EXPECT_NE(listener->local_endpoint().port(), 0);
  EXPECT_TRUE(listener->stamps());
}

TEST_F(ListenerTest, AcceptsMoreConnectionsThanOneBatch) {
  const auto listener = listen();
  std::vector<Wire> peers;
  peers.reserve(200);
  for (int i = 0; i < 200; ++i) peers.push_back(Wire::to(listener->local_endpoint().port()));
  run(*listener);
  EXPECT_TRUE(run_until([this] { return accepted_.size() == 200; }));
  end(*listener);
}

TEST_F(ListenerTest, ARequestThatWaitedInTheBacklogIsStampedWhenItArrivedAndNotWhenItWasAccepted) {
  const auto listener = listen();
  Wire peer = Wire::to(listener->local_endpoint().port());
  const TimePoint before = steady_now();
  peer.send("GET /");
  const TimePoint after = steady_now();
  spend(milliseconds(50));
  run(*listener);
  ASSERT_TRUE(run_until([this] { return accepted_.size() == 1; }));
  StampedSocket socket(loop_, std::move(accepted_.front()));
  accepted_.clear();
  await_arrival(socket.native_handle());
  const ReadResult got = socket.try_read(buffer_);
  EXPECT_TRUE(got.stamped);
  EXPECT_GE(got.arrived_at, before - kStampSlack);
  EXPECT_LE(got.arrived_at, after + milliseconds(25));
  EXPECT_GE(got.read_at - got.arrived_at, milliseconds(25));
  end(*listener);
}

TEST_F(ListenerTest, APortThatAnotherProgramHasIsAnErrorThatNamesIt) {
  const PlainListener other;
  const auto got = Listener::open(loop_, other.at());
  ASSERT_FALSE(got.has_value());
  EXPECT_NE(got.error().message.find(to_string(other.at())), std::string::npos) << got.error().message;
  EXPECT_NE(got.error().message.find("taken"), std::string::npos) << got.error().message;
  EXPECT_THAT(testing::fault_of(check_free(other.at())), HasSubstr("taken"));
}

TEST_F(ListenerTest, AnAddressOfAnotherMachineIsAnErrorThatSaysSo) {
  const auto got = Listener::open(loop_, TcpEndpoint(asio::ip::make_address("192.0.2.1"), 0));
  ASSERT_FALSE(got.has_value());
  EXPECT_NE(got.error().message.find("does not have that address"), std::string::npos) << got.error().message;
}

TEST_F(ListenerTest, OurWorkersShareAPort) {
  const auto first = listen();
  EXPECT_TRUE(Listener::open(loop_, first->local_endpoint()).has_value());
}

TEST_F(ListenerTest, CheckFreeFindsASecondProgramThatWouldShareThePort) {
  const auto other = listen();
  const auto got = check_free(other->local_endpoint());
  ASSERT_FALSE(got.has_value());
  EXPECT_NE(got.error().message.find("taken"), std::string::npos) << got.error().message;
}

TEST_F(ListenerTest, CheckFreeFindsOneThatListensOnAllAddresses) {
  const auto other = listen(TcpEndpoint(asio::ip::tcp::v4(), 0));
  const TcpEndpoint same(asio::ip::address_v4::loopback(), other->local_endpoint().port());
  EXPECT_THAT(testing::fault_of(check_free(same)), HasSubstr("taken"));
}

TEST_F(ListenerTest, CheckFreeLeavesThePortFree) {
  const TcpEndpoint at = [] { return PlainListener().at(); }();
  EXPECT_TRUE(check_free(at).has_value());
  EXPECT_TRUE(check_free(at).has_value());
  EXPECT_TRUE(Listener::open(loop_, at).has_value());
  EXPECT_TRUE(check_free(any_port()).has_value());
}

TEST_F(ListenerTest, APortIsFreeAgainAlthoughItsLastConnectionsAreInTimeWait) {
  TcpEndpoint at;
  {
    const PlainListener listener;
    at = listener.at();
    Wire peer = Wire::to(at.port());
    listener.accept();  // closed at once by this side, which keeps the TIME_WAIT
    EXPECT_EQ(peer.read_exactly(1), "");
  }
  EXPECT_TRUE(check_free(at).has_value());
  EXPECT_TRUE(Listener::open(loop_, at).has_value());
}

TEST_F(ListenerTest, OutOfDescriptorsItWaitsWithoutSpinningAndThenAcceptsWhatIsInTheBacklog) {
  const auto listener = listen();
  std::vector<Wire> peers;
  peers.reserve(3);
  for (int i = 0; i < 3; ++i) peers.push_back(Wire::to(listener->local_endpoint().port()));
  // UBSan opens a pipe to look at an object of a type that it meets for the first time: let the loop turn once before.
  asio::steady_timer turn(context_, milliseconds(1));
  turn.async_wait([](const boost::system::error_code&) {});
  context_.run();
  context_.restart();
  run(*listener);
  std::size_t turns = 0;
  bool none_accepted = false;
  {
    const testing::NoDescriptors none;
    turns = context_.run_for(milliseconds(100));
    none_accepted = accepted_.empty();
  }
  EXPECT_TRUE(none_accepted);
  EXPECT_LE(turns, 12U) << "a pause of 50 ms takes a few turns of the loop, spinning takes thousands";
  EXPECT_TRUE(run_until([this] { return accepted_.size() == 3; }));
  end(*listener);
}

TEST_F(ListenerTest, CloseEndsRunAlsoFromInsideAnAccept) {
  const auto listener = listen();
  Wire peer = Wire::to(listener->local_endpoint().port());
  Wire another = Wire::to(listener->local_endpoint().port());
  bool ended = false;
  auto accept_one = [](Listener& on, int& count) -> Task<void> {
    co_await on.run([&on, &count](const TcpSocket&) {
      ++count;
      on.close();
    });
  };
  int count = 0;
  asio::co_spawn(context_, accept_one(*listener, count), [&ended](const std::exception_ptr&) { ended = true; });
  EXPECT_TRUE(run_until([&ended] { return ended; }));
  EXPECT_EQ(count, 1);
}

TEST_F(ListenerTest, CloseEndsARunThatWaits) {
  const auto listener = listen();
  bool ended = false;
  asio::co_spawn(context_, listener->run([](const TcpSocket&) {}),
                 [&ended](const std::exception_ptr&) { ended = true; });
  then([&listener] { listener->close(); });
  EXPECT_TRUE(run_until([&ended] { return ended; }));
}

}  // namespace
}  // namespace quoll::net
