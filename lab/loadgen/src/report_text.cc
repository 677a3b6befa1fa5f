// The forms of ticks and reports for people and for HdrHistogram's plotting tools.
#include <fmt/format.h>

#include <cmath>
#include <iterator>

#include "quoll/lab/loadgen/report.h"

namespace quoll::lab::loadgen {

namespace {

using Out = std::back_insert_iterator<std::string>;

std::string bytes_text(double bytes) {
  const char* unit = "B";
  for (const char* larger : {"KiB", "MiB", "GiB", "TiB"}) {
    if (bytes < 1024) break;
    bytes /= 1024;
    unit = larger;
  }
  return fmt::format("{:.{}f} {}", bytes, unit[0] == 'B' ? 0 : 1, unit);
}

std::string time_text(double nanos) {
  return humanize(Duration(std::llround(nanos)));
}

double percent(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

void append_latency(Out out, const Histogram& latency) {
  fmt::format_to(out, "  latency  {:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}\n", "p50", "p75", "p90", "p95", "p99",
                 "p99.9", "p99.99", "max");
  fmt::format_to(out, "           ");
  for (const double p : {50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99, 100.0}) {
    fmt::format_to(out, "{:>9}", time_text(static_cast<double>(latency.percentile(p))));
  }
  fmt::format_to(out, "\n           mean {}, standard deviation {}, min {}\n", time_text(latency.mean()),
                 time_text(latency.stddev()), time_text(static_cast<double>(latency.min())));
}

void append_status(Out out, const Stats& stats) {
  fmt::format_to(out, "  status   ");
  const char* gap = "";
  for (std::size_t code = 0; code < Stats::kStatuses; ++code) {
    if (stats.status[code] == 0) continue;
    fmt::format_to(out, "{}{}: {} ({:.2f} %)", gap, code, stats.status[code],
                   percent(stats.status[code], stats.requests()));
    gap = ", ";
  }
  fmt::format_to(out, "\n");
  if (stats.fallback[0] == stats.responses()) return;
  fmt::format_to(out, "  fallback ");
  gap = "";
  for (std::size_t i = 1; i < kFallbacks; ++i) {
    if (stats.fallback[i] == 0) continue;
    fmt::format_to(out, "{}{}: {} ({:.2f} %)", gap, to_string(static_cast<Fallback>(i)), stats.fallback[i],
                   percent(stats.fallback[i], stats.requests()));
    gap = ", ";
  }
  fmt::format_to(out, "\n");
}

void append_errors(Out out, const Report& report) {
  const Stats& stats = report.stats;
  for (std::size_t i = 0; i < kErrorKinds; ++i) {
    if (stats.errors[i] == 0) continue;
    fmt::format_to(out, "  errors   {}: {} ({:.2f} %)", to_string(static_cast<ErrorKind>(i)), stats.errors[i],
                   percent(stats.errors[i], stats.requests()));
    // Of an error in the warm-up the counts know nothing, but its example may stand here.
    if (!report.error_examples[i].empty()) fmt::format_to(out, "  first: {}", report.error_examples[i]);
    fmt::format_to(out, "\n");
  }
}

}  // namespace

std::string to_text(const Tick& tick) {
  const Stats& stats = tick.stats;
  std::string text = fmt::format("{:>6.1f}s {:>9.0f} req/s   p50 {:>7}  p95 {:>7}  p99 {:>7}  max {:>7}",
                                 to_seconds(tick.end), static_cast<double>(stats.responses()) / to_seconds(tick.length),
                                 time_text(static_cast<double>(stats.latency.percentile(50))),
                                 time_text(static_cast<double>(stats.latency.percentile(95))),
                                 time_text(static_cast<double>(stats.latency.percentile(99))),
                                 time_text(static_cast<double>(stats.latency.max())));
  const std::uint64_t bad = stats.responses() - stats.succeeded();
  const std::uint64_t fallbacks = stats.responses() - stats.fallback[0];
  if (bad > 0) text += fmt::format("  not ok {}", bad);
  if (fallbacks > 0) text += fmt::format("  fallback {}", fallbacks);
  if (stats.error_count() > 0) text += fmt::format("  errors {}", stats.error_count());
  if (tick.warm_up) text += "  (warm-up)";
  return text;
}

std::string to_text(const Report& report) {
  const Stats& stats = report.stats;
  std::string text;
  const Out out = std::back_inserter(text);
  fmt::format_to(out, "{}\n  {} loop", report.url, report.mode == "idle" ? "idle connections, closed" : report.mode);
  if (report.rate > 0) fmt::format_to(out, " at {:g} requests/s, latency from the intended send time", report.rate);
  fmt::format_to(out, ", {} connections, {} thread{}, {}{}\n", report.connections, report.threads,
                 report.threads == 1 ? "" : "s", humanize(report.duration),
                 report.stopped ? ", stopped by a signal" : "");
  if (report.mode == "idle") fmt::format_to(out, "  open     {} connections at the end\n", report.idle_open);
  const double seconds = to_seconds(report.duration);
  fmt::format_to(out, "  requests {}: {} answered ({:.1f}/s), {} errors; {} received ({}/s)\n", stats.requests(),
                 stats.responses(), report.responses_per_second(), stats.error_count(),
                 bytes_text(static_cast<double>(stats.bytes_received)),
                 bytes_text(static_cast<double>(stats.bytes_received) / seconds));
  if (report.warm_up_requests > 0)
    fmt::format_to(out, "  warm-up  {} requests, not counted\n", report.warm_up_requests);
  if (stats.responses() > 0) {
    append_latency(out, stats.latency);
    append_status(out, stats);
  }
  append_errors(out, report);
  if (stats.own_delay_max > std::chrono::milliseconds(5)) {
    fmt::format_to(out,
                   "  note     this process was up to {} late in sending; latencies contain some of its own delay\n",
                   humanize(stats.own_delay_max));
  }
  return text;
}

std::string to_hdr(const Histogram& latency) {
  constexpr double kTicksPerHalfDistance = 5;
  std::string text;
  const Out out = std::back_inserter(text);
  fmt::format_to(out, "{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
  const double total = static_cast<double>(latency.count());
  std::uint64_t seen = 0;
  double level = 0;
  const auto& buckets = latency.buckets();
  for (std::size_t i = 0; i < buckets.size() && seen < latency.count(); ++i) {
    if (buckets[i] == 0) continue;
    seen += buckets[i];
    const double reached = 100.0 * static_cast<double>(seen) / total;
    const double value =
        static_cast<double>(std::min(log_linear::bucket_high(static_cast<std::uint32_t>(i)) - 1, latency.max())) / 1e6;
    // A bucket that spans several levels gets a line for each; the last line is the 100th percentile.
    while (level <= reached && level < 100) {
      fmt::format_to(out, "{:12.3f} {:.12f} {:10} {:14.2f}\n", value, level / 100, seen, 1 / (1 - level / 100));
      if (seen == latency.count()) break;
      const double half_distance = std::exp2(std::floor(std::log2(100.0 / (100.0 - level))) + 1);
      level += 100.0 / (kTicksPerHalfDistance * half_distance);
    }
    if (seen == latency.count()) fmt::format_to(out, "{:12.3f} {:.12f} {:10}\n", value, 1.0, seen);
  }
  fmt::format_to(out, "#[Mean    = {:12.3f}, StdDeviation   = {:12.3f}]\n", latency.mean() / 1e6,
                 latency.stddev() / 1e6);
  fmt::format_to(out, "#[Max     = {:12.3f}, Total count    = {:12}]\n", static_cast<double>(latency.max()) / 1e6,
                 latency.count());
  // The layout: octaves of 64 buckets, which in HdrHistogram's terms are sub-buckets of 128.
  fmt::format_to(out, "#[Buckets = {:12}, SubBuckets     = {:12}]\n", buckets.size() / 64 + 1, 128);
  return text;
}

}  // namespace quoll::lab::loadgen
