// What Quoll is for: a stall of its own does not make it call an answer late that was in time, and an answer that was
// late stays late. With --verdict timer, the control, it errs as others do.
#include "testbed.h"

namespace quoll::proxy::testing {
namespace {

using std::chrono::milliseconds;

// The deadline, and the times (from the request's arrival at the upstream) of the answer and of the stall's end.
constexpr auto kTimeout = milliseconds(500);
constexpr int kInTime = 150;
constexpr int kLate = 800;
constexpr int kBlock = 1200;

// Once told, its next request blocks every loop of the proxy, and is answered `wait_ms` later.
struct Stall {
  std::atomic<std::uint16_t> admin{0};
  std::atomic<int> wait_ms{0};

  ScriptedUpstream::Script script() {
    return [this](Wire& wire, int) {
      while (wire.read_request().whole) {
        if (const int wait = wait_ms.exchange(0); wait > 0) {
          const std::string body = "{\"block_ms\":" + std::to_string(kBlock) + "}";
          Wire::to(admin).ask("POST /pressure HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                              std::to_string(body.size()) + "\r\n\r\n" + body);
          spend(milliseconds(wait));
        }
        if (!wire.send(answer(200, "own"))) return;
      }
    };
  }
};

struct Case {
  VerdictKind verdict = VerdictKind::arrival;
  int answer_after = kInTime;
};

struct Outcome {
  Message got;
  double success = 0, failure = 0, timeout = 0, rescued = 0;
  double local_delay = 0;  // seconds, summed over all calls
};

Outcome run(const Case& c) {
  Stall stall;
  Testbed bed(stall.script(), [&](ProxyOptions& o) {
    o.timeout = kTimeout;
    o.verdict = c.verdict;
    o.allow_pressure = true;
    o.breaker.minimum_volume = 1;  // a single failure opens
    o.breaker.failure_rate_threshold = 0.01;
  });
  stall.admin = bed.proxy->admin_endpoint().port();
  Wire client = bed.client();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(client.ask(get()).body, "own");
  stall.wait_ms = c.answer_after;
  Outcome out;
  out.got = client.ask(get());
  out.success = bed.event("success") - 5;
  out.failure = bed.event("failure");
  out.timeout = bed.event("timeout");
  out.rescued = bed.attempts("rescued");
  out.local_delay = bed.metric("quoll_local_delay_seconds_sum");
  EXPECT_EQ(bed.event("open"), out.timeout);
  EXPECT_GT(bed.metric("quoll_socket_reads_total{stamped=\"true\"}"), 0);
  return out;
}

TEST(VerdictFlow, AnAnswerInTimeIsInTimeThoughEveryLoopWasBlockedAtItsDeadline) {
  const Outcome out = run({VerdictKind::arrival, kInTime});
  EXPECT_EQ(out.got.body, "own");
  EXPECT_EQ(out.got.field("Quoll-Fallback"), "");
  EXPECT_EQ(out.success, 1);
  EXPECT_EQ(out.rescued, 1);
  EXPECT_EQ(out.failure, 0);
  EXPECT_EQ(out.timeout, 0);
  EXPECT_GT(out.local_delay, 0.5) << "the stall is reported as our own delay";
}

TEST(VerdictFlow, TheControlCallsTheSameAnswerATimeout) {
  const Outcome out = run({VerdictKind::timer, kInTime});
  EXPECT_EQ(out.got.field("Quoll-Fallback"), "timeout");
  EXPECT_EQ(out.timeout, 1);
  EXPECT_EQ(out.success, 0);
  EXPECT_EQ(out.rescued, 0);
}

TEST(VerdictFlow, ALateAnswerIsLateForBoth) {
  for (const VerdictKind verdict : {VerdictKind::arrival, VerdictKind::timer}) {
    const Outcome out = run({verdict, kLate});
    EXPECT_EQ(out.got.field("Quoll-Fallback"), "timeout") << to_string(verdict);
    EXPECT_EQ(out.timeout, 1) << to_string(verdict);
    EXPECT_EQ(out.success + out.failure + out.rescued, 0) << to_string(verdict);
  }
}

TEST(VerdictFlow, ATimeoutDuringAStallIsDeliveredWhenItEnds) {
  // No answer at all: the verdict comes with the stall's end, not a deadline later.
  std::atomic<std::uint16_t> admin{0};
  Testbed bed(
      [&](Wire& wire, int) {
        wire.read_request();
        Wire::to(admin).ask(
            "POST /pressure HTTP/1.1\r\nHost: localhost\r\nContent-Length: 16\r\n\r\n{\"block_ms\":600}");
        wire.read_to_end();
      },
      [](ProxyOptions& o) {
        o.timeout = milliseconds(300);
        o.allow_pressure = true;
      });
  admin = bed.proxy->admin_endpoint().port();
  const TimePoint start = steady_now();
  EXPECT_EQ(bed.ask(get()).field("Quoll-Fallback"), "timeout");
  EXPECT_GE(steady_now() - start, milliseconds(550));
  EXPECT_LT(steady_now() - start, milliseconds(2000));
  EXPECT_EQ(bed.event("timeout"), 1);
}

TEST(VerdictFlow, ABodyThatCameDuringAStallIsNotLate) {
  // The head comes at once, the rest while the loop is blocked for longer than the gap.
  for (const VerdictKind verdict : {VerdictKind::arrival, VerdictKind::timer}) {
    std::atomic<std::uint16_t> admin{0};
    Testbed bed(
        [&](Wire& wire, int) {
          wire.read_request();
          wire.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf");
          spend(milliseconds(50));  // the head is on its way to the client when the stall begins
          Wire::to(admin).ask(
              "POST /pressure HTTP/1.1\r\nHost: localhost\r\nContent-Length: 16\r\n\r\n{\"block_ms\":900}");
          spend(milliseconds(100));  // and the rest comes in the midst of it
          wire.send("half");
          wire.read_to_end();
        },
        [&](ProxyOptions& o) {
          o.body_gap = milliseconds(400);
          o.verdict = verdict;
          o.allow_pressure = true;
        });
    admin = bed.proxy->admin_endpoint().port();
    const Message got = bed.ask(get());
    const bool arrival = verdict == VerdictKind::arrival;
    EXPECT_EQ(got.whole, arrival) << to_string(verdict);
    EXPECT_EQ(bed.event("success"), arrival ? 1 : 0) << to_string(verdict);
    EXPECT_EQ(bed.event("timeout"), arrival ? 0 : 1) << to_string(verdict);
  }
}

TEST(VerdictFlow, ManyAnswersInTimeAreAllInTime) {
  // More sockets ready at once than one epoll_wait returns, when their deadlines have passed (mechanism M1).
  constexpr int kClients = 200;
  std::atomic<int> asked{0};
  std::atomic<std::uint16_t> admin{0};
  std::atomic<bool> stalled{false};
  std::atomic<bool> warm{true};
  Testbed bed(
      [&](Wire& wire, int) {
        while (wire.read_request().whole) {
          if (!warm) {
            if (++asked == kClients) {
              Wire::to(admin).ask(
                  "POST /pressure HTTP/1.1\r\nHost: localhost\r\nContent-Length: 17\r\n\r\n{\"block_ms\":3000}");
              stalled = true;
            }
            if (!eventually([&] { return stalled.load(); })) return;
          }
          if (!wire.send(answer(200, "own"))) return;
        }
      },
      [](ProxyOptions& o) {
        o.timeout = milliseconds(2000);
        o.allow_pressure = true;
      });
  admin = bed.proxy->admin_endpoint().port();
  std::vector<Wire> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(bed.client());
    ASSERT_EQ(clients.back().ask(get()).body, "own");
  }
  warm = false;
  for (Wire& client : clients) ASSERT_TRUE(client.send(get()));
  int good = 0;
  for (Wire& client : clients) good += client.read_answer().body == "own" ? 1 : 0;
  EXPECT_EQ(good, kClients);
  EXPECT_EQ(bed.event("timeout") + bed.event("failure"), 0);
  EXPECT_GT(bed.attempts("rescued"), 100);
}

}  // namespace
}  // namespace quoll::proxy::testing
