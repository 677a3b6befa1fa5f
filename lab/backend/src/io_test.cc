#include "io.h"

#include <sys/socket.h>

#include <thread>

#include "quoll/net/stamped_read.h"
#include "test_client.h"

namespace quoll::lab::backend {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// The bytes a client sent, received `late` after it sent them, and the moment when it had.
net::ReadResult receive_late(Duration late, TimePoint& sent) {
  const auto listener = open_listener("127.0.0.1:0");
  EXPECT_TRUE(listener);
  testing::Client client(local_port(*listener));
  EXPECT_TRUE(client.send("late"));
  sent = steady_now();
  while (steady_now() - sent < late) std::this_thread::yield();
  const Fd accepted(::accept(listener->get(), nullptr, nullptr));
  net::StampClock clock(net::read_clocks());
  std::array<char, 16> buffer{};
  return net::stamped_read(accepted.get(), buffer, clock, {});
}

TEST(BackendIo, ReceivedIsWhenTheKernelHadItNotWhenWeLooked) {
  // The first socket with stamps flips a switch of the whole machine, and segments in that moment have none.
  TimePoint sent;
  net::ReadResult got = receive_late(milliseconds(50), sent);
  for (int i = 0; i < 10 && got.arrived_at - sent > milliseconds(25); ++i) got = receive_late(milliseconds(50), sent);
  EXPECT_EQ(got.status, net::IoStatus::ok);
  EXPECT_EQ(got.bytes, 4U);
  EXPECT_LT(got.arrived_at - sent, milliseconds(25));
}

TEST(BackendIo, WaitEndsAtItsTimeAndNotBefore) {
  auto epoll = Epoll::open();
  ASSERT_TRUE(epoll);
  const TimePoint until = steady_now() + std::chrono::microseconds(1500);
  EXPECT_TRUE(epoll->wait(until).empty());
  EXPECT_GE(steady_now(), until);
  EXPECT_TRUE(epoll->wait(until).empty());  // in the past: at once
}

TEST(BackendIo, StopWakesTheLoop) {
  auto epoll = Epoll::open();
  StopSignal stop;
  ASSERT_TRUE(epoll->add(stop.fd(), EPOLLIN, 42));
  stop.request();
  const auto events = epoll->wait(steady_now() + seconds(30));
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].data.u64, 42U);
}

TEST(BackendIo, AddressesAreExplained) {
  const auto bad = open_listener("127.0.0.1");
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().message.find("HOST:PORT"), std::string::npos);
}

}  // namespace
}  // namespace quoll::lab::backend
