// What RFC 9110 and 9112 have a proxy do with single messages, as its client and its upstream see it.
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

}  // namespace
}  // namespace quoll::proxy::testing
