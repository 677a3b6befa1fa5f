// What the pages say. How they are served is in page_server.cc.
#include <algorithm>
#include <cstdio>
#include <ctime>

#include "live_page.h"
#include "page_server.h"

#ifdef __linux__
#include <unistd.h>
#endif

namespace quoll::node {

namespace {

constexpr double kDelayBounds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};

std::string number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

// As a JSON string, and as a label: both escape the quote, the backslash and the line's end.
std::string quoted(const std::string& raw) {
  std::string text = "\"";
  for (const char c : raw) {
    if (c == '"' || c == '\\') {
      text += '\\';
      text += c;
    } else if (c == '\n') {
      text += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      text += ' ';
    } else {
      text += c;
    }
  }
  return text + "\"";
}

std::string member(const char* name, const std::string& json) {
  return quoted(name) + ":" + json;
}

std::string head(const char* name, const char* type, const char* help) {
  return std::string("# HELP ") + name + " " + help + "\n# TYPE " + name + " " + type + "\n";
}

void put_process_metrics(std::string& text) {
  text += head("process_cpu_seconds_total", "counter", "CPU time of the process.");
  text += "process_cpu_seconds_total " + number(static_cast<double>(std::clock()) / CLOCKS_PER_SEC) + "\n";
#ifdef __linux__
  long pages = 0;
  long resident = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return;
  if (std::fscanf(file, "%ld %ld", &pages, &resident) == 2) {
    text += head("process_resident_memory_bytes", "gauge", "Resident memory.");
    text += "process_resident_memory_bytes " +
            number(static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE))) + "\n";
  }
  std::fclose(file);
#endif
}

std::string transitions_json(const std::vector<core::Transition>& journal, Duration to_wall) {
  std::string text = "[";
  for (const core::Transition& each : journal) {
    if (text.size() > 1) text += ",";
    const WallTime at(each.at.time_since_epoch() + to_wall);
    text += "{" + member("at", quoted(format_rfc3339(at))) + "," + member("to", quoted(core::to_string(each.to))) +
            "," + member("text", quoted(core::explain(each))) + "}";
  }
  return text + "]";
}

}  // namespace

void Pages::add(const std::shared_ptr<Circuit>& circuit) {
  const MutexLock lock(mutex_);
  circuits_.push_back(circuit);
}

void Pages::remove(const Circuit* circuit) {
  const MutexLock lock(mutex_);
  std::erase_if(circuits_, [circuit](const std::weak_ptr<Circuit>& each) {
    const std::shared_ptr<Circuit> held = each.lock();
    return held == nullptr || held.get() == circuit;
  });
}

void Pages::beat(Duration interval) {
  const std::int64_t now = steady_now().time_since_epoch().count();
  const std::int64_t last = beat_.exchange(now, std::memory_order_relaxed);
  const std::int64_t promised = interval_.exchange(interval.count(), std::memory_order_relaxed);
  if (last == 0) return;
  const MutexLock lock(mutex_);
  loop_delay_.record(Duration(std::max<std::int64_t>(0, now - last - promised)));
}

void Pages::stop_beating() {
  beat_.store(0, std::memory_order_relaxed);
}

void Pages::count_shed(core::ShedReason reason) {
  auto& counter = reason == core::ShedReason::none       ? admitted_
                  : reason == core::ShedReason::overload ? shed_overload_
                                                         : shed_too_old_;
  counter.fetch_add(1, std::memory_order_relaxed);
}

Duration Pages::blocked_for(TimePoint now) const {
  // Shorter silences are a loop at work.
  constexpr Duration kWorth = std::chrono::milliseconds(25);
  const std::int64_t last = beat_.load(std::memory_order_relaxed);
  if (last == 0) return Duration::zero();
  const Duration silence(now.time_since_epoch().count() - last - interval_.load(std::memory_order_relaxed));
  return silence < kWorth ? Duration::zero() : silence;
}

