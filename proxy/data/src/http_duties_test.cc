// What RFC 9110 and 9112 have a proxy do with single messages, as its client and its upstream see it.
#include "forwarded.h"
#include "scripted_plane.h"

namespace quoll::proxy::testing {
namespace {

std::string head_of(const std::string& message) {
  return message.substr(0, message.find("\r\n\r\n") + 4);
}
std::string status_line(const OtherEnd& far) {
  return far.received.substr(0, far.received.find("\r\n"));
}
bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// A plane whose upstream answers every request with the same bytes, and remembers the requests' heads.
class OneAnswer {
 public:
  explicit OneAnswer(std::string bytes, const std::function<void(ProxyOptions&)>& tweak = nullptr) : plane(tweak) {
    plane.upstream.on_connect = [this, bytes = std::move(bytes)](OtherEnd& far, int) {
      far.on_received = [this, bytes](OtherEnd& to) {
        for (std::string head = take_request(to); !head.empty(); head = take_request(to)) {
          asked.push_back(head);
          to.send(bytes);
        }
      };
    };
  }

  ScriptedPlane plane;
  std::vector<std::string> asked;
};

TEST(Refusals, AMalformedHeadRequestIsRefusedWithoutABody) {
  for (const std::string request :
       {"HEAD / HTTP/1.1\r\n\r\n", "HEAD / HTTP/1.1\r\nHost: a%zz\r\n\r\n",
        "\r\nHEAD / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", "HEAD / HTTP/3.0\r\nHost: a\r\n\r\n"}) {
    ScriptedPlane plane;
    OtherEnd& client = plane.ask(request);
    EXPECT_TRUE(has(client.received, "Proxy-Status: quoll; error=http_request_error")) << client.received;
    EXPECT_TRUE(client.received.ends_with("\r\n\r\n")) << client.received;
  }
  ScriptedPlane plane;
  OtherEnd& slow = plane.ask("HEAD / HTTP/1.1\r\nHos");
  plane.loop.advance(std::chrono::seconds(10));
  EXPECT_EQ(status_line(slow).substr(0, 12), "HTTP/1.1 408");
  EXPECT_TRUE(slow.received.ends_with("\r\n\r\n")) << slow.received;
  OtherEnd& other = plane.ask("HEADS / HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(other.received.ends_with("}\n")) << "any other method's refusal has one";
}

TEST(Refusals, ConnectIsToldWhichMethodsThereAre) {
  ScriptedPlane plane;
  OtherEnd& client = plane.ask("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n");
  EXPECT_EQ(status_line(client).substr(0, 12), "HTTP/1.1 405");
  EXPECT_TRUE(has(client.received, "\r\nAllow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE\r\n"));
}

TEST(Answers, A204NeverHasAContentLength) {
  OneAnswer up("HTTP/1.1 204 None\r\nContent-Length: 0\r\nETag: \"e\"\r\n\r\n");
  OtherEnd& client = up.plane.ask(get("/"));
  EXPECT_EQ(status_line(client), "HTTP/1.1 204 None");
  EXPECT_FALSE(has(client.received, "Content-Length"));
  EXPECT_TRUE(has(client.received, "ETag: \"e\"\r\n"));
  EXPECT_FALSE(client.closed());
  EXPECT_EQ(up.plane.kept(), 1U);
}

TEST(Answers, A304AndTheAnswerToHeadKeepTheirContentLength) {
  OneAnswer not_modified("HTTP/1.1 304 Not\r\nContent-Length: 5\r\n\r\n");
  EXPECT_TRUE(has(not_modified.plane.ask(get("/")).received, "Content-Length: 5\r\n"));
  OneAnswer head("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  EXPECT_TRUE(has(head.plane.ask("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n").received, "Content-Length: 5\r\n"));
}

TEST(Answers, DateIsAddedWhereTheUpstreamSentNone) {
  OneAnswer without(answer(200, "x"));
  const std::string got = without.plane.ask(get("/")).received;
  const std::size_t at = got.find("\r\nDate: ");
  ASSERT_NE(at, std::string::npos) << got;
  EXPECT_EQ(got.substr(at + 8 + 25, 6), " GMT\r\n") << got;

  OneAnswer with(answer(200, "x", "dAtE: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
  const std::string kept = with.plane.ask(get("/")).received;
  EXPECT_TRUE(has(kept, "dAtE: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
  EXPECT_FALSE(has(kept, "\r\nDate: ")) << kept;
}

TEST(DateCache, IsOfTheSecondThatItIsAskedFor) {
  DateCache cache;
  const WallTime at = WallTime(std::chrono::seconds(784111777));
  EXPECT_EQ(cache.at(at), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(cache.at(at + std::chrono::milliseconds(999)), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(cache.at(at + std::chrono::seconds(1)), "Sun, 06 Nov 1994 08:49:38 GMT");
  EXPECT_EQ(cache.at(at), "Sun, 06 Nov 1994 08:49:37 GMT") << "a clock that is set back";
}

TEST(Answers, A426KeepsItsUpgradeAndAnnouncesIt) {
  OneAnswer up(answer(426, "x", "Upgrade: HTTP/3.0, h2c\r\nConnection: Upgrade\r\n"));
  const std::string got = up.plane.ask(get("/")).received;
  EXPECT_TRUE(has(got, "\r\nUpgrade: HTTP/3.0, h2c\r\n")) << got;
  EXPECT_TRUE(has(got, "\r\nConnection: upgrade\r\n")) << got;
  const std::string last = up.plane.ask(get("/", "Connection: close\r\n")).received;
  EXPECT_TRUE(has(last, "\r\nConnection: upgrade, close\r\n")) << last;
  OneAnswer other(answer(200, "x", "Upgrade: h2c\r\nConnection: Upgrade\r\n"));
  EXPECT_FALSE(has(other.plane.ask(get("/")).received, "pgrade"));
}

TEST(KeepAlive, TheUpstreamsTimeoutEndsARestALittleEarlier) {
  struct Case {
    const char* told;
    Duration kept;
  };
  for (const auto& [told, kept] :
       {Case{"timeout=5, max=100", std::chrono::seconds(4)}, Case{"max=1, TIMEOUT=1", std::chrono::milliseconds(500)},
        Case{"timeout=600", std::chrono::seconds(30)}, Case{"timeout=x", std::chrono::seconds(30)}}) {
    for (const bool late : {false, true}) {
      OneAnswer up(answer(200, "x", std::string("Keep-Alive: ") + told + "\r\n"));
      up.plane.ask(get("/"));
      up.plane.loop.advance(kept + std::chrono::nanoseconds(late ? 1 : 0));
      up.plane.ask(get("/"));
      EXPECT_EQ(up.plane.upstream.made.size(), late ? 2U : 1U) << told;
    }
  }
  OneAnswer none(answer(200, "x", "Keep-Alive: timeout=0\r\n"));
  none.plane.ask(get("/"));
  EXPECT_EQ(none.plane.kept(), 0U);
}

TEST(Forwarded, TellsTheUpstreamOfTheClient) {
  OneAnswer up(answer(200, "x"));
  up.plane.ask(
      "GET / HTTP/1.1\r\nHost: shop.example:8080\r\nX-Forwarded-For: 10.1.2.3\r\nX-Forwarded-Proto: https\r\n"
      "x-forwarded-host: evil\r\nForwarded: for=10.1.2.3\r\n\r\n");
  const std::string& got = up.asked.back();
  EXPECT_TRUE(has(got, "\r\nX-Forwarded-For: 10.1.2.3\r\n"));
  EXPECT_TRUE(has(got, "\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\n")) << got;
  EXPECT_TRUE(has(got, "\r\nX-Forwarded-Host: shop.example:8080\r\n")) << got;
  EXPECT_TRUE(has(got, "\r\nForwarded: for=10.1.2.3\r\n"));
  EXPECT_TRUE(has(got, "\r\nForwarded: for=192.0.2.1;proto=http;host=\"shop.example:8080\"\r\n")) << got;
  EXPECT_FALSE(has(got, "https")) << "nobody vouches for it";
  EXPECT_FALSE(has(got, "evil"));

  up.plane.ask("GET / HTTP/1.0\r\n\r\n");
  EXPECT_FALSE(has(up.asked.back(), "X-Forwarded-Host")) << "there is none";
  EXPECT_TRUE(has(up.asked.back(), "\r\nForwarded: for=192.0.2.1;proto=http\r\n")) << up.asked.back();
}

TEST(Forwarded, OfTrustedProxiesIsBelieved) {
  OneAnswer up(answer(200, "x"), [](ProxyOptions& o) { o.trusted_hops = 1; });
  up.plane.ask(get("/", "X-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\n"));
  const std::string& got = up.asked.back();
  EXPECT_TRUE(has(got, "\r\nX-Forwarded-Proto: https\r\n"));
  EXPECT_TRUE(has(got, "\r\nX-Forwarded-Host: shop.example\r\n"));
  EXPECT_FALSE(has(got, "Proto: http\r\n"));
  up.plane.ask(get("/"));
  EXPECT_TRUE(has(up.asked.back(), "\r\nX-Forwarded-Proto: http\r\n")) << up.asked.back();
  EXPECT_TRUE(has(up.asked.back(), "\r\nX-Forwarded-Host: h\r\n")) << up.asked.back();
}

TEST(Forwarded, MayBeOfOneKindOrNone) {
  for (const auto& [kind, x, rfc] :
       {std::tuple(ForwardedKind::x_forwarded, true, false), std::tuple(ForwardedKind::rfc7239, false, true),
        std::tuple(ForwardedKind::off, false, false)}) {
    OneAnswer up(answer(200, "x"), [k = kind](ProxyOptions& o) { o.forwarded = k; });
    up.plane.ask(get("/"));
    EXPECT_EQ(has(up.asked.back(), "X-Forwarded-"), x) << up.asked.back();
    EXPECT_EQ(has(up.asked.back(), "\r\nForwarded: "), rfc) << up.asked.back();
  }
}

TEST(ClientAddress, IsSoManyEntriesFromTheEndOfWhatTrustedProxiesSay) {
  http::RequestHead head;
  http::HeadScan scan;
  const std::string bytes =
      "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: evil, 10.0.0.1\r\nX-Forwarded-For: 10.0.0.2 ,, 10.0.0.3\r\n\r\n";
  ASSERT_TRUE(http::parse_request(bytes, {}, scan, head).complete());
  EXPECT_EQ(client_address(head, "peer", 0), "peer");
  EXPECT_EQ(client_address(head, "peer", 1), "10.0.0.3");
  EXPECT_EQ(client_address(head, "peer", 2), "10.0.0.2");
  EXPECT_EQ(client_address(head, "peer", 3), "10.0.0.1");
  EXPECT_EQ(client_address(head, "peer", 9), "evil");
  head.clear();
  EXPECT_EQ(client_address(head, "peer", 1), "peer");
}

std::string field_of(const std::string& message, const std::string& name) {
  const std::size_t at = message.find("\r\n" + name + ": ");
  if (at == std::string::npos) return "";
  const std::size_t start = at + name.size() + 4;
  return message.substr(start, message.find("\r\n", start) - start);
}

TEST(RequestIds, AreMadeWhereThereIsNoneAndAreTheTracesThatBegins) {
  OneAnswer up(answer(200, "x"));
  up.plane.ask(get("/"));
  up.plane.ask(get("/", "X-Request-Id:\r\n"));
  const std::string first = field_of(up.asked[0], "X-Request-Id");
  EXPECT_EQ(first.size(), 32U);
  EXPECT_EQ(first.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(field_of(up.asked[0], "traceparent").substr(3, 32), first);
  EXPECT_NE(first, field_of(up.asked[1], "X-Request-Id"));
  up.plane.ask(get("/", "x-request-id: mine\r\nX-Request-Id: again\r\n"));
  EXPECT_TRUE(has(up.asked.back(), "\r\nx-request-id: mine\r\n"));
  EXPECT_FALSE(has(up.asked.back(), "X-Request-Id"));

  OneAnswer untraced(answer(200, "x"), [](ProxyOptions& o) { o.trace = TraceKind::off; });
  untraced.plane.ask(get("/"));
  EXPECT_EQ(field_of(untraced.asked[0], "X-Request-Id").size(), 32U);
}

TEST(RequestIds, AreInOurOwnErrors) {
  ScriptedPlane plane;
  plane.upstream.fails_with = ECONNREFUSED;
  EXPECT_EQ(field_of(plane.ask(get("/", "X-Request-Id: mine\r\n")).received, "X-Request-Id"), "mine");
  EXPECT_EQ(field_of(plane.ask(get("/")).received, "X-Request-Id").size(), 32U);
  EXPECT_EQ(field_of(plane.ask("CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n").received, "X-Request-Id").size(), 32U);

  OneAnswer cut("garbage\r\n\r\n");
  const std::string got = cut.plane.ask(get("/")).received;
  EXPECT_EQ(field_of(got, "X-Request-Id"), field_of(cut.asked[0], "X-Request-Id"));
}

TEST(MaxForwards, IsTakenOneOffOnItsWay) {
  OneAnswer up(answer(200, "x"));
  for (const std::string method : {"OPTIONS", "TRACE"}) {
    up.plane.ask(method + " /p HTTP/1.1\r\nHost: h\r\nMax-Forwards: 10\r\n\r\n");
    EXPECT_TRUE(has(up.asked.back(), "\r\nMax-Forwards: 9\r\n")) << up.asked.back();
  }
  up.plane.ask("TRACE /p HTTP/1.1\r\nHost: h\r\nmax-forwards: 1\r\n\r\n");
  EXPECT_TRUE(has(up.asked.back(), "\r\nmax-forwards: 0\r\n")) << up.asked.back();
  up.plane.ask("OPTIONS * HTTP/1.1\r\nHost: h\r\nMax-Forwards: 99999999999999999999\r\n\r\n");
  EXPECT_TRUE(has(up.asked.back(), "\r\nMax-Forwards: 999999\r\n")) << up.asked.back();
  up.plane.ask("GET /p HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\n\r\n");
  EXPECT_TRUE(has(up.asked.back(), "\r\nMax-Forwards: 0\r\n")) << "it says nothing with other methods";
}

TEST(MaxForwards, AtZeroOptionsIsAnsweredHere) {
  OneAnswer up(answer(200, "x"));
  OtherEnd& client = up.plane.ask("OPTIONS * HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\n\r\n" + get("/next"));
  EXPECT_EQ(status_line(client), "HTTP/1.1 200 OK");
  EXPECT_TRUE(has(head_of(client.received), "\r\nAllow: GET, HEAD, ")) << client.received;
  EXPECT_TRUE(has(head_of(client.received), "\r\nContent-Length: 0\r\n")) << client.received;
  ASSERT_EQ(up.asked.size(), 1U) << "the next request has its turn";
  EXPECT_EQ(path_of(up.asked.front()), "/next");
}

TEST(MaxForwards, AtZeroTraceReflectsTheRequestWithoutItsCredentials) {
  OneAnswer up(answer(200, "x"));
  OtherEnd& client = up.plane.ask(
      "TRACE /a?b HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\nX-Mine: yes\r\nauthorization: Basic c2VjcmV0\r\n"
      "Cookie: secret=1\r\nProxy-Authorization: Basic c2VjcmV0\r\n\r\n");
  EXPECT_EQ(status_line(client), "HTTP/1.1 200 OK");
  EXPECT_TRUE(has(client.received, "\r\nContent-Type: message/http\r\n"));
  EXPECT_TRUE(
      client.received.ends_with("\r\n\r\nTRACE /a?b HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\nX-Mine: yes\r\n\r\n"))
      << client.received;
  EXPECT_TRUE(up.asked.empty());
}

TEST(MaxForwards, ThatIsNotOneNumberIsRefused) {
  OneAnswer up(answer(200, "x"));
  for (const std::string fields : {"Max-Forwards: -1\r\n", "Max-Forwards: 1x\r\n", "Max-Forwards:\r\n",
                                   "Max-Forwards: 1, 1\r\n", "Max-Forwards: 1\r\nMax-Forwards: 1\r\n"}) {
    EXPECT_EQ(status_line(up.plane.ask("OPTIONS / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n")).substr(0, 12),
              "HTTP/1.1 400")
        << fields;
  }
  EXPECT_TRUE(up.asked.empty());
}

TEST(Interim, AnswersAreForwardedToHttp11) {
  OneAnswer up(
      "HTTP/1.1 102 Processing\r\nContent-Length: 0\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n"
      "Connection: X-Mine\r\nX-Mine: 1\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 199 Odd\r\n\r\n" +
      answer(200, "ok"));
  OtherEnd& client = up.plane.ask(get("/"));
  EXPECT_TRUE(
      client.received.starts_with("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
                                  "HTTP/1.1 199 Odd\r\n\r\nHTTP/1.1 200 Text\r\n"))
      << client.received;
  OtherEnd& old = up.plane.ask("GET / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(old.received.starts_with("HTTP/1.1 200 Text\r\n")) << "HTTP/1.0 knows none: " << old.received;
}

TEST(Interim, AnswersArriveWhileTheFinalOneIsAwaitedAndDoNotProlongIt) {
  ScriptedPlane plane;
  plane.upstream.on_connect = [](OtherEnd&, int) {};
  OtherEnd& client = plane.ask(get("/"));
  plane.upstream.made.front()->send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
  plane.loop.run();
  EXPECT_EQ(client.received, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
  plane.loop.advance(std::chrono::milliseconds(500));
  EXPECT_TRUE(has(client.received, "\r\n\r\nHTTP/1.1 504")) << client.received;
}

TEST(Interim, MoreThan32OfThemAreNoAnswer) {
  std::string many;
  for (int i = 0; i < 33; ++i) many += "HTTP/1.1 102 Processing\r\n\r\n";
  OneAnswer up(many + answer(200, "ok"));
  EXPECT_TRUE(has(up.plane.ask(get("/")).received, "HTTP/1.1 502"));
  EXPECT_EQ(up.plane.event(Event::failure), 1U);
}

TEST(Interim, AClientThatDoesNotTakeThemIsNoFailureOfTheUpstream) {
  ScriptedPlane plane;
  plane.upstream.on_connect = [](OtherEnd& far, int) {
    far.on_received = [](OtherEnd& to) { to.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"); };
  };
  OtherEnd& client = plane.client();
  client.room = 10;
  client.send(get("/"));
  plane.loop.advance(std::chrono::seconds(31));
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(plane.event(Event::failure) + plane.event(Event::timeout), 0U);
}

// What is malformed is seen before a byte of the answer has been sent.
TEST(Answers, WithABodyThatIsMalformedInTheirFirstSegmentAreNone) {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string body : {"xyz\r\n", "3\r\nabcd\r\n", "2\r\nab\r\n-1\r\n", "0\r\nno colon\r\n\r\n",
                                 "0\r\nA: \x01\r\n\r\n", "1;\x7f\r\na\r\n", "11111111111111111\r\n"}) {
    OneAnswer up(head + body);
    OtherEnd& client = up.plane.ask(get("/"));
    EXPECT_EQ(status_line(client), "HTTP/1.1 502 Bad Gateway") << body;
    EXPECT_TRUE(has(client.received, "error=http_protocol_error")) << client.received;
    EXPECT_FALSE(client.closed());
    EXPECT_EQ(up.plane.event(Event::failure), 1U);
    EXPECT_EQ(up.plane.kept(), 0U);

    OneAnswer rescued(head + body, [](ProxyOptions& o) { o.fallback = true; });
    EXPECT_TRUE(has(rescued.plane.ask(get("/")).received, "Quoll-Fallback: error")) << body;
  }
}

TEST(Answers, WithABodyThatTurnsOutMalformedLaterAreCut) {
  ScriptedPlane plane([](ProxyOptions& o) { o.fallback = true; });
  plane.upstream.on_connect = [](OtherEnd&, int) {};
  OtherEnd& client = plane.ask(get("/"));
  for (const std::string piece : {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n", "zz\r\n"}) {
    plane.upstream.made.front()->send(piece);
    plane.loop.run();
  }
  EXPECT_TRUE(client.received.ends_with("4\r\npart\r\n")) << client.received;
  EXPECT_TRUE(client.was_reset());
  EXPECT_EQ(plane.event(Event::failure), 1U);
}

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

TEST(Trailers, OfAnAnswerAreForwardedToHttp11) {
  const std::string bytes =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, Host\r\nDate: x\r\n\r\n2\r\nab\r\n0\r\nX-Sum: "
      "42\r\n"
      "Content-Length: 3\r\nhost: evil\r\nSet-Cookie: a\r\nX-Forwarded-For: evil\r\nX-Empty:\r\n\r\n";
  OneAnswer up(bytes);
  OtherEnd& client = up.plane.ask(get("/"));
  EXPECT_EQ(client.received,
            "HTTP/1.1 200 OK\r\nTrailer: X-Sum, Host\r\nDate: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n"
            "X-Sum: 42\r\nX-Empty:\r\n\r\n");
  EXPECT_EQ(up.plane.kept(), 1U);
  OtherEnd& old = up.plane.ask("GET / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(old.received.ends_with("\r\n\r\nab")) << old.received;
  EXPECT_FALSE(has(old.received, "Trailer"));
}

TEST(Trailers, ThatComeInPiecesAreForwardedWhole) {
  ScriptedPlane plane;
  plane.upstream.on_connect = [](OtherEnd&, int) {};
  OtherEnd& client = plane.ask(get("/"));
  for (const std::string piece : {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na", "\r\n0\r", "\nX-S",
                                  "um: 4", "2\r", "\nX-B: c\r\n\r", "\n"}) {
    plane.upstream.made.front()->send(piece);
    plane.loop.run();
  }
  EXPECT_TRUE(client.received.ends_with("1\r\na\r\n0\r\nX-Sum: 42\r\nX-B: c\r\n\r\n")) << client.received;
}

TEST(Trailers, OfARequestAreForwarded) {
  ScriptedPlane plane;
  plane.upstream.on_connect = [](OtherEnd&, int) {};
  OtherEnd& client = plane.client();
  client.send(
      "POST / HTTP/1.1\r\nHost: h\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 4");
  plane.loop.run();
  client.send("2\r\nAuthorization: x\r\n\r\n");
  plane.loop.run();
  const std::string got = plane.upstream.made.front()->received;
  EXPECT_TRUE(has(got, "\r\nTrailer: X-Sum\r\n")) << got;
  EXPECT_TRUE(got.ends_with("1\r\na\r\n0\r\nX-Sum: 42\r\n\r\n")) << got;
}

TEST(Trailers, AreAskedForWhereTheClientTakesThem) {
  OneAnswer up(answer(200, "x"));
  up.plane.ask(get("/", "TE: gzip, trailers\r\nConnection: TE\r\n"));
  EXPECT_TRUE(has(up.asked.back(), "\r\nTE: trailers\r\nConnection: TE\r\n")) << up.asked.back();
  up.plane.ask(get("/", "TE: gzip\r\nConnection: TE\r\n"));
  EXPECT_FALSE(has(up.asked.back(), "TE:")) << up.asked.back();
  up.plane.ask("GET / HTTP/1.0\r\nTE: trailers\r\n\r\n");
  EXPECT_FALSE(has(up.asked.back(), "TE:")) << up.asked.back();
}

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
