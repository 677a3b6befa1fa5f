#include "quoll/proxy/proxy.h"

#include <fmt/format.h>

#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <mutex>

#include "own_health.h"
#include "quoll/base/rng.h"
#include "quoll/net/listener.h"
#include "quoll/proxy/admin/admin.h"
#include "quoll/proxy/admin/pages.h"
#include "quoll/proxy/data/connection.h"
#include "quoll/proxy/data/session.h"
#include "quoll/telemetry/process.h"

namespace quoll::proxy {
namespace {

using Timer = boost::asio::steady_timer::rebind_executor<net::Executor>::other;

// Lags below this are the ordinary grain of a scheduler and no evidence of anything.
constexpr Duration kStallWorthNoting = std::chrono::milliseconds(10);

// Label sets in one family of metrics: each route has its own, with several events or statuses each.
std::size_t most_children(const ProxyOptions& options) {
  constexpr std::size_t kOfARoute = 16;
  return std::max<std::size_t>(telemetry::RegistryOptions{}.max_children, kOfARoute * (options.routes.size() + 1));
}

}  // namespace

struct Proxy::Impl {
  Impl(const ProxyOptions& o, std::uint64_t seed, std::span<const net::TcpEndpoint> upstreams)
      : options(o),
        registry({.max_children = most_children(o)}),
        log({.level = o.log_level}),
        metrics(registry),
        admission(options, registry),
        routes(options, upstreams, seed, registry, log),
        workers(o.workers),
        health(workers, registry),
        admin_worker(o.workers),
        monitor(workers, [this](unsigned worker, Duration lag, TimePoint now) { note_lag(worker, lag, now); }),
        pages(options, routes, metrics, workers, monitor, admission, admin_worker.executor()),
        sampler(options, routes, metrics, workers, monitor, hub),
        admin(admin_worker, pages, hub, sampler),
        shared{options, routes, metrics, admission, log, pages, connections} {}

  Result<void> open();
  void register_metrics();
  void note_lag(unsigned worker, Duration lag, TimePoint now);
  void accept(WorkerState& state, net::TcpSocket socket);
  net::Task<void> housekeeping();
  net::Task<void> watch();
  net::Task<void> reap(WorkerState& state);
  bool drain();

