// The concurrency limit, end to end.
#include <gmock/gmock.h>

#include "testbed.h"

namespace quoll::proxy::testing {
namespace {

using ::testing::HasSubstr;

// Holds every answer back until it is told to go on.
struct Held {
  std::atomic<bool> go{false};
  std::atomic<int> asked{0};

  ScriptedUpstream::Script script() {
    return [this](Wire& wire, int) {
      while (wire.read_request().whole) {
        ++asked;
        eventually([this] { return go.load(); });
        if (!wire.send(answer(200, "own"))) return;
      }
    };
  }
};

void at_most(ProxyOptions& o, unsigned calls) {
  o.policies.concurrency = true;
  o.policies.concurrency_limit = {.algorithm = core::LimitAlgorithm::fixed, .initial = calls, .minimum = 1};
}

TEST(ConcurrencyFlow, ACallMoreThanTheLimitIsRefusedAtOnceAndTheOthersAreServed) {
  Held upstream;
  Testbed bed(upstream.script(), [](ProxyOptions& o) { at_most(o, 2); });
  std::vector<Wire> wires;
  for (int i = 0; i < 2; ++i) {
    wires.push_back(bed.client());
    ASSERT_TRUE(wires.back().send(get()));
  }
  ASSERT_TRUE(eventually([&] { return upstream.asked == 2; }));
  EXPECT_EQ(bed.metric("quoll_concurrency_limit{circuit=\"default\"}"), 2);
  EXPECT_EQ(bed.metric("quoll_concurrency_in_flight{circuit=\"default\"}"), 2);

  const Message got = bed.ask(get());
  EXPECT_EQ(got.status(), 200);
  EXPECT_EQ(got.field("Quoll-Fallback"), "limit");
  EXPECT_EQ(got.field("Retry-After"), "1");
  EXPECT_THAT(got.field("Proxy-Status"), HasSubstr("error=connection_limit_reached"));
  EXPECT_EQ(bed.metric("quoll_concurrency_refused_total{circuit=\"default\"}"), 1);
  EXPECT_EQ(bed.event("reject"), 0) << "the breaker was not asked";

  upstream.go = true;
  for (Wire& wire : wires) EXPECT_EQ(wire.read_answer().body, "own");
  EXPECT_EQ(bed.ask(get()).body, "own");
  EXPECT_TRUE(eventually([&] { return bed.metric("quoll_concurrency_in_flight{circuit=\"default\"}") == 0; }));
  EXPECT_THAT(bed.ask(get("/circuit-status")).body, HasSubstr("\"algorithm\": \"fixed\""));
}

TEST(ConcurrencyFlow, WithTheFallbackOffItIsAFiveHundredAndThree) {
  Held upstream;
  Testbed bed(upstream.script(), [](ProxyOptions& o) {
    at_most(o, 1);
    o.fallback = false;
  });
  Wire first = bed.client();
  ASSERT_TRUE(first.send(get()));
  ASSERT_TRUE(eventually([&] { return upstream.asked == 1; }));
  EXPECT_EQ(bed.ask(get()).status(), 503);
  upstream.go = true;
  EXPECT_EQ(first.read_answer().body, "own");
}

TEST(ConcurrencyFlow, AClientThatLeavesFreesItsPlace) {
  Held upstream;
  Testbed bed(upstream.script(), [](ProxyOptions& o) { at_most(o, 1); });
  {
    Wire gone = bed.client();
    ASSERT_TRUE(gone.send(post("/", "x")));
    ASSERT_TRUE(eventually([&] { return upstream.asked == 1; }));
  }
  upstream.go = true;
  EXPECT_TRUE(eventually([&] { return bed.ask(get()).body == "own"; }));
}

}  // namespace
}  // namespace quoll::proxy::testing
