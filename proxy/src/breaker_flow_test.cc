// The breaker, end to end: what the client sees, what the counters say, and what may be done by hand.
#include "testbed.h"

namespace quoll::proxy::testing {
namespace {

using std::chrono::milliseconds;

// An upstream whose answers can be switched while it runs.
struct Switch {
  std::atomic<int> status{200};

  ScriptedUpstream::Script script() {
    return [this](Wire& wire, int) {
      while (wire.read_request().whole) {
        if (!wire.send(answer(status, "own"))) return;
      }
    };
  }
};

// What a client has seen, counted by the word in Quoll-Fallback, or by the status.
struct Seen {
  int ok = 0, error = 0, open = 0, timeout = 0, other = 0;

  void count(const Message& got) {
    const std::string word = got.field("Quoll-Fallback");
    ++(word == "open"                             ? open
       : word == "error"                          ? error
       : word == "timeout"                        ? timeout
       : got.status() == 200 && got.body == "own" ? ok
                                                  : other);
  }
};

TEST(BreakerFlow, OpensAtHalfRejectsTriesAgainAndCloses) {
  Switch upstream;
  Testbed bed(upstream.script(), [](ProxyOptions& o) {
    o.breaker.minimum_volume = 10;
    o.breaker.reset_timeout = milliseconds(1500);
  });
  Wire client = bed.client();
  Seen seen;
  for (int i = 0; i < 5; ++i) seen.count(client.ask(get()));
  upstream.status = 500;
  for (int i = 0; i < 5; ++i) seen.count(client.ask(get()));
  EXPECT_EQ(seen.ok, 5);
  EXPECT_EQ(seen.error, 5);
  EXPECT_EQ(bed.metric("quoll_circuit_state{circuit=\"default\"}"), 1) << "5 of 10 is 50 %";
  EXPECT_EQ(bed.event("open"), 1);

  Message got = client.ask(get());
  EXPECT_EQ(got.status(), 200);
  EXPECT_EQ(got.field("Quoll-Fallback"), "open");
  EXPECT_NE(got.field("Proxy-Status").find("error=destination_unavailable"), std::string::npos);
  EXPECT_GE(std::atoi(got.field("Retry-After").c_str()), 1);
  EXPECT_NE(got.body.find("\"state\":\"open\""), std::string::npos) << got.body;

  // A trial that fails opens it again, one that succeeds closes it.
  EXPECT_TRUE(eventually([&] { return client.ask(get()).field("Quoll-Fallback") == "error"; }));
  EXPECT_EQ(bed.event("half_open"), 1);
  EXPECT_EQ(bed.event("open"), 2);
  EXPECT_EQ(client.ask(get()).field("Quoll-Fallback"), "open");
  upstream.status = 200;
  EXPECT_TRUE(eventually([&] { return client.ask(get()).body == "own"; }));
  EXPECT_EQ(bed.event("half_open"), 2);
  EXPECT_EQ(bed.event("close"), 1);
  EXPECT_EQ(bed.metric("quoll_circuit_state{circuit=\"default\"}"), 0);
  EXPECT_EQ(client.ask(get()).body, "own");
  const std::string status = client.ask(get("/circuit-status")).body;
  for (const char* word : {"failure_rate", "trial_failed", "trials_succeeded", "reset_timeout"}) {
    EXPECT_NE(status.find(word), std::string::npos) << word;
  }
}

TEST(BreakerFlow, WithTheFallbackOffAClientIsToldWhenToComeBack) {
  Switch upstream;
  Testbed bed(upstream.script(), [](ProxyOptions& o) {
    o.fallback = false;
    o.breaker.minimum_volume = 2;
  });
  Wire client = bed.client();
  upstream.status = 500;
  for (int i = 0; i < 2; ++i) EXPECT_EQ(client.ask(get()).body, "own");
  const Message got = client.ask(get());
  EXPECT_EQ(got.status(), 503);
  EXPECT_EQ(got.field("Retry-After"), "5");
  EXPECT_EQ(got.field("Quoll-Fallback"), "");
  EXPECT_EQ(client.ask("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", true).status(), 503);
  EXPECT_EQ(bed.event("fallback"), 0);
  EXPECT_EQ(bed.event("reject"), 2);
}

TEST(BreakerFlow, FourHundredsAreNoFailures) {
  Switch upstream;
  upstream.status = 404;
  Testbed bed(upstream.script());
  Wire client = bed.client();
  for (int i = 0; i < 30; ++i) EXPECT_EQ(client.ask(get()).status(), 404);
  EXPECT_EQ(bed.event("success"), 30);
  EXPECT_EQ(bed.event("open"), 0);
}

// Many clients, an upstream that fails, hangs and recovers: the counters and the clients agree to the request.
TEST(BreakerFlow, CountersAddUpWithWhatTheClientsSaw) {
  std::atomic<int> nth{0};
  Testbed bed(
      [&](Wire& wire, int) {
        while (wire.read_request().whole) {
          const int n = nth++;
          if (n % 50 == 49) return;  // closes without an answer
          if (n % 10 == 7) {         // none that comes in time
            wire.read_to_end();
            return;
          }
          if (!wire.send(answer(n % 3 == 0 ? 500 : 200, "own"))) return;
        }
      },
      [](ProxyOptions& o) {
        o.workers = 2;
        o.timeout = milliseconds(100);
        o.breaker.reset_timeout = milliseconds(1);  // so that many calls are admitted, too
        o.breaker.minimum_volume = 5;
        o.breaker.failure_rate_threshold = 0.4;
        o.breaker.shards = 2;
      });
  constexpr int kEach = 250;
  std::vector<Seen> seen(4);
  std::vector<std::thread> clients;
  clients.reserve(seen.size());
  for (Seen& mine : seen) {
    clients.emplace_back([&bed, &mine] {
      Wire client = bed.client();
      for (int i = 0; i < kEach; ++i) {
        mine.count(client.ask(get()));
      }
    });
  }
  for (std::thread& client : clients) client.join();
  Seen all;
  for (const Seen& one : seen) {
    all.ok += one.ok, all.error += one.error, all.open += one.open, all.timeout += one.timeout, all.other += one.other;
  }
  EXPECT_EQ(all.other, 0);
  EXPECT_EQ(all.ok + all.error + all.open + all.timeout, 4 * kEach);
  EXPECT_GT(all.open, 0) << "it never opened: the test proves less than it should";
  EXPECT_GT(all.timeout, 0);
  EXPECT_EQ(bed.event("success"), all.ok);
  EXPECT_EQ(bed.event("failure"), all.error);
  EXPECT_EQ(bed.event("timeout"), all.timeout);
  EXPECT_EQ(bed.event("reject"), all.open);
  EXPECT_EQ(bed.event("fallback"), all.open + all.timeout + all.error);
  EXPECT_EQ(bed.attempts("success") + bed.attempts("rescued"), all.ok);
  EXPECT_EQ(bed.attempts("failure"), all.error);
  EXPECT_EQ(bed.attempts("timeout"), all.timeout);
  EXPECT_EQ(bed.attempts("cancelled") + bed.attempts("inconclusive"), 0);
  EXPECT_EQ(bed.event("open") - bed.event("half_open"), bed.metric("quoll_circuit_state{circuit=\"default\"}") == 1);
  double served = 0;
  const std::string text = bed.admin("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").body;
  const std::string name = "\nhttp_server_request_duration_seconds_count{";
  for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + 1)) {
    served += std::strtod(text.c_str() + text.find("} ", at) + 2, nullptr);
  }
  EXPECT_EQ(served, 4 * kEach);
}

