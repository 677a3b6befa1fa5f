// The life of the loop, its listeners and its connections.

#include "quoll/lab/backend/server.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "impl.h"

namespace quoll::lab::backend {

namespace {

// Tags of descriptors that are no connections; connections' serials start at 1.
constexpr std::uint64_t kStopTag = 1;
constexpr std::uint64_t kListenerTag = 2;
constexpr std::uint64_t kControlTag = 3;

constexpr Duration kSweepEvery = std::chrono::seconds(1);
constexpr Duration kLinger = std::chrono::seconds(2);
constexpr Duration kTryAgain = std::chrono::milliseconds(100);
constexpr std::size_t kReadBytes = 64U << 10U;
constexpr std::size_t kSpareDescriptors = 32;
constexpr int kAcceptsATurn = 128;

}  // namespace

const char* to_string(Event::Kind kind) {
  switch (kind) {
    case Event::Kind::listening:
      return "listening";
    case Event::Kind::behaviour:
      return "behaviour";
    case Event::Kind::warning:
      return "warning";
    case Event::Kind::stopping:
      return "stopping";
    case Event::Kind::stopped:
      return "stopped";
  }
  return "unknown";
}

std::vector<std::string> Options::validate() const {
  std::vector<std::string> faults = behaviour.validate();
  if (truth < 1 || truth > 10'000'000) {
    faults.push_back(fmt::format("truth is {}; it must be between 1 and 10000000", truth));
  }
  if (keep_alive_timeout < std::chrono::seconds(1) || keep_alive_timeout > std::chrono::hours(24)) {
    faults.push_back("keep_alive_timeout is " + format_duration(keep_alive_timeout) +
                     "; it must be between 1s and 24h");
  }
  if (max_connections < 1 || max_connections > 1'000'000) {
    faults.push_back(fmt::format("max_connections is {}; it must be between 1 and 1000000", max_connections));
  }
  return faults;
}

Server::Impl::Impl(Options options_in)
    : options(std::move(options_in)),
      schedule(options.behaviour, options.script, steady_now()),
      behaviour(options.behaviour),
      rng(options.seed),
      stamps(net::read_clocks()),
      truth(options.truth),
      buffer(kReadBytes) {}

Result<void> Server::Impl::listen_main() {
  // Reopened, it must be the same port, also when any free one was asked for.
  std::string address = options.listen;
  if (port != 0) address = address.substr(0, address.rfind(':') + 1) + std::to_string(port);
  auto opened = open_listener(address);
  if (!opened) return opened.error();
  listener = std::move(*opened);
  if (port == 0) port = local_port(listener);  // once: other threads may read it from then on
  if (!epoll.add(listener.get(), EPOLLIN, kListenerTag)) return system_error("watching the listener", errno);
  return {};
}

Result<void> Server::Impl::open() {
  const std::size_t descriptors = raise_descriptor_limit();
  max_connections = std::min(options.max_connections, descriptors - std::min(descriptors - 1, kSpareDescriptors));
  auto opened = Epoll::open();
  if (!opened) return opened.error();
  epoll = std::move(*opened);
  if (stop.fd() < 0 || !epoll.add(stop.fd(), EPOLLIN, kStopTag)) return system_error("opening eventfd", errno);
  if (auto listening = listen_main(); !listening) return listening;
  if (!options.control.empty()) {
    auto control = open_listener(options.control);
    if (!control) return control.error();
    control_listener = std::move(*control);
    control_port = local_port(control_listener);
    if (!epoll.add(control_listener.get(), EPOLLIN, kControlTag)) return system_error("watching the listener", errno);
  }
  return {};
}

Result<void> Server::Impl::run() {
  // The default slack of 50 us would be added to every planned delay.
  ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  TimePoint now = steady_now();
  schedule = Schedule(options.behaviour, options.script, now);
  sweep_at = now + kSweepEvery;
  emit(Event::Kind::listening, fmt::format("port {}", port));
  apply_schedule(now);
  for (;;) {
    for (const epoll_event& event : epoll.wait(again.empty() ? next_wake(now) : now)) on_event(event);
    now = steady_now();
    fire_timers(now);
    run_queued();
    apply_schedule(now);
    if (now >= sweep_at) sweep(now);
    closed.clear();
    if (stopping && (open_connections == 0 || now >= stop_at)) break;
  }
  for (const auto& connection : connections) {
    if (connection) finish(*connection, End::stopped, std::nullopt, std::nullopt);
  }
  closed.clear();
  emit(Event::Kind::stopped, fmt::format("{} requests recorded", truth.next()));
  return {};
}

TimePoint Server::Impl::next_wake(TimePoint now) const {
  TimePoint wake = sweep_at;
  if (!timers.empty()) wake = std::min(wake, timers.top().due);
  if (const auto next = schedule.next_change(now)) wake = std::min(wake, *next);
  if (stopping) wake = std::min(wake, stop_at);
  return wake;
}

void Server::Impl::on_event(const epoll_event& event) {
  const std::uint64_t tag = event.data.u64;
  if (tag == kStopTag) return begin_stop(steady_now());
  if (tag == kListenerTag) return accept_from(listener, false);
  if (tag == kControlTag) return accept_from(control_listener, true);
  Connection* c = find(tag);
  if (c == nullptr) return;
  if ((event.events & (EPOLLERR | EPOLLHUP)) != 0 && c->state != Connection::State::reading_head) {
    return client_left(*c);
  }
  if ((event.events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP)) != 0) c->readable = true;
  if ((event.events & EPOLLRDHUP) != 0) c->peer_closed = true;
  drive(*c);
}

