// Upgrades: who gets a tunnel, what passes it, and how it ends.
#include "scripted_plane.h"

namespace quoll::proxy::testing {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

const std::string kAsk =
    "GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Key: "
    "k\r\n\r\n";
const std::string kSwitch =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: a\r\n\r\n";

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class Upgrade : public ::testing::Test {
 protected:
  void begin(const std::string& request = kAsk, const std::function<void(ProxyOptions&)>& tweak = nullptr) {
    plane = std::make_unique<ScriptedPlane>([&](ProxyOptions& o) {
      o.policies.concurrency = true;
      if (tweak) tweak(o);
    });
    plane->upstream.on_connect = [](OtherEnd&, int) {};
    client = &plane->ask(request);
    far = plane->upstream.made.empty() ? nullptr : plane->upstream.made.front().get();
  }
  // With a tunnel, and nothing of what led to it in what was received.
  void open(const std::function<void(ProxyOptions&)>& tweak = nullptr) {
    begin(kAsk, tweak);
    upstream_says(kSwitch);
    client->received.clear();
    far->received.clear();
  }
  void upstream_says(const std::string& bytes) {
    far->send(bytes);
    plane->loop.run();
  }
  void client_says(const std::string& bytes) {
    client->send(bytes);
    plane->loop.run();
  }
  void expect_over() {
    EXPECT_TRUE(client->closed());
    EXPECT_TRUE(far->closed());
    EXPECT_EQ(plane->connections(), 0U);
    EXPECT_EQ(plane->kept(), 0U);
  }

  std::unique_ptr<ScriptedPlane> plane;
  OtherEnd* client = nullptr;
  OtherEnd* far = nullptr;
};

TEST_F(Upgrade, ToAWebSocketIsForwardedAndItsAnswerPassedOn) {
  begin();
  EXPECT_TRUE(has(far->received, "\r\nUpgrade: websocket\r\nConnection: upgrade\r\n")) << far->received;
  EXPECT_TRUE(has(far->received, "\r\nSec-WebSocket-Key: k\r\n"));
  upstream_says(kSwitch);
  EXPECT_EQ(
      client->received,
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: a\r\nConnection: upgrade\r\n"
      "\r\n");
}

TEST_F(Upgrade, ToTheBreakerIsAnAnswerAndItsTunnelNothing) {
  open();
  EXPECT_EQ(plane->event(Event::success), 1U);
  EXPECT_EQ(plane->circuit().limit()->snapshot().in_flight, 0U) << "a tunnel holds no place in the limit";
  far->reset();
  plane->loop.run();
  expect_over();
  EXPECT_TRUE(client->was_reset());
  EXPECT_EQ(plane->event(Event::success), 1U);
  EXPECT_EQ(plane->event(Event::failure) + plane->event(Event::timeout), 0U);
}

TEST_F(Upgrade, CarriesBytesBothWays) {
  open();
  upstream_says("\x81\x02hi");
  client_says("\x81\x02ho");
  upstream_says("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(client->received, "\x81\x02hiGET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(far->received, "\x81\x02ho");
}

TEST_F(Upgrade, CarriesWhatCameWithTheHeads) {
  begin(kAsk + "early");
  upstream_says(kSwitch + "first");
  EXPECT_TRUE(client->received.ends_with("\r\n\r\nfirst"));
  EXPECT_TRUE(far->received.ends_with("\r\n\r\nearly"));
}

TEST_F(Upgrade, PassesBackPressureOn) {
  open();
  client->room = 100;
  std::string all;
  for (int i = 0; i < 100; ++i) {
    const std::string piece(1000, static_cast<char>('a' + i % 26));
    all += piece;
    upstream_says(piece);
  }
  EXPECT_EQ(client->received.size(), 100U);
  client_says("the other way goes on");
  EXPECT_EQ(far->received, "the other way goes on");
  while (client->received.size() < all.size()) {
    client->take_more(5000);
    plane->loop.run();
  }
  EXPECT_EQ(client->received, all);
}

TEST_F(Upgrade, EndsWhenBothSidesHaveEnded) {
  open();
  far->end();
  plane->loop.run();
  EXPECT_TRUE(client->sending_ended());
  EXPECT_FALSE(client->closed());
  client_says("bye");
  EXPECT_EQ(far->received, "bye");
  client->end();
  plane->loop.run();
  expect_over();
  EXPECT_FALSE(client->was_reset());
}

TEST_F(Upgrade, HalfOfItHasAsLongAsAClientMayStall) {
  open();
  client->end();
  plane->loop.run();
  EXPECT_TRUE(far->sending_ended());
  plane->loop.advance(seconds(30) - nanoseconds(1));
  EXPECT_FALSE(far->closed());
  plane->loop.advance(nanoseconds(1));
  expect_over();
}

TEST_F(Upgrade, IsCutWhenNothingMovesEitherWay) {
  open([](ProxyOptions& o) { o.tunnel_idle = seconds(10); });
  for (int i = 0; i < 5; ++i) {
    plane->loop.advance(seconds(6));
    i % 2 == 0 ? client_says("x") : upstream_says("y");
  }
  plane->loop.advance(seconds(10) - nanoseconds(1));
  EXPECT_FALSE(client->closed());
  plane->loop.advance(nanoseconds(1));
  expect_over();
}

TEST_F(Upgrade, MayBeQuietForAnHour) {
  open();
  plane->loop.advance(hours(1) - nanoseconds(1));
  EXPECT_FALSE(client->closed());
  EXPECT_EQ(client->received, "") << "no 100 Continue to see whether it is there";
}

TEST_F(Upgrade, GoesOnWhileTheProxyDrains) {
  open();
  plane->state().draining = true;
  for (OpenConnection& connection : plane->state().open) connection.drain();
  upstream_says("still here");
  EXPECT_EQ(client->received, "still here");
}

TEST_F(Upgrade, ThatTheUpstreamRefusesIsAnAnswerLikeAnyOther) {
  begin();
  upstream_says(answer(403, "no"));
  EXPECT_TRUE(client->received.starts_with("HTTP/1.1 403 Text\r\n")) << client->received;
  client_says(get("/next"));
  EXPECT_TRUE(has(far->received, "GET /next")) << "on the same connections";
}

TEST_F(Upgrade, OfNothingButAWebSocketIsForwarded) {
  for (const std::string request :
       {"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 1\r\n\r\nx",
        "POST / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"}) {
    begin(request);
    EXPECT_FALSE(has(far->received, "pgrade")) << far->received;
    upstream_says(kSwitch);
    EXPECT_TRUE(client->received.starts_with("HTTP/1.1 502 ")) << client->received;
    EXPECT_TRUE(has(client->received, "error=http_upgrade_failed"));
    EXPECT_EQ(plane->event(Event::failure), 1U);
  }
}

TEST_F(Upgrade, ToSomethingElseThanWasAskedForIsNone) {
  begin();
  upstream_says("HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n");
  EXPECT_TRUE(client->received.starts_with("HTTP/1.1 502 ")) << client->received;
}

// False when there were fewer than n operations.
bool live(int n) {
  FailNth faults(n);
  ScriptedPlane plane([](ProxyOptions& o) { o.policies.concurrency = true; }, &faults);
  plane.upstream.on_connect = [](OtherEnd& far, int) {
    far.on_received = [](OtherEnd& to) {
      if (!take_request(to).empty()) return to.send(kSwitch + "hello");
      if (to.received.starts_with("ping") && to.sent() == 1) to.send("pong");
    };
  };
  OtherEnd& client = plane.client();
  client.room = 200;
  client.on_received = [](OtherEnd& to) {
    if (to.received.ends_with("hello")) to.send("ping");
    if (to.received.ends_with("pong")) to.end();
    to.take_more(10);
  };
  client.send(kAsk);
  plane.loop.advance(seconds(40));
  plane.loop.advance(hours(2));
  SCOPED_TRACE("operation " + std::to_string(n) + ": " + faults.failed());
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(plane.connections(), 0U);
  EXPECT_EQ(plane.circuit().limit()->snapshot().in_flight, 0U);
  if (!faults.failed().starts_with("upstream") && faults.failed() != "connect") {
    EXPECT_EQ(plane.event(Event::failure) + plane.event(Event::timeout), 0U);
  }
  if (faults.failed().empty()) {
    EXPECT_TRUE(client.received.ends_with("hellopong")) << client.received;
  }
  return !faults.failed().empty();
}

TEST(UpgradesLife, EndsWellWhicheverOperationFails) {
  int n = 0;
  while (live(n)) ++n;
  EXPECT_GE(n, 15);
}

}  // namespace
}  // namespace quoll::proxy::testing
