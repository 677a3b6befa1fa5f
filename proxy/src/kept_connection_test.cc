// A kept connection belongs to nobody's answer: whatever an upstream sends that nobody asked for, no caller gets
// another one's bytes.
#include "quoll/proxy/data/upstream_pool.h"
#include "testbed.h"

namespace quoll::proxy::testing {
namespace {

std::string path_of(const Message& request) {
  const std::string line = request.line();
  const std::size_t from = line.find(' ') + 1;
  return line.substr(from, line.find(' ', from) - from);
}

void quiet_breaker(ProxyOptions& o) {
  o.fallback = false;
  o.breaker.mode = core::Mode::metrics_only;
}

constexpr auto kUnasked = "quoll_upstream_unasked_total";

// What an upstream may leave behind an answer, and how the request before asked for it.
struct Leftover {
  const char* name;
  std::string request;
  std::string answer;
  std::string leftover;
};

const std::vector<Leftover>& leftovers() {
  static const std::vector<Leftover> all = {
      {"a second answer", get("/first"), answer(200, "/first"), answer(200, "poison")},
      {"the body of an answer to HEAD", "HEAD /first HTTP/1.1\r\nHost: h\r\n\r\n",
       "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n", "poison"},
      {"a body longer than declared", get("/first"), answer(200, "/first"), "poison"},
      {"a body behind 204", get("/first"), "HTTP/1.1 204 No Content\r\n\r\n", "poison"},
      {"a body behind 304", get("/first"), "HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\n", "poison"},
      {"a chunk behind the last one", get("/first"),
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n/first\r\n0\r\n\r\n", "6\r\npoison\r\n0\r\n\r\n"},
      {"an interim answer", get("/first"), answer(200, "/first"), "HTTP/1.1 100 Continue\r\n\r\n"},
      {"a line end too many", get("/first"), answer(200, "/first"), "\r\n"},
      {"half a head", get("/first"), answer(200, "/first"), "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n"},
      {"a head that swallows the next answer", get("/first"), answer(200, "/first"),
       "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n"},
  };
  return all;
}

TEST(KeptConnection, BytesThatComeWhileItRestsEndItAtOnce) {
  for (const Leftover& of : leftovers()) {
    std::atomic<bool> ended{false};
    Testbed bed(
        [&](Wire& wire, int nth) {
          if (nth > 0) return always(answer(200, "right"))(wire, nth);
          wire.read_request();
          wire.send(of.answer);
          bed.metric(kUnasked);  // by now the answer has been passed on, and the connection rests
          wire.send(of.leftover);
          const WireEnd end = wire.read_to_end();
          ended = end == WireEnd::eof || end == WireEnd::reset;
        },
        quiet_breaker);
    Wire client = bed.client();
    client.ask(of.request, of.request.starts_with("HEAD"));
    EXPECT_TRUE(eventually([&] { return ended.load(); })) << of.name;
    EXPECT_EQ(client.ask(get("/second")).body, "right") << of.name;
    EXPECT_EQ(bed.metric(kUnasked), 1) << of.name;
    EXPECT_EQ(bed.metric("quoll_upstream_resent_total"), 0) << of.name;
  }
}

TEST(KeptConnection, BytesThatComeWithTheAnswerEndIt) {
  for (const Leftover& of : leftovers()) {
    Testbed bed(
        [&](Wire& wire, int nth) {
          if (nth > 0) return always(answer(200, "right"))(wire, nth);
          wire.read_request();
          wire.send(of.answer + of.leftover);
          wire.read_to_end();
        },
        quiet_breaker);
    Wire client = bed.client();
    EXPECT_TRUE(client.ask(of.request, of.request.starts_with("HEAD")).whole) << of.name;
    EXPECT_EQ(client.ask(get("/second")).body, "right") << of.name;
    EXPECT_EQ(client.buffered(), "") << of.name;
  }
}

// The loop need not have had a turn between the bytes and the next request: the pool looks.
TEST(KeptConnection, BytesThatComeJustBeforeTheNextRequestAreNotItsAnswer) {
  for (const bool body : {false, true}) {
    std::atomic<int> answered{0};
    std::atomic<int> poisoned{0};
    Testbed bed(
        [&](Wire& wire, int) {
          for (;;) {
            const Message request = wire.read_request();
            if (!request.whole || !wire.send(answer(200, path_of(request)))) return;
            if (path_of(request) != "/first") continue;
            while (answered.load() == poisoned.load()) std::this_thread::yield();
            wire.send(answer(200, "poison"));
            ++poisoned;
          }
        },
        quiet_breaker);
    Wire client = bed.client();
    for (int i = 1; i <= 50; ++i) {
      EXPECT_EQ(client.ask(get("/first")).body, "/first");
      answered = i;
      while (poisoned.load() < i) std::this_thread::yield();
      EXPECT_EQ(client.ask(body ? post("/second", "x") : get("/second")).body, "/second");
    }
  }
}

TEST(KeptConnection, AnEndThatComesWhileItRestsCostsNoRequestAnything) {
  for (const char* last_words : {"", "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                                 "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"}) {
    std::atomic<int> gone{0};
    Testbed bed(
        [&](Wire& wire, int) {
          wire.read_request();
          wire.send(answer(200, "own"));
          wire.send(last_words);
          wire.finish_sending();
          wire.read_to_end();
          ++gone;
        },
        quiet_breaker);
    Wire client = bed.client();
    for (int i = 1; i <= 10; ++i) {
      EXPECT_EQ(client.ask(post("/", "x")).body, "own") << "once is all that this may be sent";
      EXPECT_TRUE(eventually([&] { return gone.load() == i; })) << "the pool does not hold on to what has ended";
    }
    EXPECT_EQ(bed.metric("quoll_upstream_resent_total"), 0);
    EXPECT_EQ(bed.event("failure"), 0);
  }
}

// An answer that crosses with the request cannot be told from the right one. But it does not go on so.
TEST(KeptConnection, AShiftByOneAnswerDoesNotOutlastTheRestThatIsDue) {
  constexpr int kRequests = 100;
  Testbed bed(
      [](Wire& wire, int nth) {
        for (int i = 0;; ++i) {
          const Message request = wire.read_request();
          if (!request.whole) return;
          if (nth == 0 && i == 10) wire.send(answer(200, "poison"));
          spend(std::chrono::milliseconds(3));  // an upstream takes time, in which the next request may be there
          if (!wire.send(answer(200, path_of(request)))) return;
        }
      },
      quiet_breaker);
  Wire client = bed.client();
  unsigned wrong = 0;
  int last_wrong = 0;
  for (int i = 0; i < kRequests; ++i) {
    const std::string path = "/" + std::to_string(i);
    if (client.ask(get(path)).body == path) continue;
    ++wrong;
    last_wrong = i;
  }
  EXPECT_LE(wrong, UpstreamPool::kMostUnrested + 1);
  EXPECT_LT(last_wrong, 60);
  EXPECT_EQ(bed.metric(kUnasked), 1);
}

// Two answers at once where one was asked for: which is whose?
TEST(KeptConnection, TwoAnswersToOneRequestAreNone) {
  for (const std::string method : {"GET", "POST"}) {
    Testbed bed(
        [](Wire& wire, int nth) {
          for (int i = 0;; ++i) {
            const Message request = wire.read_request();
            if (!request.whole) return;
            const std::string own = answer(200, path_of(request));
            if (!wire.send(nth == 0 && i == 1 ? answer(200, "poison") + own : own)) return;
          }
        },
        quiet_breaker);
    Wire client = bed.client();
    EXPECT_EQ(client.ask(get("/first")).body, "/first");
    const Message got = client.ask(method == "GET" ? get("/second") : post("/second", ""));
    if (method == "GET") {
      EXPECT_EQ(got.body, "/second") << "asked again on a new connection";
    } else {
      EXPECT_EQ(got.status(), 502) << "and not asked twice";
      EXPECT_NE(got.field("Proxy-Status").find("http_protocol_error"), std::string::npos);
    }
    EXPECT_EQ(bed.upstream.connections(), method == "GET" ? 2 : 1);
    EXPECT_EQ(bed.metric(kUnasked), 1);
  }
}

TEST(KeptConnection, TheRestOfAnEarlierAnswerIsNoFailureOfARequestThatMayBeRepeated) {
  Testbed bed(
      [](Wire& wire, int nth) {
        for (int i = 0;; ++i) {
          const Message request = wire.read_request();
          if (!request.whole) return;
          const std::string own = answer(200, path_of(request));
          if (!wire.send(nth == 0 && i == 1 ? "the body of an answer to HEAD\r\n" + own : own)) return;
        }
      },
      quiet_breaker);
  Wire client = bed.client();
  EXPECT_EQ(client.ask(get("/first")).body, "/first");
  EXPECT_EQ(client.ask(get("/second")).body, "/second");
  EXPECT_EQ(bed.metric("quoll_upstream_resent_total"), 1);
  EXPECT_EQ(bed.event("failure"), 0);
}

}  // namespace
}  // namespace quoll::proxy::testing