std::vector<Pages::Row> Pages::rows() const {
  std::vector<std::shared_ptr<Circuit>> held;
  {
    const MutexLock lock(mutex_);
    for (const std::weak_ptr<Circuit>& each : circuits_) {
      if (std::shared_ptr<Circuit> circuit = each.lock()) held.push_back(std::move(circuit));
    }
  }
  std::vector<Row> found;
  for (const std::shared_ptr<Circuit>& each : held) {
    const TimePoint now = each->board.time_of(steady_now());
    Row row{.name = each->name, .snapshot = each->breaker.snapshot(now)};
    row.text = core::explain(row.snapshot);
    row.fires = each->board.fires.load(std::memory_order_relaxed);
    row.fallbacks = each->board.fallbacks.load(std::memory_order_relaxed);
    row.capacity_refusals = each->board.capacity_refusals.load(std::memory_order_relaxed);
    row.in_flight = each->board.in_flight.load(std::memory_order_relaxed);
    row.journal = each->breaker.journal();
    for (core::Transition& transition : row.journal) transition.at = each->board.steady_time_of(transition.at);
    found.push_back(std::move(row));
  }
  return found;
}

std::string Pages::health() const {
  const Duration blocked = blocked_for(steady_now());
  std::string text = "{" + member("status", quoted(blocked > Duration::zero() ? "blocked" : "ok"));
  text += "," + member("uptime_seconds", number(to_seconds(steady_now() - started_)));
  if (blocked > Duration::zero()) {
    text += "," + member("blocked_ms", number(to_millis(blocked)));
    text += "," + member("blocked_since", quoted(format_rfc3339(wall_now() - blocked)));
  }
  return text + "}\n";
}

std::string Pages::status() const {
  const Duration blocked = blocked_for(steady_now());
  const Duration to_wall = wall_now().time_since_epoch() - steady_now().time_since_epoch();
  std::string text = "{" + member("blocked_ms", number(to_millis(blocked)));
  if (blocked > Duration::zero()) {
    text += "," + member("blocked_since", quoted(format_rfc3339(wall_now() - blocked)));
  }
  {
    const MutexLock lock(mutex_);
    text += "," + member("loop_delay_ms", "{" + member("p50", number(loop_delay_.percentile(50) / 1e6)) + "," +
                                              member("p99", number(loop_delay_.percentile(99) / 1e6)) + "," +
                                              member("max", number(loop_delay_.max() / 1e6)) + "}");
  }
  text += "," + member("admitted", std::to_string(admitted_.load())) + "," +
          member("shed", std::to_string(shed_overload_.load() + shed_too_old_.load())) + ",\"circuits\":[";
  bool first = true;
  for (const Row& row : rows()) {
    const core::LifetimeTotals& totals = row.snapshot.totals;
    if (!first) text += ",";
    first = false;
    text +=
        "{" + member("name", quoted(row.name)) + "," + member("state", quoted(core::to_string(row.snapshot.state))) +
        "," + member("text", quoted(row.text)) + "," + member("fires", std::to_string(row.fires)) + "," +
        member("success", std::to_string(totals.success)) + "," + member("failure", std::to_string(totals.failure)) +
        "," + member("timeout", std::to_string(totals.timeout)) + "," +
        member("rescued", std::to_string(totals.rescued)) + "," +
        member("inconclusive", std::to_string(totals.ignored)) + "," +
        member("rejected", std::to_string(totals.rejected)) + "," + member("in_flight", std::to_string(row.in_flight)) +
        "," + member("p50_ms", number(to_millis(row.snapshot.p50()))) + "," +
        member("p99_ms", number(to_millis(row.snapshot.p99()))) + "," +
        member("transitions", transitions_json(row.journal, to_wall)) + "}";
  }
  return text + "]}\n";
}

