// What became of a call is held against whose doing it was: the upstream's, the client's, or our own. Only the
// upstream's failures open its circuit.
#include <sys/resource.h>

#include "quoll/testing/no_descriptors.h"
#include "testbed.h"

namespace quoll::proxy::testing {
namespace {

using std::chrono::milliseconds;

constexpr int kClients = 6;

// Opens at the first few failures.
void touchy(ProxyOptions& o) {
  o.fallback = false;
  o.breaker.minimum_volume = 2;
}

std::string post_head(std::string_view path, std::size_t length) {
  return "POST " + std::string(path) + " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
}

void expect_unharmed(const Testbed& bed) {
  EXPECT_EQ(bed.event("open"), 0);
  EXPECT_EQ(bed.event("failure"), 0);
  EXPECT_EQ(bed.event("timeout"), 0);
  EXPECT_EQ(bed.ask(get("/healthy")).status(), 200);
}

// Answers a GET, and has enough of a POST whose body does not come.
ScriptedUpstream::Script tired_of_bodies(int patience_ms, bool reset, std::string last_words = "") {
  return [=](Wire& wire, int) {
    for (;;) {
      const Message head = wire.read_head();
      if (head.head.empty()) return;
      if (head.head.starts_with("POST")) {
        spend(milliseconds(patience_ms));
        wire.send(last_words);
        if (reset) wire.reset();
        return;
      }
      if (!wire.send(answer(200, "ok"))) return;
    }
  };
}

TEST(Blame, ClientsThatStallInTheirBodiesDoNotOpenTheCircuit) {
  for (const bool reset : {false, true}) {
    const Testbed bed(tired_of_bodies(300, reset), touchy);
    std::vector<Wire> clients;
    for (int i = 0; i < kClients; ++i) {
      clients.push_back(bed.client());
      ASSERT_TRUE(clients.back().send(post_head("/", 100) + "only a part"));
    }
    for (Wire& client : clients) {
      const Message got = client.read_answer();
      EXPECT_EQ(got.status(), 408);
      EXPECT_EQ(client.read_to_end(), WireEnd::eof);
    }
    EXPECT_EQ(bed.attempts("cancelled"), kClients);
    expect_unharmed(bed);
  }
}

TEST(Blame, AnUpstreamThatEndsWhileTheBodyIsComingHasFailed) {
  const Testbed bed(tired_of_bodies(0, true), [](ProxyOptions& o) {
    o.fallback = false;
    o.breaker.mode = core::Mode::metrics_only;
  });
  Wire client = bed.client();
  ASSERT_TRUE(client.send(post_head("/", 100) + "only a part"));
  EXPECT_EQ(client.read_answer().status(), 502);
  EXPECT_EQ(bed.event("failure"), 1);
}

TEST(Blame, ABodyThatDoesNotComeAtAllEndsWith408) {
  Testbed bed([](Wire& wire, int) { wire.read_to_end(); },
              [](ProxyOptions& o) {
                touchy(o);
                o.client_gap = milliseconds(100);
              });
  Wire client = bed.client();
  ASSERT_TRUE(client.send(post_head("/", 100)));
  EXPECT_EQ(client.read_answer().status(), 408);
  EXPECT_EQ(bed.attempts("cancelled"), 1);
}

// More than all socket buffers on the way hold.
constexpr std::size_t kMuch = 64U << 20U;

TEST(Blame, ClientsThatDoNotReadTheAnswerDoNotOpenTheCircuit) {
  for (const bool chunked : {false, true}) {
    std::atomic<int> given_up{0};
    const Testbed bed(
        [&](Wire& wire, int) {
          for (;;) {
            const Message request = wire.read_request();
            if (!request.whole) return;
            if (!request.head.starts_with("GET /much")) {
              if (!wire.send(answer(200, "ok"))) return;
              continue;
            }
            const timeval patience{0, 300'000};
            ::setsockopt(wire.fd(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
            wire.send(chunked ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4000000\r\n"
                              : "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kMuch) + "\r\n\r\n");
            EXPECT_FALSE(wire.send(std::string(kMuch, 'x')));
            ++given_up;
            return;
          }
        },
        touchy);
    std::vector<Wire> clients;
    for (int i = 0; i < kClients; ++i) {
      clients.push_back(bed.client());
      ASSERT_TRUE(clients.back().send(get("/much")));
    }
    ASSERT_TRUE(eventually([&] { return given_up.load() == kClients; }));
    for (Wire& client : clients) client.read_to_end();  // what is left of it
    EXPECT_TRUE(eventually([&] { return bed.attempts("cancelled") == kClients; }));
    expect_unharmed(bed);
  }
}

TEST(Blame, AnUpstreamThatEndsItsBodyEarlyHasFailedAlthoughTheClientWasSlowOnce) {
  std::atomic<bool> read{false};
  const Testbed bed(
      [&](Wire& wire, int) {
        if (!wire.read_request().whole) return;
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kMuch + 1) + "\r\n\r\n");
        wire.send(std::string(kMuch, 'x'));
        eventually([&] { return read.load(); });
      },
      [](ProxyOptions& o) {
        o.fallback = false;
        o.breaker.mode = core::Mode::metrics_only;
      });
  Wire client = bed.client();
  ASSERT_TRUE(client.send(get()));
  spend(milliseconds(200));  // the client takes nothing, and the proxy's write has to wait
  client.read_head();
  EXPECT_EQ(client.read_exactly(kMuch).size(), kMuch);
  read = true;
  EXPECT_NE(client.read_to_end(), WireEnd::silent);
  EXPECT_EQ(bed.event("failure"), 1);
}

TEST(Blame, QuietEventStreamsAreNoFailure) {
  std::atomic<bool> go_on{false};
  const Testbed bed(
      [&](Wire& wire, int) {
        for (;;) {
          const Message request = wire.read_request();
          if (!request.whole) return;
          if (!request.head.starts_with("GET /events")) {
            if (!wire.send(answer(200, "ok"))) return;
            continue;
          }
          wire.send(
              "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
              "Transfer-Encoding: chunked\r\n\r\n");
          eventually([&] { return go_on.load(); });
          wire.send("6\r\ndata:1\r\n0\r\n\r\n");
        }
      },
      [](ProxyOptions& o) {
        touchy(o);
        o.body_gap = milliseconds(50);
      });
  std::vector<Wire> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(bed.client());
    ASSERT_TRUE(clients.back().send(get("/events")));
    EXPECT_EQ(clients.back().read_head().status(), 200);
  }
  spend(milliseconds(300));  // six times the gap
  expect_unharmed(bed);
  go_on = true;
  for (Wire& client : clients) EXPECT_EQ(client.read_until("0\r\n\r\n"), "6\r\ndata:1\r\n0\r\n\r\n");
  EXPECT_EQ(bed.attempts("success"), kClients + 1);
}

TEST(Blame, OurOwnLackOfDescriptorsDoesNotOpenTheCircuit) {
  for (const bool fallback : {false, true}) {
    const Testbed bed(always(answer(200, "ok")), [&](ProxyOptions& o) {
      touchy(o);
      o.fallback = fallback;
      o.fallback_methods = {};  // all
      o.pool_size = 1;
      o.policies.retries = 2;
    });
    std::vector<Wire> clients;
    for (int i = 0; i < kClients; ++i) {
      clients.push_back(bed.client());
      EXPECT_EQ(clients.back().ask(get("/")).status(), 200);  // it has been accepted
    }
    ASSERT_EQ(bed.upstream.connections(), 1);
    {
      Wire holds_the_kept_one = bed.client();
      const quoll::testing::NoDescriptors none;
      for (Wire& client : clients) ASSERT_TRUE(client.send(post_head("/", 1)));  // one has the kept connection
      int refused = 0;
      for (Wire& client : clients) {
        pollfd p{client.fd(), POLLIN, 0};
        if (::poll(&p, 1, 500) == 0) continue;
        const Message got = client.read_answer();
        EXPECT_EQ(got.status(), fallback ? 200 : 503);
        EXPECT_NE(got.field("Proxy-Status").find("error=proxy_internal_error"), std::string::npos) << got.head;
        EXPECT_NE(got.field("Proxy-Status").find("file descriptors"), std::string::npos) << got.head;
        EXPECT_EQ(got.field("Retry-After"), "1");
        ++refused;
      }
      EXPECT_EQ(refused, kClients - 1);
    }
    clients.clear();
    EXPECT_EQ(bed.metric("quoll_local_failures_total{reason=\"descriptors\"}"), kClients - 1);
    EXPECT_EQ(bed.attempts("inconclusive"), kClients - 1);
    expect_unharmed(bed);
  }
}

// How a client can leave.
enum class Leave : std::uint8_t { reset, close };

class Leaving : public ::testing::TestWithParam<Leave> {
 protected:
  static void leave(Wire& client) {
    if (GetParam() == Leave::reset) client.reset();
    client.close();
  }
};
INSTANTIATE_TEST_SUITE_P(Blame, Leaving, ::testing::Values(Leave::reset, Leave::close),
                         [](const auto& of) { return of.param == Leave::reset ? "Reset" : "Close"; });

TEST_P(Leaving, WhileAnAnswerIsAwaitedFreesThePlaceAndTellsTheUpstream) {
  for (const std::string& request : {get("/wait"), post("/wait", "body"), post_head("/wait", 3) + "b"}) {
    std::atomic<int> waiting{0};
    std::atomic<int> told{0};
    const Testbed bed(
        [&](Wire& wire, int) {
          const Message head = wire.read_head();
          if (head.head.find(" /wait ") == std::string::npos) {
            if (!head.head.empty()) wire.send(answer(200, "ok"));
            return;
          }
          ++waiting;
          wire.read_to_end();
          ++told;
        },
        [](ProxyOptions& o) {
          touchy(o);
          o.policies.concurrency = true;
          o.policies.concurrency_limit.algorithm = core::LimitAlgorithm::fixed;
          o.policies.concurrency_limit.initial = o.policies.concurrency_limit.maximum = 1;
          o.policies.concurrency_limit.minimum = 1;
        });
    Wire client = bed.client();
    ASSERT_TRUE(client.send(request));
    ASSERT_TRUE(eventually([&] { return waiting.load() == 1; }));
    EXPECT_EQ(bed.ask(get("/other")).status(), 503) << "one place, and it is taken";
    if (request.ends_with("\r\nb")) client.send("od");
    leave(client);
    EXPECT_TRUE(eventually([&] { return told.load() == 1; })) << request;
    EXPECT_TRUE(eventually([&] { return bed.attempts("cancelled") == 1; }));
    EXPECT_EQ(bed.ask(get("/other")).status(), 200);
    expect_unharmed(bed);
  }
}

// The stream's next event would tell; there is none.
TEST(Blame, AResetWhileAStreamIsQuietFreesThePlace) {
  std::atomic<int> told{0};
  const Testbed bed(
      [&](Wire& wire, int) {
        if (!wire.read_request().whole) return;
        wire.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n");
        wire.read_to_end();
        ++told;
      },
      touchy);
  Wire client = bed.client();
  ASSERT_TRUE(client.send(get()));
  client.read_until("data: 1\n\n");
  client.reset();
  EXPECT_TRUE(eventually([&] { return told.load() == 1; }));
  EXPECT_TRUE(eventually([&] { return bed.attempts("cancelled") == 1; }));
}

TEST(Blame, AHalfCloseIsNotLeaving) {
  for (const std::string version : {"1.0", "1.1"}) {
    for (const int wait_ms : {0, 50, 500}) {
      const Testbed bed(
          [&](Wire& wire, int) {
            while (wire.read_request().whole) {
              spend(milliseconds(wait_ms));
              if (!wire.send(answer(200, "own"))) return;
            }
          },
          touchy);
      Wire client = bed.client();
      ASSERT_TRUE(client.send("GET / HTTP/" + version + "\r\nHost: h\r\n\r\n"));
      client.finish_sending();
      Message got = client.read_answer();
      if (got.status() == 100) {
        EXPECT_EQ(version, "1.1");
        EXPECT_EQ(wait_ms, 500) << "who is answered soon is not probed";
        got = client.read_answer();
      }
      EXPECT_EQ(got.body, "own") << version << " " << wait_ms;
      EXPECT_EQ(bed.event("success"), 1);
    }
  }
}

// The trial that closes the circuit has shown how long an answer takes now; the timeout that starts anew must know it.
TEST(Blame, TheAdaptiveTimeoutLearnsOfTheTrialThatClosesTheCircuit) {
  std::atomic<int> slow_ms{-1};  // below 0: fails
  const Testbed bed(
      [&](Wire& wire, int) {
        while (wire.read_request().whole) {
          const int wait = slow_ms.load();
          if (wait > 0) spend(milliseconds(wait));
          if (!wire.send(wait < 0 ? answer(500, "no") : answer(200, "slow"))) return;
        }
      },
      [](ProxyOptions& o) {
        o.fallback = false;
        o.breaker.minimum_volume = 1;
        o.breaker.reset_timeout = milliseconds(100);
        o.policies.timeout = TimeoutKind::adaptive;
        o.policies.adaptive_timeout.initial = milliseconds(100);
      });
  EXPECT_EQ(bed.ask(get()).status(), 500);
  EXPECT_EQ(bed.event("open"), 1);
  slow_ms = 300;
  EXPECT_TRUE(eventually([&] { return bed.ask(get()).status() == 200; }));
  EXPECT_EQ(bed.event("close"), 1);
  EXPECT_EQ(bed.ask(get()).status(), 200) << "the trial took 300 ms, and 100 ms were too short";
  EXPECT_EQ(bed.event("open"), 1);
}

// Learning that stops while the circuit is open must begin again, by whose hand it closes.
TEST(Blame, TheAdaptiveTimeoutLearnsAgainAfterAHandClosedTheCircuit) {
  for (const char* by_hand : {"/circuits/default/close", "/circuits/default/disable"}) {
    std::atomic<bool> fails{true};
    const Testbed bed(
        [&](Wire& wire, int) {
          while (wire.read_request().whole) {
            if (!wire.send(fails.load() ? answer(500, "no") : answer(200, "ok"))) return;
          }
        },
        [](ProxyOptions& o) {
          o.fallback = false;
          o.breaker.minimum_volume = 1;
          o.breaker.reset_timeout = std::chrono::minutes(5);
          o.policies.timeout = TimeoutKind::adaptive;
        });
    EXPECT_EQ(bed.ask(get()).status(), 500);
    EXPECT_EQ(bed.ask(get()).status(), 503);
    const auto paused = [&] {
      const Message got = bed.admin("GET /circuit-status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
      EXPECT_EQ(got.status(), 200);
      return got.body.find("\"paused\": true") != std::string::npos;
    };
    EXPECT_TRUE(paused());
    fails = false;
    bed.control(by_hand);
    EXPECT_EQ(bed.ask(get()).status(), 200) << by_hand;
    EXPECT_FALSE(paused()) << by_hand;
  }
}

}  // namespace
}  // namespace quoll::proxy::testing
