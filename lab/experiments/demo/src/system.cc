#include "quoll/lab/demo/system.h"

#include <fmt/format.h>

#include <algorithm>

#include "quoll/lab/demo/observer.h"
#include "quoll/lab/harness/free_port.h"

namespace quoll::lab::demo {

using harness::any_free_port;
using harness::client_of;
using harness::Exit;
using harness::loopback;
using harness::MetricsPage;
using harness::part_failure;
using harness::port_is_free;
using harness::Process;
using harness::wait_healthy;

namespace {

constexpr std::uint16_t kProxyPort = 3000;
constexpr std::uint16_t kBackendPort = 3001;
constexpr std::uint16_t kAdminPort = 3900;
// With --quick; otherwise the proxy's own defaults hold.
constexpr const char* kQuickWindow = "3s";
constexpr const char* kQuickReset = "1s";

}  // namespace

System::System(SystemOptions options) : options_(std::move(options)) {}

System::~System() {
  stop();
}

void System::stop() {
  for (auto* part : {&load_, &loop_pressure_, &cpu_pressure_, &proxy_, &backend_}) part->reset();
}

std::string System::breaker() const {
  return fmt::format("opens at 50 % failures, timeout 500 ms, window {}, reset timeout {}, verdict by {}",
                     options_.quick ? kQuickWindow : "10s", options_.quick ? kQuickReset : "5s", options_.verdict);
}

Result<std::uint16_t> System::choose_port(const char* what, std::uint16_t wanted) {
  if (port_is_free(wanted)) return wanted;
  if (options_.only_default_ports) {
    return Error{
        fmt::format("port {} for the {} is in use; stop what listens there, or use --ports auto", wanted, what),
        "port_in_use"};
  }
  const std::uint16_t free = any_free_port();
  if (free == 0) return Error{fmt::format("there is no free port for the {}", what), "port_in_use"};
  notes_.push_back(fmt::format("port {} is in use: the {} listens on {} instead", wanted, what, free));
  return free;
}

Result<std::unique_ptr<Process>> System::launch(const std::string& name, std::vector<std::string> arguments,
                                                const std::string& listens,
                                                std::function<void(std::string_view)> on_line) {
  auto process = harness::launch_part(options_.program, name, std::move(arguments), std::move(on_line));
  if (!process) return process.error();
  const std::string shown = (*process)->command_line();
  const bool known = std::any_of(parts_.begin(), parts_.end(), [&](const Part& part) { return part.command == shown; });
  if (!known) parts_.push_back({.name = name, .command = shown, .address = listens});
  return process;
}

Result<void> System::start() {
  for (const auto& [what, wanted, into] :
       {std::tuple{"proxy", kProxyPort, &proxy_port_}, std::tuple{"backend", kBackendPort, &backend_port_},
        std::tuple{"proxy's admin port", kAdminPort, &admin_port_}}) {
    const auto port = choose_port(what, wanted);
    if (!port) return port.error();
    *into = *port;
  }
  auto backend =
      launch("backend", {"backend", "--listen", loopback(backend_port_), "--seed", std::to_string(options_.seed)},
             loopback(backend_port_), {});
  if (!backend) return backend.error();
  backend_ = std::move(*backend);
  Result<void> healthy = wait_healthy(*backend_, backend_port_, options_.stop);
  if (!healthy) return healthy;

  std::vector<std::string> arguments = {"proxy",
                                        "--listen",
                                        loopback(proxy_port_),
                                        "--upstream",
                                        "http://" + loopback(backend_port_),
                                        "--admin",
                                        loopback(admin_port_),
                                        "--verdict",
                                        options_.verdict,
                                        "--allow-pressure",
                                        "--log-level",
                                        "warn"};
  if (options_.quick) {
    arguments.insert(arguments.end(), {"--window", kQuickWindow, "--reset-timeout", kQuickReset});
  }
  auto proxy = launch("proxy", std::move(arguments), loopback(proxy_port_), {});
  if (!proxy) return proxy.error();
  proxy_ = std::move(*proxy);
  return wait_healthy(*proxy_, admin_port_, options_.stop);
}

Result<void> System::set_backend(const boost::json::object& change) {
  return harness::control_backend(backend_port_, change);
}

Result<void> System::set_pressure(const std::optional<LoopPressure>& loop, unsigned cpu_cores) {
  loop_pressure_.reset();
  cpu_pressure_.reset();
  if (loop) {
    auto started = launch("pressure on the loops",
                          {"pressure", "loop", "--target", "http://" + loopback(admin_port_), "--block", loop->block,
                           "--every", loop->every, "--seed", std::to_string(options_.seed), "--json"},
                          {}, {});
    if (!started) return started.error();
    loop_pressure_ = std::move(*started);
  }
  if (cpu_cores > 0) {
    auto started =
        launch("pressure on the CPU", {"pressure", "cpu", "--cores", std::to_string(cpu_cores), "--json"}, {}, {});
    if (!started) return started.error();
    cpu_pressure_ = std::move(*started);
  }
  return {};
}

Result<void> System::start_load(Duration length, std::function<void(std::string_view)> on_line) {
  std::vector<std::string> arguments = {"load",       "http://" + loopback(proxy_port_) + "/api/data",
                                        "-c",         std::to_string(options_.connections),
                                        "-d",         format_duration(length),
                                        "--live-json"};
  if (options_.rate > 0) {
    arguments.insert(arguments.end(), {"--rate", std::to_string(options_.rate), "--poisson", "--seed",
                                       std::to_string(options_.seed + loads_++)});
  }
  auto started = launch("load", std::move(arguments), {}, std::move(on_line));
  if (!started) return started.error();
  load_ = std::move(*started);
  return {};
}

std::optional<Exit> System::load_ended() {
  return load_ ? load_->wait(Duration::zero()) : std::nullopt;
}

void System::stop_load() {
  if (load_) load_->stop();
}

std::optional<Error> System::dead_part() {
  for (auto* part : {&backend_, &proxy_, &loop_pressure_, &cpu_pressure_}) {
    if (!*part) continue;
    if (const auto ended = (*part)->wait(Duration::zero())) {
      return part_failure(**part, "ended unexpectedly with " + ended->describe());
    }
  }
  if (!load_) return std::nullopt;
  const auto ended = load_->wait(Duration::zero());
  // 1 is its way to say that no answer was good, which its result shows better.
  if (ended && !ended->success() && ended->code != 1) return part_failure(*load_, "ended with " + ended->describe());
  return std::nullopt;
}

Error System::load_failure(const std::string& what) const {
  return load_ ? part_failure(*load_, what) : Error{"load " + what, "part"};
}

Result<Counters> System::counters() const {
  const auto page = MetricsPage::read(admin_port_);
  if (!page) return page.error();
  return read_counters(*page);
}

}  // namespace quoll::lab::demo