void Pages::put_circuit_metrics(std::string& text) const {
  const std::vector<Row> all = rows();
  text += head("quoll_circuit_state", "gauge", "0 closed, 0.5 half-open, 1 open.");
  for (const Row& row : all) {
    text += "quoll_circuit_state{circuit=" + quoted(row.name) + "} " + number(core::gauge(row.snapshot.state)) + "\n";
  }
  text += head("quoll_circuit_events_total", "counter", "What the circuits did.");
  for (const Row& row : all) {
    const core::LifetimeTotals& totals = row.snapshot.totals;
    const std::pair<const char*, std::uint64_t> events[] = {
        {"fire", row.fires},         {"success", totals.success},
        {"failure", totals.failure}, {"timeout", totals.timeout},
        {"reject", totals.rejected}, {"fallback", row.fallbacks},
        {"open", totals.opened},     {"half_open", totals.half_opened},
        {"close", totals.closed},    {"semaphore_locked", row.capacity_refusals}};
    for (const auto& [event, count] : events) {
      text += "quoll_circuit_events_total{circuit=" + quoted(row.name) + ",event=\"" + event + "\"} " +
              std::to_string(count) + "\n";
    }
  }
  text += head("quoll_attempts_total", "counter", "Attempts by outcome; rescued ones are among the successes.");
  for (const Row& row : all) {
    const core::LifetimeTotals& totals = row.snapshot.totals;
    const std::pair<const char*, std::uint64_t> outcomes[] = {
        {"success", totals.success},     {"failure", totals.failure},      {"timeout", totals.timeout},
        {"cancelled", totals.cancelled}, {"inconclusive", totals.ignored}, {"rescued", totals.rescued}};
    for (const auto& [outcome, count] : outcomes) {
      text += "quoll_attempts_total{circuit=" + quoted(row.name) + ",outcome=\"" + outcome + "\"} " +
              std::to_string(count) + "\n";
    }
  }
  text += head("quoll_in_flight", "gauge", "Calls under way.");
  for (const Row& row : all) {
    text += "quoll_in_flight{circuit=" + quoted(row.name) + "} " + std::to_string(row.in_flight) + "\n";
  }
}

void Pages::put_loop_metrics(std::string& text) const {
  text += head("quoll_loop_blocked_seconds", "gauge", "How long the loop has stood still by now; 0 while it runs.");
  text += "quoll_loop_blocked_seconds " + number(to_seconds(blocked_for(steady_now()))) + "\n";
  text += head("quoll_loop_lag_seconds", "histogram", "How late the loop was.");
  {
    const MutexLock lock(mutex_);
    for (const double bound : kDelayBounds) {
      text += "quoll_loop_lag_seconds_bucket{le=\"" + number(bound) + "\"} " +
              std::to_string(loop_delay_.count_at_or_below(static_cast<std::uint64_t>(bound * 1e9))) + "\n";
    }
    text += "quoll_loop_lag_seconds_bucket{le=\"+Inf\"} " + std::to_string(loop_delay_.count()) + "\n";
    text += "quoll_loop_lag_seconds_sum " + number(loop_delay_.sum() / 1e9) + "\n";
    text += "quoll_loop_lag_seconds_count " + std::to_string(loop_delay_.count()) + "\n";
  }
  text += head("quoll_requests_total", "counter", "Requests that the middleware let in or refused.");
  text += "quoll_requests_total{decision=\"admitted\"} " + std::to_string(admitted_.load()) + "\n";
  text += "quoll_requests_total{decision=\"overload\"} " + std::to_string(shed_overload_.load()) + "\n";
  text += "quoll_requests_total{decision=\"too_old\"} " + std::to_string(shed_too_old_.load()) + "\n";
}

std::string Pages::metrics() const {
  std::string text;
  put_circuit_metrics(text);
  put_loop_metrics(text);
  put_process_metrics(text);
  return text;
}

Pages::Page Pages::page(const std::string& path) const {
  const std::string plain = path.substr(0, path.find('?'));
  if (plain == "/health") return {200, "application/json", health()};
  if (plain == "/status") return {200, "application/json", status()};
  if (plain == "/metrics") return {200, "text/plain; version=0.0.4; charset=utf-8", metrics()};
  if (plain == "/" || plain == "/dashboard") return {200, "text/html; charset=utf-8", kLivePage};
  return {404, "text/plain", "no such page; there are /health, /metrics, /status and /dashboard\n"};
}

}  // namespace quoll::node
