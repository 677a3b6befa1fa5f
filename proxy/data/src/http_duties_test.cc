// What RFC 9110 and 9112 have a proxy do with single messages, as its client and its upstream see it.
#include "one_answer.h"

namespace quoll::proxy::testing {
namespace {

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

TEST(LenientUpstream, MendsWhatIsOtherwiseNoAnswer) {
  for (const std::string& bytes : {std::string("HTTP/1.1 200 OK\nContent-Length: 2\n\nok"),
                                   std::string("HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok"),
                                   std::string("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok"),
                                   std::string("HTTP/1.1 100 Continue\n\nHTTP/1.1 200 OK\nContent-Length: 2\n\nok")}) {
    OneAnswer strict(bytes);
    EXPECT_EQ(status_line(strict.plane.ask(get("/"))).substr(0, 12), "HTTP/1.1 502") << bytes;
    OneAnswer lenient(bytes, [](ProxyOptions& o) { o.lenient_upstream = true; });
    OtherEnd& client = lenient.plane.ask(get("/"));
    EXPECT_TRUE(client.received.starts_with("HTTP/1.1 200 OK\r\n")) << client.received;
    EXPECT_TRUE(client.received.ends_with("\r\n\r\nok")) << client.received;
    EXPECT_EQ(client.received.find("Content-Length"), client.received.rfind("Content-Length"));
    EXPECT_EQ(lenient.plane.kept(), 1U);
  }
  OneAnswer old("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
                [](ProxyOptions& o) { o.lenient_upstream = true; });
  EXPECT_TRUE(old.plane.ask(get("/")).received.ends_with("2\r\nok\r\n0\r\n\r\n"));
  EXPECT_EQ(old.plane.kept(), 0U) << "such framing ends the connection";
  OneAnswer unequal("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
                    [](ProxyOptions& o) { o.lenient_upstream = true; });
  EXPECT_EQ(status_line(unequal.plane.ask(get("/"))).substr(0, 12), "HTTP/1.1 502");
}

}  // namespace
}  // namespace quoll::proxy::testing