void Server::Impl::accept_from(Fd& from, bool control) {
  bool full = false;
  for (int i = 0; i < kAcceptsATurn && from && !full; ++i) {
    // The control port is for a few; it must answer when the main one is full.
    full = !control && open_connections >= max_connections;
    if (full) break;
    Fd fd(::accept4(from.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd) {
      add_connection(std::move(fd), control);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return;
    } else {
      full = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
    }
  }
  if (!full || control) return;
  // A listener left in epoll would keep the loop spinning. The sweep adds it again.
  if (listener) epoll.remove(listener.get());
  accepting = false;
  emit(Event::Kind::warning, fmt::format("{} connections are open; more wait", open_connections));
}

void Server::Impl::add_connection(Fd fd, bool control) {
  const auto slot = static_cast<std::size_t>(fd.get());
  if (connections.size() <= slot) connections.resize(slot + 1);
  connections[slot] = std::make_unique<Connection>();
  Connection& c = *connections[slot];
  c.fd = std::move(fd);
  c.serial = next_serial++;
  if (next_serial == 0) next_serial = 1;
  c.on_control_port = control;
  c.active_at = steady_now();
  ++open_connections;
  if (!epoll.add(c.fd.get(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, tag_of(c))) close(c, false);
}

void Server::Impl::fire_timers(TimePoint now) {
  while (!timers.empty() && timers.top().due <= now) {
    const Timer timer = timers.top();
    timers.pop();
    Connection* c = find(timer.tag);
    if (c == nullptr || c->state != Connection::State::waiting || c->due != timer.due) continue;
    due(*c);
    drive(*c);
  }
}

void Server::Impl::run_queued() {
  const std::vector<std::uint64_t> tags = std::exchange(again, {});
  for (const std::uint64_t tag : tags) {
    Connection* c = find(tag);
    if (c == nullptr) continue;
    c->queued = false;
    drive(*c);
  }
}

void Server::Impl::apply_schedule(TimePoint now) {
  const Behaviour next = schedule.at(now);
  if (!(next == behaviour)) {
    behaviour = next;
    emit(Event::Kind::behaviour, schedule.reason(now));
  }
  if (behaviour.mode == Mode::refuse) {
    if (!refusing) start_refusing();
    return;
  }
  if (!refusing || stopping || now < reopen_at) return;
  if (const auto opened = listen_main(); !opened) {
    emit(Event::Kind::warning, "cannot listen again: " + opened.error().message);
    reopen_at = now + kTryAgain;
    sweep_at = std::min(sweep_at, reopen_at);
    return;
  }
  refusing = false;
}

void Server::Impl::start_refusing() {
  refusing = true;
  reopen_at = {};
  listener.reset();  // also resets what waits in its accept queue
  for (const auto& connection : connections) {
    if (!connection || connection->on_control_port) continue;
    Connection& c = *connection;
    // The answer to the request that brought us here is still to be sent.
    const bool asked = c.request.always_answered && c.state != Connection::State::reading_head;
    if (asked) {
      c.close_after = true;
    } else {
      finish(c, End::reset, std::nullopt, std::nullopt);
    }
  }
}

void Server::Impl::sweep(TimePoint now) {
  sweep_at = now + kSweepEvery;
  for (const auto& connection : connections) {
    if (!connection) continue;
    Connection& c = *connection;
    const Duration idle = now - c.active_at;
    if (c.state == Connection::State::waiting || c.state == Connection::State::hanging) continue;
    const Duration limit = c.state == Connection::State::lingering ? kLinger : options.keep_alive_timeout;
    if (idle > limit) client_left(c);
  }
  if (!accepting && open_connections < max_connections && listener) {
    accepting = epoll.add(listener.get(), EPOLLIN, kListenerTag);
  }
}

void Server::Impl::begin_stop(TimePoint now) {
  if (stopping) return;
  stopping = true;
  stop_at = now + kDrain;
  epoll.remove(stop.fd());
  listener.reset();
  control_listener.reset();
  emit(Event::Kind::stopping, fmt::format("{} requests in progress", in_progress));
  for (const auto& connection : connections) {
    if (!connection) continue;
    Connection& c = *connection;
    c.close_after = true;
    const bool idle = c.state == Connection::State::reading_head && c.in.empty() && !c.readable;
    if (idle || c.state == Connection::State::lingering) {
      close(c, false);
    } else if (c.state == Connection::State::hanging) {
      finish(c, End::stopped, std::nullopt, std::nullopt);  // it would never be answered
    }
  }
}

Connection* Server::Impl::find(std::uint64_t tag) {
  const auto slot = static_cast<std::size_t>(tag & 0xffffffffU);
  if (slot >= connections.size() || !connections[slot]) return nullptr;
  Connection* c = connections[slot].get();
  return c->serial == tag >> 32U ? c : nullptr;
}

void Server::Impl::queue(Connection& c) {
  if (std::exchange(c.queued, true)) return;
  again.push_back(tag_of(c));
}

void Server::Impl::close(Connection& c, bool reset) {
  const auto slot = static_cast<std::size_t>(c.fd.get());
  --open_connections;
  if (reset) {
    close_with_reset(c.fd);
  } else {
    c.fd.reset();
  }
  closed.push_back(std::move(connections[slot]));
}

void Server::Impl::emit(Event::Kind kind, std::string text) {
  if (options.on_event) options.on_event({kind, steady_now(), std::move(text), behaviour});
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::open(Options options) {
  if (const auto faults = options.validate(); !faults.empty()) {
    return Error{fmt::format("{}", fmt::join(faults, "\n")), "bad_options"};
  }
  auto impl = std::make_unique<Impl>(std::move(options));
  if (auto opened = impl->open(); !opened) return opened.error();
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

std::uint16_t Server::port() const {
  return impl_->port;
}
std::uint16_t Server::control_port() const {
  return impl_->control_port;
}
Result<void> Server::run() {
  return impl_->run();
}
StopSignal& Server::stop_signal() {
  return impl_->stop;
}

void Server::stop() {
  impl_->stop.request();
}

}  // namespace quoll::lab::backend
