#include "quoll/lab/harness/cell_parts.h"

#include <atomic>
#include <iterator>

#include "quoll/lab/harness/free_port.h"
#include "quoll/lab/harness/part.h"

namespace quoll::lab::harness {

namespace {

using std::chrono::milliseconds;

void append(std::vector<std::string>& to, std::vector<std::string> more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

CellParts::~CellParts() {
  for (auto* part : {&load_, &quota_, &proxy_, &backend_}) part->reset();
}

Result<void> CellParts::start_backend(std::vector<std::string> arguments) {
  backend_port_ = any_free_port();
  std::vector<std::string> command = {
      "backend", "--listen", loopback(backend_port_), "--seed", std::to_string(context_.seed),
      "--truth", "1",        "--log-level",           "error"};
  append(command, std::move(arguments));
  auto started = launch_part(context_.program, "backend", std::move(command));
  if (!started) return started.error();
  backend_ = std::move(*started);
  return wait_healthy(*backend_, backend_port_, context_.stop);
}

Result<void> CellParts::start_proxy(std::vector<std::string> arguments) {
  port_ = any_free_port();
  admin_port_ = any_free_port();
  std::vector<std::string> command = {"proxy",
                                      "--listen",
                                      loopback(port_),
                                      "--admin",
                                      loopback(admin_port_),
                                      "--upstream",
                                      "http://" + loopback(backend_port_),
                                      "--seed",
                                      std::to_string(context_.seed),
                                      "--log-level",
                                      "error"};
  append(command, std::move(arguments));
  auto started = launch_part(context_.program, "proxy", std::move(command));
  if (!started) return started.error();
  proxy_ = std::move(*started);
  proxy_command_ = proxy_->command_line();
  return wait_healthy(*proxy_, admin_port_, context_.stop);
}

Result<void> CellParts::limit_proxy(unsigned percent) {
  const auto limited = std::make_shared<std::atomic<bool>>(false);
  auto started = launch_part(context_.program, "quota",
                             {"pressure", "quota", "--pid", std::to_string(proxy_->pid()), "--percent",
                              std::to_string(percent), "--period", "20ms", "--json"},
                             [limited](std::string_view line) {
                               if (line.find("\"limited\"") != std::string_view::npos) limited->store(true);
                             });
  if (!started) return started.error();
  quota_ = std::move(*started);
  const TimePoint end = steady_now() + kStartLimit;
  while (!limited->load()) {
    if (quota_->wait(milliseconds(10)) || steady_now() > end) {
      const auto tail = quota_->tail();
      return Error{tail.empty() ? std::string("no reason given") : tail.back(), "not_permitted"};
    }
    if (context_.stop.wait_for(milliseconds(1))) return stopped_error();
  }
  return {};
}

Result<void> CellParts::control_backend(const boost::json::object& change) {
  return harness::control_backend(backend_port_, change);
}

Result<std::vector<LoggedCall>> CellParts::load(std::vector<std::string> arguments, Duration limit,
                                                const std::function<Result<void>()>& meanwhile) {
  const std::string log = context_.scratch + "/requests.csv";
  std::vector<std::string> command = {"load",
                                      "http://" + loopback(port_) + "/api/data",
                                      "--requests-log",
                                      log,
                                      "--quiet",
                                      "--seed",
                                      std::to_string(context_.seed)};
  append(command, std::move(arguments));
  auto started = launch_part(context_.program, "load", std::move(command));
  if (!started) return started.error();
  load_ = std::move(*started);
  const TimePoint end = steady_now() + limit;
  while (!load_->wait(Duration::zero())) {
    if (meanwhile) {
      if (auto fine = meanwhile(); !fine) return fine.error();
    }
    if (context_.stop.wait_for(kPollPeriod)) return stopped_error();
    if (proxy_->wait(Duration::zero())) return part_failure(*proxy_, "ended under load");
    if (steady_now() > end) return part_failure(*load_, "did not end");
  }
  const auto ended = load_->wait(Duration::zero());
  if (!ended->success() && ended->code != 1) return part_failure(*load_, "ended with " + ended->describe());
  return read_request_log(log);
}

Result<MetricsPage> CellParts::metrics() const {
  return MetricsPage::read(admin_port_);
}

Result<std::string> CellParts::status() const {
  return client_of(admin_port_, milliseconds(300)).get_ok("/circuit-status");
}

}  // namespace quoll::lab::harness