  const ProxyOptions options;
  telemetry::Registry registry;
  telemetry::Log log;
  Metrics metrics;
  AdmissionGate admission;
  Routes routes;
  EventHub hub;  // outlives the worker that its readers are suspended on
  net::Workers workers;
  OwnHealth health;
  net::Worker admin_worker;
  net::LoopMonitor monitor;
  Pages pages;
  std::atomic<std::size_t> connections{0};
  Sampler sampler;
  AdminServer admin;
  Shared shared;
  std::vector<std::unique_ptr<WorkerState>> states;
  std::vector<std::unique_ptr<net::Listener>> listeners;
  std::unique_ptr<net::Listener> admin_listener;
  bool started = false;
  bool stopped = false;
};

Result<void> Proxy::Impl::open() {
  auto at = net::parse_listen_address(options.listen);
  if (!at) return at.error();
  auto admin_at = net::parse_listen_address(options.admin);
  if (!admin_at) return admin_at.error();
  if (auto free = net::check_free(*at); !free) return free.error();
  for (std::size_t i = 0; i < workers.size(); ++i) {
    workers[i].loop().want_stamps = options.stamps;
    states.push_back(std::make_unique<WorkerState>(workers[i], shared));
    auto listener = net::Listener::open(workers[i].loop(), *at);
    if (!listener) return listener.error();
    *at = (*listener)->local_endpoint();  // port 0: the others listen where the first one was put
    listeners.push_back(std::move(*listener));
  }
  // Only now: the port may not be the clients' either.
  if (auto free = net::check_free(*admin_at); !free) return free.error();
  auto listener = net::Listener::open(admin_worker.loop(), *admin_at);
  if (!listener) return listener.error();
  admin_listener = std::move(*listener);
  return {};
}

void Proxy::Impl::register_metrics() {
  telemetry::register_process_metrics(registry);
  telemetry::register_build_info(registry, "0.1.0");
  telemetry::register_log_metrics(registry, log);
  registry.gauge_fn("quoll_request_duration_max_seconds",
                    "The longest time from a request's arrival to its answer in the last 15 s.", {}, [this] {
                      Duration longest{};
                      for (const auto& served : registry.histograms("http_server_request_duration_seconds")) {
                        longest = std::max(longest, served.histogram->recent_max());
                      }
                      return to_seconds(longest);
                    });
  registry.gauge_fn("quoll_queue_delay_max_seconds",
                    "The longest time a client's request waited to be read in the last 15 s.", {},
                    [this] { return to_seconds(metrics.queue_delay.recent_max()); });
  registry.gauge_fn("quoll_event_readers", "Readers of the admin port's event stream (live pages).", {},
                    [this] { return static_cast<double>(hub.readers()); });
  registry.counter_fn("quoll_event_readers_dropped_total", "Readers of the event stream cut off as too slow.", {},
                      [this] { return static_cast<double>(hub.dropped()); });
}

void Proxy::Impl::note_lag(unsigned worker, Duration lag, TimePoint now) {
  health.note_lag(worker, lag);
  if (lag < kStallWorthNoting) return;
  for (std::size_t i = 0; i < routes.size(); ++i) routes[i].circuit.breaker().note_local_stall(lag, now);
}

void Proxy::Impl::accept(WorkerState& state, net::TcpSocket socket) {
  if (connections.fetch_add(1, std::memory_order_relaxed) >= options.max_connections) {
    connections.fetch_sub(1, std::memory_order_relaxed);
    metrics.connections_refused.add(1, state.shard);
    return state.turn_away(state.worker.loop(), std::move(socket));
  }
  metrics.connections_accepted.add(1, state.shard);
  net::spawn(state.worker.executor(), Connection::serve(state, std::move(socket)));
}

// Once a second, on the admin's thread.
net::Task<void> Proxy::Impl::housekeeping() {
  Timer timer(admin_worker.executor());
  for (;;) {
    timer.expires_after(std::chrono::seconds(1));
    const auto [error] = co_await timer.async_wait(net::kAwait);
    if (error) co_return;
    for (std::size_t i = 0; i < routes.size(); ++i) routes[i].circuit.poll(steady_now());
    registry.rotate_maxima();
    health.sample();
    log.report_suppressed(wall_now());
    sampler.sample(steady_now(), wall_now());
  }
}

// Ten times a second, on the admin's thread: a change of state reaches the live page at once.
net::Task<void> Proxy::Impl::watch() {
  Timer timer(admin_worker.executor());
  for (;;) {
    timer.expires_after(std::chrono::milliseconds(100));
    const auto [error] = co_await timer.async_wait(net::kAwait);
    if (error) co_return;
    const bool shedding = admission.shedding();
    for (std::size_t i = 0; i < routes.size(); ++i) routes[i].circuit.follow_shedding(shedding);
    sampler.watch(steady_now(), wall_now());
  }
}

net::Task<void> Proxy::Impl::reap(WorkerState& state) {
  Timer timer(state.worker.executor());
  for (;;) {
    timer.expires_after(std::chrono::seconds(1));
    const auto [error] = co_await timer.async_wait(net::kAwait);
    if (error) co_return;
    for (UpstreamPool& pool : state.pools) pool.reap(steady_now());
    for (OpenConnection& connection : state.open) connection.look();
  }
}

// Waits until no worker has a connection left, up to options.drain.
bool Proxy::Impl::drain() {
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t open = 0;
  for (std::size_t i = 0; i < workers.size(); ++i) {
    workers[i].post([this, i] {
      WorkerState& state = *states[i];
      state.draining = true;
      listeners[i]->close();
      for (OpenConnection& connection : state.open) connection.drain();
    });
  }
  const TimePoint end = steady_now() + options.drain;
  do {
    std::size_t answers = 0;
    open = 0;
    for (std::size_t i = 0; i < workers.size(); ++i) {
      workers[i].post([&, i] {
        const std::lock_guard lock(mutex);
        open += states[i]->open.size();
        ++answers;
        changed.notify_all();
      });
    }
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return answers == workers.size(); });
    if (open == 0) break;
    changed.wait_for(lock, std::chrono::milliseconds(20));
  } while (steady_now() < end);
  return open == 0;
}

