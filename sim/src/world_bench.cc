// Events a second: of the queue alone, and of whole runs.

#include <benchmark/benchmark.h>

#include "quoll/base/rng.h"
#include "quoll/sim/event_queue.h"
#include "quoll/sim/run.h"

namespace quoll::sim {
namespace {

// Hold: pop one, push one, with so many waiting.
void BM_EventQueueHold(benchmark::State& state) {
  Rng rng(1);
  EventQueue queue;
  const auto draw = [&rng] { return Duration(static_cast<Duration::rep>(rng.uniform_int(0, 1'000'000'000))); };
  for (std::int64_t i = 0; i < state.range(0); ++i) queue.push(TimePoint(draw()), EventKind::tick);
  for ([[maybe_unused]] auto _ : state) {
    const Event event = queue.pop();
    queue.push(event.at + draw(), EventKind::tick);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_EventQueueHold)->Arg(100)->Arg(10'000)->Arg(1'000'000);

void run_an_hour(benchmark::State& state, const Config& config) {
  const Plan plan{.phases = {{.name = "all", .from = {}, .to = std::chrono::hours(1)}},
                  .changes = {},
                  .bucket = std::chrono::seconds(10)};
  std::uint64_t events = 0;
  std::uint64_t seed = 0;
  for ([[maybe_unused]] auto _ : state) {
    const auto result = run(config, plan, ++seed);
    if (!result) return state.SkipWithError(result.error().message.c_str());
    events += result->events;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(events));
}

// An hour of virtual time at 100 requests a second.
void BM_HourWithATimeout(benchmark::State& state) {
  run_an_hour(state, Config{});
}
BENCHMARK(BM_HourWithATimeout)->Unit(benchmark::kMillisecond);

void BM_HourWithEveryPolicy(benchmark::State& state) {
  Config config;
  config.policies.breaker.on = true;
  config.policies.adaptive_timeout.on = true;
  config.policies.concurrency_limit.on = true;
  config.policies.retry.on = true;
  config.policies.retry_budget.on = true;
  config.policies.throttle.on = true;
  config.policies.hedging.on = true;
  config.policies.outlier.on = true;
  config.policies.admission_control.on = true;
  config.policies.admission_queue.on = true;
  run_an_hour(state, config);
}
BENCHMARK(BM_HourWithEveryPolicy)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace quoll::sim