TEST(BreakerFlow, ItObeysTheHandUntilItIsGivenBack) {
  Switch upstream;
  Testbed bed(upstream.script(), [](ProxyOptions& o) {
    o.breaker.minimum_volume = 2;
    o.breaker.reset_timeout = milliseconds(1);
  });
  Wire client = bed.client();
  EXPECT_NE(bed.control("/circuits/default/open").body.find("forced_open"), std::string::npos);
  for (const TimePoint end = steady_now() + milliseconds(25); steady_now() < end;) {
    EXPECT_EQ(client.ask(get()).field("Quoll-Fallback"), "open") << "no reset timeout applies";
  }
  EXPECT_EQ(bed.metric("quoll_circuit_state{circuit=\"default\"}"), 1);
  EXPECT_EQ(bed.control("/circuits/default/disable").status(), 200);
  upstream.status = 500;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client.ask(get()).field("Quoll-Fallback"), "error") << "it may not open";
  EXPECT_NE(bed.control("/circuits/default/auto").body.find("closed"), std::string::npos);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(client.ask(get()).field("Quoll-Fallback"), "error");
  EXPECT_EQ(bed.event("open"), 2);
  upstream.status = 200;
  EXPECT_NE(bed.control("/circuits/default/close").body.find("closed"), std::string::npos);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.ask(get()).body, "own");
}

