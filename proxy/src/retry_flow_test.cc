// Retries, end to end.
#include <gmock/gmock.h>

#include "testbed.h"

namespace quoll::proxy::testing {
namespace {

using std::chrono::milliseconds;

// Answers the first `failures` requests with 503, the others with 200.
struct Flaky {
  explicit Flaky(int n, std::string extra = "") : failures(n), fields(std::move(extra)) {}
  std::atomic<int> failures;
  std::string fields;
  std::atomic<int> asked{0};

  ScriptedUpstream::Script script() {
    return [this](Wire& wire, int) {
      while (wire.read_request().whole) {
        ++asked;
        const bool fails = failures-- > 0;
        if (!wire.send(fails ? answer(503, "busy", fields) : answer(200, "own"))) return;
      }
    };
  }
};

void retry(ProxyOptions& o, unsigned times) {
  o.policies.retries = times;
  o.policies.retry.base = o.policies.retry.cap = milliseconds(1);
  o.breaker.minimum_volume = 1000;  // stays closed
}

double retries(const Testbed& bed, std::string_view result) {
  return bed.metric("quoll_retries_total{circuit=\"default\",result=\"" + std::string(result) + "\"}");
}

TEST(RetryFlow, AFailedCallIsMadeAgainAndEachAttemptIsRecorded) {
  Flaky upstream(2);
  Testbed bed(upstream.script(), [](ProxyOptions& o) { retry(o, 2); });
  EXPECT_EQ(bed.ask(get()).body, "own");
  EXPECT_EQ(upstream.asked, 3);
  EXPECT_EQ(bed.attempts("failure"), 2);
  EXPECT_EQ(bed.attempts("success"), 1);
  EXPECT_EQ(retries(bed, "failure"), 1);
  EXPECT_EQ(retries(bed, "success"), 1);
  EXPECT_EQ(bed.upstream.connections(), 1) << "an answer that came whole keeps its connection";
}

TEST(RetryFlow, ByDefaultNothingIsMadeAgain) {
  Flaky upstream(1);
  Testbed bed(upstream.script());
  EXPECT_EQ(bed.ask(get()).field("Quoll-Fallback"), "error");
  EXPECT_EQ(upstream.asked, 1);
}

TEST(RetryFlow, TheLastFailureIsTheClients) {
  Flaky upstream(100);
  Testbed bed(upstream.script(), [](ProxyOptions& o) {
    retry(o, 2);
    o.fallback = false;
  });
  const Message got = bed.ask(get());
  EXPECT_EQ(got.status(), 503);
  EXPECT_EQ(got.body, "busy");
  EXPECT_EQ(upstream.asked, 3);
}

TEST(RetryFlow, WhatMayHaveBeenCarriedOutIsNotRepeated) {
  Flaky upstream(100);
  Testbed bed(upstream.script(), [](ProxyOptions& o) { retry(o, 2); });
  EXPECT_EQ(bed.ask("POST / HTTP/1.1\r\nHost: h\r\n\r\n").body, "busy");
  EXPECT_EQ(bed.ask(post("/", "body")).body, "busy");
  EXPECT_EQ(bed.ask("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx").body, "busy");
  EXPECT_EQ(upstream.asked, 3) << "a body is not kept for a second time";
}

TEST(RetryFlow, TheBudgetBoundsThem) {
  Flaky upstream(1000);
  Testbed bed(upstream.script(), [](ProxyOptions& o) {
    retry(o, 3);
    o.policies.retry_budget = {.ratio = 0, .minimum_per_second = 0, .capacity = 5};
  });
  Wire client = bed.client();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(client.ask(get()).field("Quoll-Fallback"), "error");
  EXPECT_EQ(upstream.asked, 15) << "five more than there were requests";
  EXPECT_EQ(retries(bed, "no_budget"), 9) << "the first request used three, the second two";
}

TEST(RetryFlow, ARetryAfterThatIsTooLongIsNotWaitedFor) {
  Flaky upstream(1, "Retry-After: 60\r\n");
  Testbed bed(upstream.script(), [](ProxyOptions& o) { retry(o, 2); });
  EXPECT_EQ(bed.ask(get()).field("Quoll-Fallback"), "error");
  EXPECT_EQ(upstream.asked, 1);
  EXPECT_EQ(retries(bed, "retry_after_too_long"), 1);
}

TEST(RetryFlow, AnOpenCircuitEndsThemBeforeAPauseIsSpent) {
  Flaky upstream(1000);
  Testbed bed(upstream.script(), [](ProxyOptions& o) {
    retry(o, 10);
    o.breaker.minimum_volume = 3;
  });
  EXPECT_EQ(bed.ask(get()).field("Quoll-Fallback"), "error") << "what the last attempt met";
  EXPECT_EQ(upstream.asked, 3);
  EXPECT_EQ(bed.event("reject"), 0);
  EXPECT_EQ(retries(bed, "would_be_refused"), 1);
  EXPECT_EQ(bed.ask(get()).field("Quoll-Fallback"), "open");
  EXPECT_EQ(bed.event("reject"), 1);
}

TEST(RetryFlow, RefusedCallsDoNotEarnTheBudgetAnything) {
  Flaky upstream(1000);
  Testbed bed(upstream.script(), [](ProxyOptions& o) {
    retry(o, 1);
    o.policies.retry_budget = {.ratio = 1, .minimum_per_second = 0, .capacity = 10, .reserve = 0};
    o.fallback = false;
  });
  bed.control("/circuits/default/open");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(bed.ask(get()).status(), 503);
  EXPECT_EQ(upstream.asked, 0);
  bed.control("/circuits/default/close");
  bed.control("/circuits/default/auto");
  EXPECT_EQ(bed.ask(get()).status(), 503);
  EXPECT_EQ(upstream.asked, 2) << "one call earns one retry";
  bed.control("/circuits/default/open");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(bed.ask(get()).status(), 503);
  bed.control("/circuits/default/auto");
  bed.control("/circuits/default/close");
  EXPECT_EQ(bed.ask(get()).status(), 503);
  EXPECT_EQ(bed.ask(get()).status(), 503);
  EXPECT_EQ(upstream.asked, 6);
}

TEST(RetryFlow, ABodyThatBreaksOffIsNotAskedForAgain) {
  std::atomic<int> asked{0};
  Testbed bed(
      [&](Wire& wire, int) {
        if (!wire.read_request().whole) return;
        ++asked;
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart");
      },
      [](ProxyOptions& o) { retry(o, 3); });
  EXPECT_FALSE(bed.ask(get()).whole);
  EXPECT_TRUE(eventually([&] { return bed.event("failure") == 1; }));
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(retries(bed, "failure"), 0);
}

TEST(RetryFlow, AnUpstreamThatCannotBeReachedIsTriedAgainWhateverTheMethod) {
  Flaky upstream(0);
  Testbed bed(upstream.script(), [](ProxyOptions& o) { retry(o, 2); });
  bed.upstream.stop();
  EXPECT_EQ(bed.ask("POST / HTTP/1.1\r\nHost: h\r\n\r\n").status(), 502);
  EXPECT_EQ(retries(bed, "failure"), 2);
}

}  // namespace
}  // namespace quoll::proxy::testing
