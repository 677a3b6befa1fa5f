// Verdicts and time limits of the data plane, to the nanosecond.
#include "scripted_plane.h"

namespace quoll::proxy::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

void silent(OtherEnd&, int) {}

std::string status_line(const OtherEnd& far) {
  return far.received.substr(0, far.received.find("\r\n"));
}

class ScriptedVerdict : public ::testing::Test {
 protected:
  // A request whose upstream answers `answer_after` later, while the loop stalls from `stall_after` for `stall`.
  void exchange(ScriptedPlane& plane, Duration answer_after, Duration stall_after, Duration stall) {
    plane.upstream.on_connect = silent;
    client_ = &plane.ask(get("/"));
    plane.loop.advance(stall_after);
    plane.loop.stall(answer_after - stall_after);
    plane.upstream.made.front()->send(answer(200, "late or not"));
    plane.loop.stall(stall_after + stall - answer_after);
    plane.loop.run();
  }

  OtherEnd* client_ = nullptr;
};

TEST_F(ScriptedVerdict, AnAnswerInTimeIsOneHoweverLateTheLoopLooks) {
  ScriptedPlane plane;
  exchange(plane, milliseconds(500), milliseconds(400), seconds(30));
  EXPECT_EQ(status_line(*client_), "HTTP/1.1 200 Text");
  EXPECT_EQ(plane.attempts(AttemptEnd::rescued), 1U);
  EXPECT_EQ(plane.event(Event::timeout), 0U);
}

TEST_F(ScriptedVerdict, AnAnswerOneNanosecondLateIsATimeout) {
  ScriptedPlane plane;
  exchange(plane, milliseconds(500) + nanoseconds(1), milliseconds(400), seconds(30));
  EXPECT_EQ(status_line(*client_).substr(0, 12), "HTTP/1.1 504");
  EXPECT_EQ(plane.event(Event::timeout), 1U);
}

TEST_F(ScriptedVerdict, ATimerIsFooledByTheSameStall) {
  ScriptedPlane plane([](ProxyOptions& o) { o.verdict = VerdictKind::timer; });
  exchange(plane, milliseconds(450), milliseconds(400), seconds(30));
  EXPECT_EQ(status_line(*client_).substr(0, 12), "HTTP/1.1 504");
  EXPECT_EQ(plane.event(Event::timeout), 1U);
}

TEST_F(ScriptedVerdict, SilenceIsATimeoutAtTheDeadlineAndNotBefore) {
  ScriptedPlane plane;
  plane.upstream.on_connect = silent;
  OtherEnd& client = plane.ask(get("/"));
  plane.loop.advance(milliseconds(500) - nanoseconds(1));
  EXPECT_EQ(client.received, "");
  plane.loop.advance(nanoseconds(1));
  EXPECT_EQ(status_line(client).substr(0, 12), "HTTP/1.1 504");
}

TEST_F(ScriptedVerdict, TheDeadlineCountsFromTheLastByteOfTheRequest) {
  ScriptedPlane plane;
  plane.upstream.on_connect = silent;
  OtherEnd& client = plane.client();
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nab");
  plane.loop.advance(milliseconds(300));
  client.send("cd");
  plane.loop.advance(milliseconds(500) - nanoseconds(1));
  EXPECT_EQ(client.received, "");
  plane.loop.advance(nanoseconds(1));
  EXPECT_EQ(status_line(client).substr(0, 12), "HTTP/1.1 504");
}

TEST_F(ScriptedVerdict, BytesThatCameBeforeTheRequestAreNotItsAnswer) {
  ScriptedPlane plane;
  OtherEnd& client = plane.ask(get("/one"));
  ASSERT_EQ(plane.kept(), 1U);
  // While the loop sleeps, the upstream sends what nobody asked for, and then the client its next request.
  plane.upstream.made.front()->send(answer(200, "poison"));
  plane.loop.stall(milliseconds(10));
  client.received.clear();
  client.send(get("/two"));
  plane.loop.run();
  EXPECT_TRUE(client.received.ends_with("/two")) << client.received;
  EXPECT_EQ(plane.upstream.made.size(), 2U);
}

TEST_F(ScriptedVerdict, AnIdleClientIsLetGoAfterTheIdleTimeout) {
  ScriptedPlane plane;
  OtherEnd& client = plane.ask(get("/"));
  plane.loop.advance(seconds(60) - nanoseconds(1));
  EXPECT_FALSE(client.closed());
  plane.loop.advance(nanoseconds(1));
  EXPECT_TRUE(client.closed());
}

TEST_F(ScriptedVerdict, AHeadThatIsNotWholeIn10SecondsIsRefused) {
  ScriptedPlane plane;
  OtherEnd& client = plane.ask("GET / HTTP/1.1\r\nHos");
  plane.loop.advance(seconds(10) - nanoseconds(1));
  EXPECT_EQ(client.received, "");
  plane.loop.advance(nanoseconds(1));
  EXPECT_EQ(status_line(client).substr(0, 12), "HTTP/1.1 408");
}

TEST_F(ScriptedVerdict, ARetryComesAfterAPauseWithinTheOnesThatTheEngineMayTake) {
  ScriptedPlane plane([](ProxyOptions& o) { o.policies.retries = 1; });
  int asked = 0;
  plane.upstream.on_connect = [&](OtherEnd& far, int) {
    far.on_received = [&](OtherEnd& to) {
      if (!take_request(to).empty()) to.send(asked++ == 0 ? answer(503, "no") : answer(200, "yes"));
    };
  };
  OtherEnd& client = plane.ask(get("/"));
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(client.received, "") << "the first answer is not passed on";
  plane.loop.advance(core::RetryOptions{}.base);
  EXPECT_EQ(asked, 2);
  EXPECT_TRUE(client.received.ends_with("yes")) << client.received;
}

}  // namespace
}  // namespace quoll::proxy::testing