TEST(BreakerFlow, ACallFromBeforeTheTripDecidesNoTrial) {
  // The first call is slow. Others open the circuit meanwhile; while a trial is under way, the slow one succeeds.
  std::atomic<bool> end_slow{false};
  std::atomic<bool> end_trial{false};
  std::atomic<int> nth{0};
  Testbed bed(
      [&](Wire& wire, int) {
        while (wire.read_request().whole) {
          const int n = nth++;
          if (n == 0) eventually([&] { return end_slow.load(); });
          if (n == 3) eventually([&] { return end_trial.load(); });
          if (!wire.send(answer(n == 0 ? 200 : 500, "own"))) return;
        }
      },
      [](ProxyOptions& o) {
        o.breaker.minimum_volume = 2;
        o.breaker.reset_timeout = milliseconds(10);
      });
  Wire slow = bed.client();
  ASSERT_TRUE(slow.send(get()));
  EXPECT_TRUE(eventually([&] { return nth == 1; }));
  Wire client = bed.client();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(client.ask(get()).field("Quoll-Fallback"), "error");
  EXPECT_EQ(bed.event("open"), 1);
  spend(milliseconds(20));  // the reset timeout
  ASSERT_TRUE(client.send(get()));
  EXPECT_TRUE(eventually([&] { return nth == 4; }));
  const std::string state = "quoll_circuit_state{circuit=\"default\"}";
  EXPECT_EQ(bed.metric(state), 0.5);

  end_slow = true;
  EXPECT_EQ(slow.read_answer().body, "own") << "the client gets its answer in any case";
  EXPECT_EQ(bed.event("success"), 1) << "counted";
  EXPECT_EQ(bed.metric(state), 0.5) << "and no trial";
  end_trial = true;
  EXPECT_EQ(client.read_answer().field("Quoll-Fallback"), "error");
  EXPECT_EQ(bed.metric(state), 1);
  EXPECT_EQ(bed.event("close"), 0);
}

TEST(BreakerFlow, OneTrialAtATime) {
  std::atomic<bool> release{false};
  std::atomic<int> nth{0};
  Testbed bed(
      [&](Wire& wire, int) {
        while (wire.read_request().whole) {
          const int n = nth++;
          if (n >= 2) eventually([&] { return release.load(); });
          if (!wire.send(answer(n < 2 ? 500 : 200, "own"))) return;
        }
      },
      [](ProxyOptions& o) {
        o.breaker.minimum_volume = 2;
        o.breaker.reset_timeout = milliseconds(1);
      });
  Wire client = bed.client();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(client.ask(get()).field("Quoll-Fallback"), "error");
  spend(milliseconds(5));  // the reset timeout
  Wire trial = bed.client();
  ASSERT_TRUE(trial.send(get()));
  EXPECT_TRUE(eventually([&] { return nth == 3; }));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(client.ask(get()).field("Quoll-Fallback"), "open");
  // A trial whose client leaves frees its place for the next one.
  release = true;
  EXPECT_EQ(trial.read_answer().body, "own");
  EXPECT_EQ(bed.event("close"), 1);
}

}  // namespace
}  // namespace quoll::proxy::testing
