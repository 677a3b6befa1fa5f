// What the data plane pays for a count, an observation and a log line, and what a scrape costs.
#include <benchmark/benchmark.h>

#include <string>

#include "quoll/telemetry/log.h"
#include "quoll/telemetry/registry.h"
#include "quoll/telemetry/trace.h"

namespace quoll::telemetry {
namespace {

void BM_CounterAdd(benchmark::State& state) {
  static Counter counter;
  const auto shard = static_cast<unsigned>(state.thread_index());
  for ([[maybe_unused]] auto _ : state) counter.add(1, shard);
}
BENCHMARK(BM_CounterAdd)->Threads(1)->Threads(2);

void BM_CounterAddOwnShard(benchmark::State& state) {
  static Counter counter;
  for ([[maybe_unused]] auto _ : state) counter.add();
}
BENCHMARK(BM_CounterAddOwnShard)->Threads(1)->Threads(2);

void BM_HistogramObserve(benchmark::State& state) {
  static DurationHistogram histogram;
  const auto shard = static_cast<unsigned>(state.thread_index());
  // Spread as latencies are, so that the bucket search is not learnt by heart: 4,096 values from 100 us to 1.6 s.
  std::vector<Duration> values;
  values.reserve(4096);
  for (std::uint64_t i = 0; i < 4096; ++i) {
    values.emplace_back(static_cast<Duration::rep>(100'000ULL + (splitmix64(i) >> 34U) * 3 / 2));
  }
  std::size_t i = 0;
  for ([[maybe_unused]] auto _ : state) histogram.observe(values[i++ % 4096], shard);
}
BENCHMARK(BM_HistogramObserve)->Threads(1)->Threads(2);

void BM_Expose(benchmark::State& state) {
  Registry registry;
  // Half counters, half histograms' series (24 each: 21 buckets, +Inf, sum, count).
  const auto series = static_cast<int>(state.range(0));
  for (int i = 0; i < series / 2; ++i) {
    registry.counter("http_server_requests_total", "Requests.", {{"route", std::to_string(i)}, {"code", "200"}}).add(7);
  }
  for (int i = 0; i < series / 2 / 24; ++i) {
    registry.histogram("http_server_request_duration_seconds", "Latency.", {{"route", std::to_string(i)}})
        .observe(std::chrono::milliseconds(i));
  }
  std::size_t bytes = 0;
  for ([[maybe_unused]] auto _ : state) bytes = registry.expose().size();
  state.counters["bytes"] = static_cast<double>(bytes);
}
BENCHMARK(BM_Expose)->Arg(5000)->Unit(benchmark::kMillisecond);

void BM_LogLine(benchmark::State& state) {
  LogOptions options{.burst = 0};
  options.sink = [](std::string_view) {};
  Log log(options);
  for ([[maybe_unused]] auto _ : state) log.info("circuit_open", {{"circuit", "default"}, {"failure_rate", 60.0}});
}
BENCHMARK(BM_LogLine)->UseRealTime();

void BM_LogSuppressed(benchmark::State& state) {
  LogOptions options{.burst = 1, .per_second = 0};
  options.sink = [](std::string_view) {};
  Log log(options);
  for ([[maybe_unused]] auto _ : state) log.info("circuit_open", {{"circuit", "default"}, {"failure_rate", 60.0}});
}
BENCHMARK(BM_LogSuppressed);

void BM_TraceparentChild(benchmark::State& state) {
  Rng rng(1);
  for ([[maybe_unused]] auto _ : state) {
    const auto parent = parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    benchmark::DoNotOptimize(format_traceparent(child_of(*parent, rng)));
  }
}
BENCHMARK(BM_TraceparentChild);

}  // namespace
}  // namespace quoll::telemetry
