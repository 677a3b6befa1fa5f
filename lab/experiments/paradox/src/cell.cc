#include "quoll/lab/paradox/cell.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdlib>

#include "quoll/lab/harness/free_port.h"
#include "quoll/lab/harness/metrics_page.h"
#include "quoll/lab/harness/part.h"
#include "quoll/lab/harness/request_log.h"
#include "quoll/lab/paradox/callers.h"

namespace quoll::lab::paradox {

using harness::any_free_port;
using harness::client_of;
using harness::kStartLimit;
using harness::launch_part;
using harness::loopback;
using harness::MetricsPage;
using harness::part_failure;
using harness::Process;
using harness::wait_healthy;

namespace {

namespace json = boost::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Short enough to catch a 100 ms stall while it lasts.
constexpr Duration kSamplePeriod = milliseconds(40);
// Under a quota every question costs the caller a part of its share, so it is asked less often.
constexpr Duration kAskUnderQuota = milliseconds(200);
constexpr Duration kTallyStep = milliseconds(50);
constexpr const char* kTruthRecords = "400000";

// An object of one line of JSON; empty when it is none.
json::object object_of(std::string_view line) {
  json::error_code error;
  json::value value = json::parse({line.data(), line.size()}, error);
  return error || !value.is_object() ? json::object{} : std::move(value.get_object());
}

std::string text_of(const json::object& object, const char* key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

double number_of(const json::object& object, const char* key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_number()) return 0;
  return value->to_number<double>();
}

TimePoint at_of(const json::object& object) {
  const json::value* value = object.if_contains("at_ns");
  return TimePoint(Duration(value != nullptr && value->is_number() ? value->to_number<std::int64_t>() : 0));
}

}  // namespace

CellRun::CellRun(const CellContext& context, const Group& group, Caller caller)
    : context_(context), group_(group), setting_(setting_of(group.backend)) {
  record_.caller = caller;
}

CellRun::~CellRun() {
  for (auto* part : {&load_, &pressure_, &caller_, &backend_}) part->reset();
}

Result<void> CellRun::start_backend() {
  backend_port_ = any_free_port();
  // A backend that waits for the CPU itself leaves more calls undecided; -5 needs privilege and is only asked for.
  std::vector<std::string> arguments = {"backend",
                                        "--listen",
                                        loopback(backend_port_),
                                        "--seed",
                                        std::to_string(context_.parts.seed),
                                        "--truth",
                                        kTruthRecords,
                                        "--nice",
                                        "-5",
                                        "--log-level",
                                        "error",
                                        "--json"};
  arguments.insert(arguments.end(), setting_.arguments.begin(), setting_.arguments.end());
  auto started = launch_part(context_.parts.program, "backend", std::move(arguments),
                             [this](std::string_view line) { on_backend(line); });
  if (!started) return started.error();
  backend_ = std::move(*started);
  return wait_healthy(*backend_, backend_port_, context_.parts.stop);
}

Result<void> CellRun::start_caller() {
  port_ = any_free_port();
  admin_port_ = any_free_port();
  const auto command = caller_command(record_.caller, {.program = context_.parts.program,
                                                       .peers = context_.peers,
                                                       .scratch = context_.parts.scratch,
                                                       .port = port_,
                                                       .admin = admin_port_,
                                                       .upstream = backend_port_,
                                                       .deadline = setting_.deadline,
                                                       .seed = context_.parts.seed});
  if (!command) return command.error();
  auto started = Process::start(
      {.name = std::string(title(record_.caller)), .program = command->program, .command = command->command});
  if (!started) return started.error();
  caller_ = std::move(*started);
  record_.command = caller_->command_line();
  const auto healthy = wait_healthy(*caller_, port_, context_.parts.stop);
  if (!healthy) return healthy;
  worker_ = working_process(record_.caller, caller_->pid());
  if (worker_ == 0) return part_failure(*caller_, "has no worker");
  return {};
}

// First connections, first stamps, and the compiler of a caller that compiles while it runs: none of them is measured.
Result<void> CellRun::warm_up() {
  auto started = launch_part(
      context_.parts.program, "warm-up",
      {"load", "http://" + loopback(port_) + "/api/data", "-c", std::to_string(std::min(setting_.connections, 50U)),
       "-n", "400", "--quiet", "--id-prefix", "w", "--header-id", "X-Request-Id"});
  if (!started) return started.error();
  const TimePoint end = steady_now() + 2 * kStartLimit;
  while (!(*started)->wait(Duration::zero())) {
    if (context_.parts.stop.wait_for(milliseconds(20))) return harness::stopped_error();
    if (steady_now() > end) return part_failure(**started, "did not end");
  }
  // A breaker that the warm-up opened may close again.
  if (has_breaker(record_.caller) && context_.parts.stop.wait_for(milliseconds(100))) return harness::stopped_error();
  return {};
}

void CellRun::on_pressure(std::string_view line) {
  const json::object event = object_of(line);
  const std::string name = text_of(event, "event");
  const MutexLock lock(told_.mutex);
  if (name == "limited") told_.pressure_ready = true;
  if (name == "block") told_.stalls.push_back({at_of(event), at_of(event) + from_millis(number_of(event, "block_ms"))});
  if (name == "stop") told_.stalls.push_back({at_of(event), at_of(event) + from_millis(number_of(event, "stop_ms"))});
  if (name == "continue" && !told_.stalls.empty()) told_.stalls.back().to = at_of(event);
}

void CellRun::on_backend(std::string_view line) {
  const json::object event = object_of(line);
  if (text_of(event, "event") != "behaviour") return;
  const MutexLock lock(told_.mutex);
  if (text_of(event, "mode") == "hang") {
    told_.hang_from = at_of(event);
  } else if (told_.hang_from && !told_.hang_to) {
    told_.hang_to = at_of(event);
  }
}

Result<void> CellRun::start_pressure() {
  if (group_.pressure == Pressure::none) return {};
  const std::uint16_t control = is_quoll(record_.caller) ? admin_port_ : port_;
  auto arguments = pressure_arguments(group_.pressure, worker_, control, context_.parts.seed);
  auto started = launch_part(context_.parts.program, "pressure", std::move(arguments),
                             [this](std::string_view line) { on_pressure(line); });
  if (!started) return started.error();
  pressure_ = std::move(*started);
  const TimePoint end = steady_now() + kStartLimit;
  while (group_.pressure == Pressure::quota) {
    {
      const MutexLock lock(told_.mutex);
      if (told_.pressure_ready) break;
    }
    if (pressure_->wait(milliseconds(10)) || steady_now() > end) {
      const auto tail = pressure_->tail();
      return Error{"the pressure is not permitted: " + (tail.empty() ? std::string("no reason given") : tail.back()),
                   "not_permitted"};
    }
  }
  return {};
}

std::vector<std::string> CellRun::load_arguments() const {
  std::vector<std::string> arguments = {"load",
                                        "http://" + loopback(port_) + "/api/data",
                                        "-c",
                                        std::to_string(setting_.connections),
                                        "--requests-log",
                                        context_.parts.scratch + "/requests.csv",
                                        "--header-id",
                                        "X-Request-Id",
                                        "--id-prefix",
                                        "c",
                                        "--timeout",
                                        "10s",
                                        "--quiet",
                                        "--seed",
                                        std::to_string(context_.parts.seed)};
  const auto add = [&](std::initializer_list<std::string> more) { arguments.insert(arguments.end(), more); };
  if (group_.requests > 0) {
    add({"-n", std::to_string(group_.requests)});
  } else {
    add({"-d", format_duration(group_.length)});
  }
  if (setting_.rate > 0) add({"--rate", std::to_string(setting_.rate), "--poisson"});
  return arguments;
}

Result<void> CellRun::load() {
  auto started = launch_part(context_.parts.program, "load", load_arguments());
  if (!started) return started.error();
  load_ = std::move(*started);
  started_ = steady_now();
  const TimePoint outage = started_ + group_.length * 3 / 10;
  bool outage_due = group_.backend == Backend::outage;
  // By requests there is no telling how long it takes; a caller that stands still must not hold up the run for ever.
  const TimePoint limit = started_ + (group_.requests > 0 ? seconds(300) : 3 * group_.length + seconds(20));
  while (!load_->wait(Duration::zero())) {
    if (outage_due && steady_now() >= outage) {
      const auto changed =
          harness::control_backend(backend_port_, {{"mode", "hang"}, {"for", format_duration(group_.length * 3 / 10)}});
      if (!changed) return changed.error();
      outage_due = false;
    }
    sample();
    if (context_.parts.stop.wait_for(kSamplePeriod)) return harness::stopped_error();
    if (caller_->wait(Duration::zero())) return part_failure(*caller_, "ended under load");
    if (steady_now() > limit) return part_failure(*load_, "did not end");
  }
  load_ended_ = steady_now();
  const auto ended = load_->wait(Duration::zero());
  if (ended && !ended->success() && ended->code != 1) return part_failure(*load_, "ended with " + ended->describe());
  return {};
}

void CellRun::sample() {
  waits_.emplace_back(steady_now(), cpu_wait_of(worker_));
  if (!is_quoll(record_.caller)) return;
  const bool rarely = group_.pressure == Pressure::quota && !lags_.empty();
  if (!rarely || steady_now() - lags_.back().first >= kAskUnderQuota) sample_quoll();
}

void CellRun::sample_quoll() {
  const auto text = client_of(admin_port_, milliseconds(300)).get_ok("/circuit-status");
  if (!text) return;
  const TimePoint now = steady_now();
  const json::object status = object_of(*text);
  const json::value* loop = status.if_contains("loop");
  const json::value* circuits = status.if_contains("circuits");
  if (loop == nullptr || circuits == nullptr || !circuits->is_array() || circuits->get_array().empty()) return;
  Duration lag{};
  for (const json::value& worker : loop->at("workers").as_array()) {
    lag = std::max(lag, from_millis(number_of(worker.as_object(), "lag_ms")));
    record_.max_loop_lag = std::max(record_.max_loop_lag, from_millis(number_of(worker.as_object(), "max_lag_ms_10s")));
  }
  lags_.emplace_back(now, lag);
  for (const json::value& one : circuits->get_array().front().at("transitions").as_array()) {
    const auto sequence = static_cast<std::uint64_t>(number_of(one.as_object(), "sequence"));
    if (sequence <= last_sequence_) continue;
    last_sequence_ = sequence;
    transitions_.push_back(
        {now - from_millis(number_of(one.as_object(), "age_seconds") * 1000), text_of(one.as_object(), "to")});
  }
}

void CellRun::read_node_journal() {
  const auto text = client_of(port_).get_ok("/circuit-status");
  const json::object status = text ? object_of(*text) : json::object{};
  const json::value* list = status.if_contains("transitions");
  if (list == nullptr || !list->is_array()) return;
  transitions_.clear();
  for (const json::value& one : list->get_array()) {
    if (one.is_object()) transitions_.push_back({at_of(one.get_object()), text_of(one.get_object(), "to")});
  }
}

Result<void> CellRun::read_counters(bool after) {
  if (!is_quoll(record_.caller)) return {};
  const auto page = MetricsPage::read(admin_port_);
  if (!page) return page.error();
  const std::uint64_t rescued = page->count("quoll_attempts_total", {{"outcome", "rescued"}});
  const std::uint64_t unstamped = page->count("quoll_socket_reads_total", {{"stamped", "false"}});
  if (after) {
    record_.rescued = rescued - rescued_before_;
    record_.unstamped = unstamped - unstamped_before_;
  } else {
    rescued_before_ = rescued;
    unstamped_before_ = unstamped;
  }
  return {};
}

Result<void> CellRun::finish() {
  pressure_.reset();
  double averages[1] = {0};
  if (::getloadavg(averages, 1) == 1) record_.load_average = averages[0];
  if (is_quoll(record_.caller)) sample_quoll();
  if (is_node(record_.caller)) read_node_journal();
  const auto counted = read_counters(true);
  if (!counted) return counted;
  return evaluate();
}

Result<void> CellRun::evaluate() {
  const auto log = harness::read_request_log(context_.parts.scratch + "/requests.csv");
  if (!log) return log.error();
  const auto text = client_of(backend_port_, seconds(60)).get_ok("/truth");
  if (!text) return text.error();
  const auto truths = parse_truth(*text);
  if (!truths) return truths.error();
  const std::vector<Call> calls = join(*log, *truths, setting_.deadline, context_.band);
  std::optional<Span> outage;
  {
    const MutexLock lock(told_.mutex);
    if (told_.hang_from) outage = Span{*told_.hang_from, told_.hang_to.value_or(load_ended_)};
  }
  // A change of state in the warm-up is not the caller's answer to the pressure.
  std::erase_if(transitions_, [this](const Transition& one) { return one.at < started_; });
  judge_openings(transitions_, calls, kWindow, kThreshold, outage);
  record_.summary = summarise(calls, transitions_, setting_.deadline, outage);
  if (outage) record_.outage = Interval{outage->from - started_, outage->to - started_};
  if (calls.empty()) record_.problem = "no call was made";
  fill_series(calls, transitions_);
  return {};
}

void CellRun::fill_series(const std::vector<Call>& calls, const std::vector<Transition>& transitions) {
  record_.length = std::max(load_ended_ - started_, calls.empty() ? Duration::zero() : calls.back().done - started_);
  {
    const MutexLock lock(told_.mutex);
    for (const Span& stall : told_.stalls) {
      if (stall.to > started_ && stall.from < load_ended_) {
        record_.stalls.push_back({std::max(stall.from, started_) - started_, stall.to - started_});
      }
    }
  }
  for (const auto& [at, lag] : lags_) record_.loop_lag.push_back({at - started_, lag});
  for (std::size_t i = 1; i < waits_.size(); ++i) {
    record_.cpu_wait.push_back(
        {waits_[i].first - started_, std::max(Duration::zero(), waits_[i].second - waits_[i - 1].second)});
  }
  record_.tallies = tally(calls, started_, kTallyStep);
  for (const Transition& one : transitions) record_.changes.push_back({one.at - started_, one.to, one.false_open});
}

Result<CellRecord> CellRun::run() {
  for (const auto step :
       {&CellRun::start_backend, &CellRun::start_caller, &CellRun::warm_up, &CellRun::start_pressure}) {
    const Result<void> done = (this->*step)();
    if (done) continue;
    if (done.error().code != "not_installed" && done.error().code != "not_permitted") return done.error();
    record_.skipped = done.error().message;
    return record_;
  }
  Result<void> done = read_counters(false);
  if (done) done = load();
  if (done) done = finish();
  if (!done) return done.error();
  return record_;
}

}  // namespace quoll::lab::paradox
