// The open loop's promise: a stall is seen by every request that was due in it, and nothing is dropped in silence.
#include <gtest/gtest.h>

#include "arrivals.h"
#include "quoll/base/mutex.h"
#include "quoll/lab/loadgen/run.h"
#include "quoll/testing/scripted_server.h"
#include "quoll/testing/wait.h"

namespace quoll::lab::loadgen {
namespace {

using testing::ScriptedServer;
using testing::Wire;

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

// Answers at once, but for one stall that holds up every connection.
class StallingServer {
 public:
  StallingServer(int stall_at, Duration stall) : stall_at_(stall_at), stall_(stall) {}
  const ScriptedServer& server() const { return server_; }

 private:
  void serve(Wire& peer) {
    while (!peer.read_head().head.empty()) {
      {
        const MutexLock lock(mutex_);
        if (++seen_ == stall_at_) testing::spend(stall_);
      }
      if (!peer.send(kOk)) return;
    }
  }
  const int stall_at_;
  const Duration stall_;
  Mutex mutex_;
  int seen_ QUOLL_GUARDED_BY(mutex_) = 0;
  ScriptedServer server_{[this](Wire& peer, int) { serve(peer); }};
};

Report run_against(const ScriptedServer& server, Options options, const StopSignal& stop) {
  options.url = server.url();
  auto report = run(options, {}, stop);
  EXPECT_TRUE(report) << (report ? "" : report.error().message);
  return report ? std::move(report).value() : Report{};
}

std::uint64_t slower_than(const Report& report, Duration limit) {
  return report.stats.responses() - report.stats.latency.count_at_or_below(static_cast<std::uint64_t>(limit.count()));
}

TEST(OpenLoop, AStallIsSeenByEveryRequestThatWasDueInIt) {
  const StopSignal never;
  Options options;
  options.requests = 200;
  options.connections = 4;
  options.rate = 200;
  const StallingServer stalling(50, milliseconds(300));
  const Report report = run_against(stalling.server(), options, never);
  EXPECT_EQ(report.stats.responses(), 200U);
  EXPECT_EQ(report.stats.error_count(), 0U);
  // 60 requests were due in the 300 ms. The one due after x ms waited 300 - x: half of them longer than 150 ms. A slow
  // machine can only add to it.
  EXPECT_GE(slower_than(report, milliseconds(150)), 29U);
  EXPECT_GE(slower_than(report, milliseconds(10)), 56U);
  EXPECT_GE(report.stats.latency.max(), 295'000'000U);
}

TEST(OpenLoop, AClosedLoopShowsTheSameStallToItsConnectionsOnly) {
  const StopSignal never;
  Options options;
  options.requests = 200;
  options.connections = 4;
  const StallingServer stalling(50, milliseconds(300));
  const Report report = run_against(stalling.server(), options, never);
  EXPECT_EQ(report.stats.responses(), 200U);
  EXPECT_LE(slower_than(report, milliseconds(150)), 4U);
}

TEST(OpenLoop, TheBacklogIsBoundedAndWhatDoesNotFitIsCountedUnsent) {
  const StopSignal never;
  ScriptedServer server([](Wire& peer, int) { peer.read_to_end(); });
  Options options;
  options.requests = 100;
  options.connections = 2;
  options.rate = 2000;
  options.backlog = 10;
  options.timeout = milliseconds(200);
  const Report report = run_against(server, options, never);
  EXPECT_EQ(report.stats.requests(), 100U);
  EXPECT_EQ(report.stats.responses(), 0U);
  const std::uint64_t unsent = report.stats.errors[static_cast<std::size_t>(ErrorKind::unsent)];
  const std::uint64_t timeouts = report.stats.errors[static_cast<std::size_t>(ErrorKind::timeout)];
  EXPECT_EQ(unsent + timeouts, 100U);
  // Two are in flight and ten wait; all others come within 50 ms, long before the first timeout.
  EXPECT_GE(unsent, 88U);
}

TEST(OpenLoop, AStopCountsWhatIsInFlightAndWhatWaits) {
  StopSignal stop;
  ScriptedServer server([&](Wire& peer, int nth) {
    if (nth == 1) stop.request();
    peer.read_to_end();
  });
  Options options;
  options.duration = seconds(60);
  options.connections = 2;
  options.rate = 500;
  options.timeout = seconds(30);
  const TimePoint begin = steady_now();
  const Report report = run_against(server, options, stop);
  EXPECT_LT(steady_now() - begin, seconds(10));
  EXPECT_TRUE(report.stopped);
  EXPECT_EQ(report.stats.errors[static_cast<std::size_t>(ErrorKind::unfinished)], 2U);
  EXPECT_EQ(report.stats.responses(), 0U);
}

TEST(OpenLoop, AStopLetsWhatIsInFlightFinish) {
  StopSignal stop;
  ScriptedServer server([&](Wire& peer, int) {
    if (!peer.read_request().whole) return;
    stop.request();
    testing::spend(milliseconds(50));  // the stop is seen while the answer is under way
    peer.send(kOk);
    peer.read_to_end();
  });
  Options options;
  options.duration = seconds(60);
  options.connections = 1;
  const Report report = run_against(server, options, stop);
  EXPECT_EQ(report.stats.responses(), 1U);
  EXPECT_EQ(report.stats.requests(), 1U);
}

TEST(OpenLoop, AnIdleConnectionThatTheServerClosesIsNotAnError) {
  const StopSignal never;
  ScriptedServer server([](Wire& peer, int) {
    if (peer.read_request().whole) peer.send(kOk);
  });
  Options options;
  options.requests = 10;
  options.connections = 1;
  options.rate = 100;
  const Report report = run_against(server, options, never);
  EXPECT_EQ(report.stats.succeeded(), 10U);
  EXPECT_EQ(report.stats.connections_opened, 10U);
}

TEST(Arrivals, EqualGapsDoNotDrift) {
  Arrivals arrivals(TimePoint{}, 3000, false, 0, 1, 1);
  for (int i = 0; i < 3'000'000; ++i) arrivals.pop();
  EXPECT_EQ(arrivals.next().time_since_epoch(), seconds(1000));
}

TEST(Arrivals, ThreadsShareOneScheduleOfEqualGaps) {
  Arrivals whole(TimePoint{}, 1000, false, 0, 1, 1);
  Arrivals even(TimePoint{}, 1000, false, 0, 2, 1);
  Arrivals odd(TimePoint{}, 1000, false, 1, 2, 1);
  for (int i = 0; i < 1000; ++i) {
    Arrivals& turn = i % 2 == 0 ? even : odd;
    EXPECT_EQ(turn.next(), whole.next());
    turn.pop();
    whole.pop();
  }
}

TEST(Arrivals, PoissonKeepsTheRateAndRepeatsWithItsSeed) {
  Arrivals one(TimePoint{}, 1000, true, 0, 1, 7);
  Arrivals same(TimePoint{}, 1000, true, 0, 1, 7);
  Arrivals other(TimePoint{}, 1000, true, 0, 1, 8);
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_EQ(one.next(), same.next());
    one.pop();
    same.pop();
    other.pop();
  }
  EXPECT_NE(one.next(), other.next());
  // The mean of 100,000 exponential gaps is within 1 % of the rate's (three standard deviations).
  EXPECT_NEAR(to_seconds(one.next().time_since_epoch()), 100.0, 1.0);
}

}  // namespace
}  // namespace quoll::lab::loadgen
