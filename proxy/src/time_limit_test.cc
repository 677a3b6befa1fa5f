// How long a call may take, end to end: timeouts that are learned, and deadlines that clients set.
#include <gmock/gmock.h>

#include "testbed.h"

namespace quoll::proxy::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

// Answers, or from a moment on no longer; keeps the last head.
struct Upstream {
  std::atomic<bool> hangs{false};
  std::mutex mutex;
  std::string head;

  ScriptedUpstream::Script script() {
    return [this](Wire& wire, int) {
      for (;;) {
        const Message got = wire.read_request();
        if (!got.whole) return;
        {
          const std::lock_guard lock(mutex);
          head = got.head;
        }
        if (!hangs && !wire.send(answer(200, "own"))) return;
      }
    };
  }
  std::string last_head() {
    const std::lock_guard lock(mutex);
    return head;
  }
};

// What the upstream was told, in milliseconds.
double told_ms(const std::string& head) {
  const std::size_t at = head.find("grpc-timeout: ");
  if (at == std::string::npos) return -1;
  const std::string value = head.substr(at + 14, head.find("\r\n", at) - at - 14);
  const double number = std::strtod(value.c_str(), nullptr);
  switch (value.back()) {
    case 'n':
      return number / 1e6;
    case 'u':
      return number / 1e3;
    case 'm':
      return number;
    case 'S':
      return number * 1e3;
    default:
      return -1;
  }
}

TEST(TimeLimit, AnAdaptiveTimeoutIsLearnedShownAndKept) {
  Upstream upstream;
  Testbed bed(upstream.script(), [](ProxyOptions& o) {
    o.policies.timeout = TimeoutKind::adaptive;
    o.policies.adaptive_timeout.initial = o.policies.adaptive_timeout.ceiling = seconds(15);
  });
  Wire client = bed.client();
  EXPECT_EQ(bed.metric("quoll_timeout_seconds{circuit=\"default\"}"), 15);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(client.ask(get()).body, "own");
  EXPECT_LT(bed.metric("quoll_timeout_seconds{circuit=\"default\"}"), 10);
  const std::string status = client.ask(get("/circuit-status")).body;
  EXPECT_THAT(status, HasSubstr("\"kind\": \"adaptive\""));
  EXPECT_THAT(status, HasSubstr("\"timeout\": \"adaptive\""));
  EXPECT_THAT(status, HasSubstr("\"warming_up\": false"));

  // A hang is noticed by what was learned: long before the initial timeout, and before the test's wire gives up.
  upstream.hangs = true;
  EXPECT_EQ(client.ask(get()).field("Quoll-Fallback"), "timeout");
  EXPECT_EQ(bed.event("timeout"), 1);
}

TEST(TimeLimit, AClientsDeadlineEndsTheCallAndIsNotHeldAgainstTheUpstream) {
  Upstream upstream;
  upstream.hangs = true;
  Testbed bed(upstream.script(), [](ProxyOptions& o) { o.breaker.minimum_volume = 1; });
  Wire client = bed.client();
  for (int i = 0; i < 3; ++i) {
    const Message got = client.ask(get("/", "grpc-timeout: 50m\r\n"));
    EXPECT_EQ(got.field("Quoll-Fallback"), "timeout");
  }
  EXPECT_EQ(bed.event("timeout"), 0);
  EXPECT_EQ(bed.event("open"), 0);
  EXPECT_EQ(bed.attempts("cancelled"), 3);
  EXPECT_GT(told_ms(upstream.last_head()), 0);
  EXPECT_LT(told_ms(upstream.last_head()), 50) << "less the time that has gone";
}

TEST(TimeLimit, AClientsDeadlineNeverExtendsOurs) {
  Upstream upstream;
  upstream.hangs = true;
  Testbed bed(upstream.script(), [](ProxyOptions& o) { o.timeout = milliseconds(50); });
  EXPECT_EQ(bed.ask(get("/", "Grpc-Timeout: 99H\r\n")).field("Quoll-Fallback"), "timeout");
  EXPECT_EQ(bed.event("timeout"), 1);
  EXPECT_LE(told_ms(upstream.last_head()), 50);
}

TEST(TimeLimit, WorkForAClientThatHasGivenUpIsNotBegun) {
  Upstream upstream;
  Testbed bed(upstream.script(), [](ProxyOptions& o) { o.fallback = false; });
  const Message got = bed.ask(get("/", "grpc-timeout: 0m\r\n"));
  EXPECT_EQ(got.status(), 504);
  EXPECT_THAT(got.field("Proxy-Status"), HasSubstr("the client's deadline had passed"));
  EXPECT_EQ(bed.upstream.connections(), 0);
  EXPECT_EQ(bed.attempts("cancelled"), 0);
}

TEST(TimeLimit, ADeadlineThatCannotBeReadIsAsGoodAsNone) {
  Upstream upstream;
  Testbed bed(upstream.script());
  EXPECT_EQ(bed.ask(get("/", "grpc-timeout: soon\r\n")).body, "own");
  EXPECT_THAT(upstream.last_head(), Not(HasSubstr("grpc-timeout")));
}

TEST(TimeLimit, TheUpstreamIsToldOurTimeoutWhenAsked) {
  Upstream upstream;
  Testbed bed(upstream.script(), [](ProxyOptions& o) { o.policies.propagate_deadline = true; });
  EXPECT_EQ(bed.ask(get()).body, "own");
  EXPECT_EQ(told_ms(upstream.last_head()), 9'999) << "10 s less 1 ms for the way back";
}

}  // namespace
}  // namespace quoll::proxy::testing
