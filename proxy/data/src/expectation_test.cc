// Expect: 100-continue (RFC 9110 section 10.1.1): who is asked for the body, and when.
#include "one_answer.h"

namespace quoll::proxy::testing {
namespace {

// A request whose body is held back, to an upstream that answers when the test says so.
class Expectation : public ::testing::Test {
 protected:
  static constexpr const char* kHead =
      "POST /up HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";

  void begin(const std::function<void(ProxyOptions&)>& tweak = nullptr) {
    plane = std::make_unique<ScriptedPlane>(tweak);
    plane->upstream.on_connect = [](OtherEnd&, int) {};
    client = &plane->ask(kHead);
  }
  OtherEnd& far() { return *plane->upstream.made.at(0); }
  void upstream_says(const std::string& bytes) {
    far().send(bytes);
    plane->loop.run();
  }
  void client_says(const std::string& bytes) {
    client->send(bytes);
    plane->loop.run();
  }

  std::unique_ptr<ScriptedPlane> plane;
  OtherEnd* client = nullptr;
};

TEST_F(Expectation, IsForwardedAndTheUpstreams100PassedOn) {
  begin();
  EXPECT_TRUE(has(far().received, "\r\nExpect: 100-continue\r\n")) << far().received;
  EXPECT_TRUE(far().received.ends_with("\r\n\r\n"));
  EXPECT_EQ(client->received, "");
  upstream_says("HTTP/1.1 100 Go on\r\n\r\n");
  EXPECT_EQ(client->received, "HTTP/1.1 100 Go on\r\n\r\n");
  client_says("body");
  EXPECT_TRUE(far().received.ends_with("\r\n\r\nbody")) << far().received;
  upstream_says(answer(200, "done"));
  EXPECT_TRUE(has(client->received, "\r\n\r\nHTTP/1.1 200 Text")) << client->received;
  EXPECT_FALSE(client->closed());
  EXPECT_EQ(plane->kept(), 1U);
  EXPECT_EQ(plane->event(Event::success), 1U);
}

TEST_F(Expectation, IsRefusedByTheUpstreamBeforeTheBodyIsSent) {
  begin();
  plane->loop.advance(std::chrono::milliseconds(100));
  upstream_says(answer(413, "no"));
  EXPECT_TRUE(client->received.starts_with("HTTP/1.1 413 Text\r\n")) << client->received;
  EXPECT_TRUE(has(client->received, "\r\nConnection: close\r\n")) << "a body may follow, or a request";
  EXPECT_TRUE(client->sending_ended());
  EXPECT_TRUE(far().closed()) << "half a request lies on it";
  EXPECT_EQ(plane->kept(), 0U);
  EXPECT_EQ(plane->event(Event::success), 1U);
}

TEST_F(Expectation, WhoseBodyComesDuringTheFinalAnswerDoesNotDisturbIt) {
  begin();
  upstream_says("HTTP/1.1 413 No\r\nContent-Length: 6\r\n\r\nabc");
  client_says("body");
  upstream_says("def");
  EXPECT_TRUE(client->received.ends_with("\r\n\r\nabcdef")) << client->received;
  EXPECT_FALSE(client->was_reset());
  EXPECT_FALSE(has(far().received, "body"));
}

TEST_F(Expectation, MetWithAFinalAnswerThatIsAnErrorGetsThatWithoutABody) {
  begin();
  upstream_says(answer(503, "no"));
  EXPECT_TRUE(client->received.starts_with("HTTP/1.1 503 Text\r\n")) << client->received;
  EXPECT_TRUE(has(client->received, "\r\nConnection: close\r\n"));
  EXPECT_EQ(plane->event(Event::failure), 1U);
}

TEST_F(Expectation, OfADeadUpstreamIsAnsweredFinally) {
  plane = std::make_unique<ScriptedPlane>();
  plane->upstream.fails_with = ECONNREFUSED;
  client = &plane->ask(kHead);
  EXPECT_TRUE(client->received.starts_with("HTTP/1.1 502 ")) << client->received;
  EXPECT_TRUE(has(client->received, "\r\nConnection: close\r\n"));

  begin();
  far().reset();
  plane->loop.run();
  EXPECT_TRUE(client->received.starts_with("HTTP/1.1 502 ")) << client->received;
  EXPECT_EQ(plane->event(Event::failure), 1U);
}

TEST_F(Expectation, OfASilentUpstreamIsMetByTheProxy) {
  begin([](ProxyOptions& o) { o.timeout = std::chrono::seconds(5); });
  plane->loop.advance(std::chrono::seconds(1) - std::chrono::nanoseconds(1));
  EXPECT_EQ(client->received, "");
  plane->loop.advance(std::chrono::nanoseconds(1));
  EXPECT_EQ(client->received, "HTTP/1.1 100 Continue\r\n\r\n");
  client_says("body");
  EXPECT_TRUE(far().received.ends_with("\r\n\r\nbody"));
  upstream_says("HTTP/1.1 100 Continue\r\n\r\n" + answer(200, "done"));
  EXPECT_TRUE(client->received.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Text\r\n")) << client->received;
}

TEST_F(Expectation, WaitsNoLongerThanTheTimeoutWhichIsNone) {
  begin();
  plane->loop.advance(std::chrono::milliseconds(500));
  EXPECT_EQ(client->received, "HTTP/1.1 100 Continue\r\n\r\n");
  client_says("body");
  plane->loop.advance(std::chrono::milliseconds(500));
  EXPECT_TRUE(has(client->received, "\r\n\r\nHTTP/1.1 504 ")) << "the deadline counts from the body's end";
}

TEST_F(Expectation, OfAClientThatDoesNotWaitForItHoldsNothingUp) {
  begin();
  client_says("body");
  EXPECT_TRUE(far().received.ends_with("\r\n\r\nbody")) << far().received;
  EXPECT_EQ(client->received, "");
  upstream_says(answer(200, "done"));
  EXPECT_TRUE(client->received.starts_with("HTTP/1.1 200 Text\r\n")) << client->received;
  EXPECT_FALSE(client->closed());
}

TEST_F(Expectation, OfAClientThatThenSendsNothingIsTheClientsFailure) {
  begin();
  upstream_says("HTTP/1.1 100 Continue\r\n\r\n");
  plane->loop.advance(std::chrono::seconds(30));
  EXPECT_TRUE(has(client->received, "\r\n\r\nHTTP/1.1 408 ")) << client->received;
  EXPECT_EQ(plane->event(Event::failure) + plane->event(Event::timeout), 0U);

  begin();
  client->end();
  plane->loop.run();
  EXPECT_TRUE(far().was_reset()) << "a client that has sent its end sends no body";
  EXPECT_TRUE(client->closed());
  EXPECT_EQ(plane->event(Event::failure) + plane->event(Event::timeout), 0U);
}

TEST_F(Expectation, WithoutABodyOrFromHttp10IsNone) {
  OneAnswer up(answer(200, "x"));
  EXPECT_TRUE(up.plane.ask(get("/", "Expect: 100-continue\r\n")).received.starts_with("HTTP/1.1 200"));
  EXPECT_FALSE(has(up.asked.back(), "Expect"));
  up.plane.ask("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx");
  EXPECT_FALSE(has(up.asked.back(), "Expect"));
}

TEST_F(Expectation, WhoseBodyCameWithItHoldsNothingUp) {
  plane = std::make_unique<ScriptedPlane>();
  plane->upstream.on_connect = [](OtherEnd&, int) {};
  client = &plane->ask(std::string(kHead) + "body");
  EXPECT_TRUE(has(far().received, "\r\nExpect: 100-continue\r\n"));
  EXPECT_TRUE(far().received.ends_with("\r\n\r\nbody")) << far().received;
  upstream_says("HTTP/1.1 100 Continue\r\n\r\n" + answer(200, "done"));
  EXPECT_TRUE(client->received.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Text\r\n")) << client->received;
  EXPECT_FALSE(client->closed());
  EXPECT_EQ(plane->kept(), 1U);
}

TEST_F(Expectation, OfSomethingElseIsTheUpstreamsBusiness) {
  OneAnswer up(answer(417, "x"));
  EXPECT_TRUE(up.plane.ask(get("/", "Expect: miracles\r\n")).received.starts_with("HTTP/1.1 417"));
  EXPECT_TRUE(has(up.asked.back(), "\r\nExpect: miracles\r\n"));
}

// The head of a POST that waits on a kept connection which has just been closed has not been acted on, but who knows.
TEST_F(Expectation, ThatMeetsAConnectionJustClosedIsSentAgainWhereThatIsAllowed) {
  for (const std::string method : {"PUT", "POST"}) {
    plane = std::make_unique<ScriptedPlane>();
    plane->ask(get("/first"));
    plane->upstream.made.front()->on_received = [](OtherEnd& to) { to.reset(); };
    client = &plane->ask(method + " /up HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    if (method == "POST") {
      EXPECT_TRUE(client->received.starts_with("HTTP/1.1 502 ")) << client->received;
      continue;
    }
    EXPECT_EQ(client->received, "");
    plane->loop.advance(std::chrono::milliseconds(500));
    EXPECT_EQ(client->received, "HTTP/1.1 100 Continue\r\n\r\n");
    client->send("body");
    plane->loop.run();
    EXPECT_TRUE(client->received.ends_with("/up")) << client->received;
  }
}

}  // namespace
}  // namespace quoll::proxy::testing