Result<std::unique_ptr<Proxy>> Proxy::create(const ProxyOptions& options, std::uint64_t seed) {
  if (const auto faults = options.validate(); !faults.empty()) {
    return Error{fmt::format("{}", fmt::join(faults, "\n")), "options"};
  }
  const auto upstreams = resolve_upstreams(options);
  if (!upstreams) return upstreams.error();
  const auto at = net::parse_listen_address(options.listen);
  if (!at) return at.error();
  ProxyOptions decided = options;
  if (options.pages == PagesKind::by_listener) {
    decided.pages = at->address().is_loopback() ? PagesKind::on : PagesKind::off;
  }
  auto impl = std::make_unique<Impl>(decided, seed, *upstreams);
  if (auto loaded = impl->routes.load_fallbacks(); !loaded) return loaded.error();
  if (auto opened = impl->open(); !opened) return opened.error();
  impl->register_metrics();
  return std::unique_ptr<Proxy>(new Proxy(std::move(impl)));
}

Proxy::Proxy(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Proxy::~Proxy() {
  stop();
}

void Proxy::start() {
  Impl& p = *impl_;
  QUOLL_ASSERT(!p.started);
  p.started = true;
  for (std::size_t i = 0; i < p.workers.size(); ++i) {
    WorkerState& state = *p.states[i];
    net::spawn(state.worker.executor(),
               p.listeners[i]->run([&p, &state](net::TcpSocket socket) { p.accept(state, std::move(socket)); }));
    net::spawn(state.worker.executor(), p.reap(state));
  }
  net::spawn(p.admin_worker.executor(), p.admin_listener->run([&p](net::TcpSocket socket) {
    net::spawn(p.admin_worker.executor(), p.admin.serve(std::move(socket)));
  }));
  net::spawn(p.admin_worker.executor(), p.housekeeping());
  net::spawn(p.admin_worker.executor(), p.watch());
  p.admin_worker.start();
  p.workers.start();
  p.monitor.start();
  p.log.info("proxy_started", {{"listen", net::to_string(listen_endpoint())},
                               {"admin", net::to_string(admin_endpoint())},
                               {"upstream", p.options.upstream},
                               {"workers", p.options.workers},
                               {"verdict", to_string(p.options.verdict)},
                               {"admission", p.options.admission},
                               {"stamps", p.listeners.front()->stamps()}});
}

bool Proxy::stop() {
  Impl& p = *impl_;
  if (!p.started || p.stopped) return true;
  p.stopped = true;
  p.log.info("proxy_draining", {{"drain_seconds", p.options.drain}});
  const bool drained = p.drain();
  p.monitor.stop();
  p.workers.stop();
  p.workers.join();
  p.admin_worker.stop();
  p.admin_worker.join();
  // What did not end in time: its Tasks refer to the workers' states, which go before the workers do.
  for (std::size_t i = 0; i < p.workers.size(); ++i) p.workers[i].destroy_tasks();
  p.admin_worker.destroy_tasks();
  p.log.info("proxy_stopped", {{"drained", drained}});
  return drained;
}

telemetry::Log& Proxy::log() {
  return impl_->log;
}

net::TcpEndpoint Proxy::listen_endpoint() const {
  return impl_->listeners.front()->local_endpoint();
}

net::TcpEndpoint Proxy::admin_endpoint() const {
  return impl_->admin_listener->local_endpoint();
}

}  // namespace quoll::proxy
