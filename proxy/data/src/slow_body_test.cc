// Bodies of requests that come too slowly, or not at all.
#include "one_answer.h"

namespace quoll::proxy::testing {
namespace {

// Sends a body of which `bytes` come every second, until the connection is closed; how long that took.
Duration drip(ScriptedPlane& plane, OtherEnd& client, std::size_t bytes, Duration most) {
  const TimePoint begin = plane.loop.now();
  while (!client.sending_ended() && plane.loop.now() - begin < most) {
    plane.loop.advance(std::chrono::seconds(1));
    client.send(std::string(bytes, 'b'));
    plane.loop.run();
  }
  return plane.loop.now() - begin;
}

class SlowBody : public ::testing::TestWithParam<const char*> {};

TEST_P(SlowBody, BelowTheLeastRateEndsIn408) {
  ScriptedPlane plane;
  plane.upstream.on_connect = [](OtherEnd&, int) {};
  OtherEnd& client = plane.ask(std::string("POST / HTTP/1.1\r\nHost: h\r\n") + GetParam());
  const Duration took = drip(plane, client, 1, std::chrono::minutes(10));
  EXPECT_GE(took, std::chrono::seconds(20));
  EXPECT_LE(took, std::chrono::seconds(21)) << "20 s, and 2 ms for each byte";
  EXPECT_TRUE(client.received.starts_with("HTTP/1.1 408 ")) << client.received;
  EXPECT_TRUE(plane.upstream.made.front()->was_reset());
  EXPECT_EQ(plane.attempts(AttemptEnd::cancelled), 1U);
  EXPECT_EQ(plane.event(Event::failure) + plane.event(Event::timeout), 0U);
}

TEST_P(SlowBody, ThatStopsEndsIn408) {
  ScriptedPlane plane([](ProxyOptions& o) { o.client_gap = std::chrono::seconds(7); });
  plane.upstream.on_connect = [](OtherEnd&, int) {};
  OtherEnd& client = plane.ask(std::string("POST / HTTP/1.1\r\nHost: h\r\n") + GetParam() + "abc");
  plane.loop.advance(std::chrono::seconds(7) - std::chrono::nanoseconds(1));
  EXPECT_EQ(client.received, "");
  plane.loop.advance(std::chrono::nanoseconds(1));
  EXPECT_TRUE(client.received.starts_with("HTTP/1.1 408 ")) << client.received;
  EXPECT_EQ(plane.event(Event::failure) + plane.event(Event::timeout), 0U);
}

TEST_P(SlowBody, LivesWithoutALeastRate) {
  ScriptedPlane plane([](ProxyOptions& o) { o.min_rate = 0; });
  plane.upstream.on_connect = [](OtherEnd&, int) {};
  OtherEnd& client = plane.ask(std::string("POST / HTTP/1.1\r\nHost: h\r\n") + GetParam());
  drip(plane, client, 1, std::chrono::minutes(10));
  EXPECT_EQ(client.received, "");
}

// A length; chunks, of which one is so long.
INSTANTIATE_TEST_SUITE_P(Framings, SlowBody,
                         ::testing::Values("Content-Length: 1000000\r\n\r\n",
                                           "Transfer-Encoding: chunked\r\n\r\nf0000\r\n"));

TEST(MinRate, LeavesABodyAloneThatComesFastEnough) {
  ScriptedPlane plane;
  plane.upstream.on_connect = [](OtherEnd&, int) {};
  OtherEnd& client = plane.ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n");
  drip(plane, client, 500, std::chrono::minutes(10));
  EXPECT_EQ(client.received, "");
}

TEST(MinRate, DoesNotCountTheTimeInWhichTheUpstreamTakesNothing) {
  ScriptedPlane plane;
  plane.upstream.on_connect = [](OtherEnd& far, int) { far.room = 200; };
  OtherEnd& client = plane.ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2000\r\n\r\n");
  OtherEnd& far = *plane.upstream.made.front();
  for (int i = 0; i < 10; ++i) {
    client.send(std::string(200, 'b'));
    plane.loop.advance(std::chrono::seconds(30));
    far.take_more(200);
    plane.loop.run();
  }
  far.take_more(1000);
  plane.loop.run();
  EXPECT_TRUE(far.received.ends_with(std::string(2000, 'b'))) << client.received;
}

}  // namespace
}  // namespace quoll::proxy::testing
