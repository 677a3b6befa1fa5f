// The model against queueing theory: what a simulation says of policies is worth no more than its queues.

#include <gtest/gtest.h>

#include <cmath>

#include "quoll/sim/run.h"

namespace quoll::sim {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;

// No policy, no network, no CPU cost, and clients that wait.
Config bare() {
  Config config;
  config.model.client.patience = hours(1);
  config.model.process = {.request_cost = {}, .answer_cost = {}, .refuse_cost = {}};
  config.model.network = {.delay = {}, .jitter = {}};
  config.model.backend.queue = 1'000'000;
  config.policies.timeout = {};
  return config;
}

RunResult run_for(const Config& config, Duration length, std::uint64_t seed) {
  const Plan plan{
      .phases = {{.name = "all", .from = {}, .to = length}}, .changes = {}, .bucket = std::chrono::minutes(1)};
  auto result = run(config, plan, seed);
  EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().message);
  return *std::move(result);
}

double mean_seconds(const RunResult& result) {
  return result.latencies[0].mean() / 1e9;
}

class Theory : public testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Seeds, Theory, testing::Values(1, 2, 3));

TEST_P(Theory, OneServerWithExponentialTimesWaitsAsMM1) {
  Config config = bare();
  config.model.client.rate = 80;
  config.model.backend.workers = 1;
  config.model.backend.service = Service::exponential;
  config.model.backend.mean = milliseconds(10);
  const RunResult result = run_for(config, hours(1), GetParam());
  // 1 / (mu - lambda)
  EXPECT_NEAR(mean_seconds(result), 1.0 / (100 - 80), 0.06 / 20) << "seed " << GetParam();
}

TEST_P(Theory, SeveralServersWaitAsErlangSays) {
  constexpr double kServers = 4;
  constexpr double kOffered = 3;  // lambda / mu
  Config config = bare();
  config.model.client.rate = 150;
  config.model.backend.workers = 4;
  config.model.backend.service = Service::exponential;
  config.model.backend.mean = milliseconds(20);
  double sum = 0;
  double term = 1;
  for (int k = 0; k < 4; ++k) {
    sum += term;
    term *= kOffered / (k + 1);
  }
  const double waits = term * kServers / (kServers - kOffered) / (sum + term * kServers / (kServers - kOffered));
  const double expected = 0.02 + waits * 0.02 / (kServers - kOffered);
  const RunResult result = run_for(config, hours(1), GetParam());
  EXPECT_NEAR(mean_seconds(result) / expected, 1, 0.03) << "seed " << GetParam();
}

TEST_P(Theory, LognormalTimesWaitAsPollaczekAndKhinchineSay) {
  constexpr double kSigma = 0.8;
  Config config = bare();
  config.model.client.rate = 70;
  config.model.backend.workers = 1;
  config.model.backend.service = Service::lognormal;
  config.model.backend.sigma = kSigma;
  config.model.backend.mean = milliseconds(10);
  const double second_moment = 1e-4 * std::exp(kSigma * kSigma);
  const double expected = 0.01 + 70 * second_moment / (2 * (1 - 0.7));
  const RunResult result = run_for(config, hours(1), GetParam());
  EXPECT_NEAR(mean_seconds(result) / expected, 1, 0.06) << "seed " << GetParam();
}

TEST_P(Theory, TheCpuIsAServerWithAFixedTime) {
  Config config = bare();
  config.model.client.rate = 100;
  config.model.process.request_cost = milliseconds(8);
  config.model.backend.workers = 1000;
  config.model.backend.service = Service::fixed;
  config.model.backend.mean = microseconds(1);
  const RunResult result = run_for(config, hours(1), GetParam());
  // M/D/1: rho s / (2 (1 - rho)) + s = 24 ms until it is sent. Its answer comes at once and waits for the requests that
  // came meanwhile: rho + rho^2 / (2 (1 - rho)) = 2.4 of them, 8 ms each.
  EXPECT_NEAR(mean_seconds(result) / 0.0432, 1, 0.04) << "seed " << GetParam();
}

TEST_P(Theory, AClosedLoopAsksOnceInThinkTimeAndLatency) {
  Config config = bare();
  config.model.client.clients = 50;
  config.model.client.think = milliseconds(400);
  config.model.backend.workers = 50;
  config.model.backend.service = Service::exponential;
  config.model.backend.mean = milliseconds(100);
  const RunResult result = run_for(config, std::chrono::minutes(10), GetParam());
  EXPECT_NEAR(static_cast<double>(result.total.of(End::good)) / 600, 100, 1.5) << "seed " << GetParam();
}

TEST_P(Theory, ArrivalsAndErrorsComeAtTheirRates) {
  Config config = bare();
  config.model.client.rate = 200;
  config.model.backend.workers = 1000;
  config.model.backend.error_rate = 0.3;
  const RunResult result = run_for(config, std::chrono::minutes(10), GetParam());
  // Three standard deviations of a Poisson count.
  EXPECT_NEAR(static_cast<double>(result.total.arrived), 120'000, 3 * std::sqrt(120'000)) << "seed " << GetParam();
  const double failed = static_cast<double>(result.total.of(End::failed)) / static_cast<double>(result.total.arrived);
  EXPECT_NEAR(failed, 0.3, 0.004) << "seed " << GetParam();
}

TEST(Backend, FullQueuesRefuseAtOnce) {
  Config config = bare();
  config.model.client.rate = 1000;
  config.model.backend.workers = 1;
  config.model.backend.queue = 0;
  config.model.backend.service = Service::exponential;
  config.model.backend.mean = milliseconds(1);
  const RunResult result = run_for(config, std::chrono::minutes(2), 1);
  // Erlang's loss formula for one server and an offered load of 1.
  const double lost = static_cast<double>(result.total.backend_full) / static_cast<double>(result.total.arrived);
  EXPECT_NEAR(lost, 0.5, 0.01);
}

TEST(Backend, ServesCallsThatNobodyWaitsForAnyMore) {
  Config config = bare();
  config.model.client.rate = 10;
  config.model.backend.workers = 100;
  config.model.backend.service = Service::fixed;
  config.model.backend.mean = milliseconds(300);
  config.policies.timeout = milliseconds(200);
  const RunResult result = run_for(config, std::chrono::minutes(1), 1);
  EXPECT_EQ(result.total.timeouts, result.total.attempts);
  EXPECT_EQ(result.total.of(End::good), 0U);
  EXPECT_GT(result.total.wasted, 0U);
}

}  // namespace
}  // namespace quoll::sim
