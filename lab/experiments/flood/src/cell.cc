// One cell of the flood: the parts, the load, and what became of its calls.

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "quoll/lab/flood/flood.h"
#include "quoll/lab/harness/spread.h"

namespace quoll::lab::flood {

using harness::CellParts;
using harness::LoggedCall;
using harness::PartsContext;
using harness::Spread;
using harness::spread_of;

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kConnections = "2000";
constexpr Duration kSeriesStep = milliseconds(500);

Result<void> start(CellParts& parts, Bottleneck bottleneck, bool controlled) {
  const bool in_backend = bottleneck == Bottleneck::backend;
  auto started = parts.start_backend(
      in_backend ? std::vector<std::string>{"--mode", "healthy", "--delay", "10ms..20ms", "--degrade", "500us"}
                 : std::vector<std::string>{"--mode", "healthy", "--delay", "1ms..2ms", "--degrade", "0"});
  if (!started) return started.error();
  // The circuit stays closed: what is shown is the one policy.
  std::vector<std::string> arguments = {"--fallback", "off", "--volume-threshold", "1000000"};
  if (controlled) {
    const std::vector<std::string> control = in_backend ? std::vector<std::string>{"--concurrency", "gradient2"}
                                                        : std::vector<std::string>{"--admission", "on"};
    arguments.insert(arguments.end(), control.begin(), control.end());
  }
  started = parts.start_proxy(std::move(arguments));
  if (!started || in_backend) return started;
  return parts.limit_proxy(kQuotaPercent);
}

// The most memory that the process has had in RAM.
std::uint64_t peak_memory_of(pid_t pid) {
  std::ifstream in(fmt::format("/proc/{}/status", pid));
  std::string line;
  while (std::getline(in, line)) {
    if (line.starts_with("VmHWM:")) return std::strtoull(line.c_str() + 6, nullptr, 10) * 1024;
  }
  return 0;
}

}  // namespace

const char* to_string(Bottleneck bottleneck) {
  return bottleneck == Bottleneck::proxy ? "proxy" : "backend";
}

const char* title(Bottleneck bottleneck) {
  return bottleneck == Bottleneck::proxy ? "the proxy is short of CPU; controlled: admission by arrival"
                                         : "the backend slows down under load; controlled: concurrency limit gradient2";
}

Result<double> measure_capacity(const PartsContext& context, Bottleneck bottleneck, bool quick) {
  CellParts parts(context);
  auto started = start(parts, bottleneck, false);
  if (!started) return started.error();
  const Duration length = quick ? seconds(2) : seconds(4);
  const TimePoint begun = steady_now();
  // The proxy's is that under many connections, which is lower than with a few busy ones; the backend's is that at a
  // useful latency, for it answers ever more, ever later.
  const char* connections = bottleneck == Bottleneck::proxy ? "1000" : "64";
  auto calls = parts.load({"-c", connections, "-d", format_duration(length), "--warm-up", "1s"}, length + seconds(20));
  if (!calls) return calls.error();
  std::uint64_t good = 0;
  TimePoint first = TimePoint::max();
  TimePoint last = begun;
  for (const LoggedCall& call : *calls) {
    if (call.status != 200 || !call.done || !call.sent) continue;
    ++good;
    first = std::min(first, *call.sent);
    last = std::max(last, *call.done);
  }
  if (good == 0) return Error{"nothing was answered while its capacity was measured", "part"};
  return static_cast<double>(good) / to_seconds(last - first);
}

Result<Cell> run_cell(const PartsContext& context, Bottleneck bottleneck, double capacity, unsigned factor,
                      bool controlled, Duration length) {
  Cell cell;
  cell.factor = factor;
  cell.controlled = controlled;
  cell.rate = std::max(1.0, capacity * factor);
  cell.length = length;
  CellParts parts(context);
  auto started = start(parts, bottleneck, controlled);
  if (!started) return started.error();
  cell.command = parts.proxy_command();
  const TimePoint begun = steady_now();
  // Clients give up at four times their deadline; then they send again, on a new connection.
  auto calls = parts.load({"--rate", fmt::format("{:.0f}", cell.rate), "--poisson", "-c", kConnections, "-d",
                           format_duration(length), "--timeout", format_duration(4 * kDeadline)},
                          length + seconds(40));
  if (!calls) return calls.error();
  cell.peak_memory = peak_memory_of(parts.proxy_pid());
  const auto page = parts.metrics();
  if (!page) return page.error();
  const double read = page->sum("quoll_queue_delay_seconds_count").value_or(0);
  if (read > 0) {
    cell.queue_delay = from_seconds(page->sum("quoll_queue_delay_seconds_sum").value_or(0) / read);
  }
  cell.openings = page->count("quoll_circuit_events_total", {{"event", "open"}});
  evaluate(cell, *calls, begun);
  return cell;
}

void evaluate(Cell& cell, const std::vector<LoggedCall>& calls, TimePoint start) {
  std::vector<Duration> answered;
  std::vector<Duration> refused;
  std::vector<std::uint64_t> steps;
  steps.resize(static_cast<std::size_t>(cell.length / kSeriesStep));
  std::uint64_t good_later = 0;
  for (const LoggedCall& call : calls) {
    ++cell.calls;
    const std::optional<TimePoint> due = call.intended ? call.intended : call.sent;
    if (!due || !call.done || call.status == 0) {
      ++cell.lost;
      continue;
    }
    const Duration took = *call.done - *due;
    if (call.status == 503) {
      ++cell.shed;
      refused.push_back(took);
    } else if (call.status == 504) {
      ++cell.timeouts;
    } else if (call.status != 200) {
      ++cell.lost;
    } else {
      answered.push_back(took);
      if (took > kDeadline) {
        ++cell.late;
        continue;
      }
      ++cell.in_deadline;
      const auto step = static_cast<std::size_t>(std::max(Duration::zero(), *due - start) / kSeriesStep);
      if (step >= steps.size()) steps.resize(step + 1);
      ++steps[step];
      if (*due - start >= kFirstQueue) ++good_later;
    }
  }
  if (cell.length > kFirstQueue) cell.goodput = static_cast<double>(good_later) / to_seconds(cell.length - kFirstQueue);
  const Spread spread = spread_of(std::move(answered));
  cell.p50 = spread.p50;
  cell.p99 = spread.p99;
  cell.shed_p50 = spread_of(std::move(refused)).p50;
  for (const std::uint64_t n : steps) cell.goodput_series.push_back(static_cast<double>(n) / to_seconds(kSeriesStep));
}

}  // namespace quoll::lab::flood
