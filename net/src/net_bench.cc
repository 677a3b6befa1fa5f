// What net costs: the clocks, the conversion of a stamp, a deadline among many, and a message there and back with
// stamps and without. The last two belong together: compare them within one run, alternating.
//
// Run: build/release/net/quoll_net_bench --benchmark_enable_random_interleaving --benchmark_repetitions=5
#include <benchmark/benchmark.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <list>
#include <memory>
#include <utility>

#include "quoll/base/assert.h"
#include "quoll/base/fd.h"
#include "quoll/net/connect.h"
#include "quoll/net/listener.h"

namespace quoll::net {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

void read_both_clocks(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(read_clocks());
}
BENCHMARK(read_both_clocks);

void convert_stamp(benchmark::State& state) {
  ClockReading now = read_clocks();
  StampClock clock(now);
  const bool after_a_step = state.range(0) != 0;
  if (after_a_step) {
    now.wall += hours(1);
    clock.observe(now);
  }
  const WallTime stamp = now.wall - milliseconds(5);
  const TimePoint earliest = now.steady - milliseconds(10);
  for ([[maybe_unused]] auto _ : state) {
    clock.observe(now);
    benchmark::DoNotOptimize(clock.convert(stamp, earliest));
  }
}
BENCHMARK(convert_stamp)->Arg(0)->Arg(1)->ArgName("after_a_step");

// As a proxy does it: each request's deadline is a little later than the last one's, and is cleared when it is
// answered.
void set_and_clear_deadline(benchmark::State& state) {
  asio::io_context context{1};
  DeadlineQueue queue(context.get_executor());
  const auto nothing = [](void*) {};
  std::list<Deadline> pending;
  TimePoint at = steady_now() + hours(1);
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    pending.emplace_back(nothing, nullptr);
    queue.set(pending.back(), at += microseconds(10));
  }
  Deadline one(nothing, nullptr);
  for ([[maybe_unused]] auto _ : state) {
    queue.set(one, at += Duration(100));
    one.clear();
  }
}
BENCHMARK(set_and_clear_deadline)->Arg(0)->Arg(10'000)->ArgName("pending");

// One message there and back between two sockets of one loop.
class PingPong {
 public:
  explicit PingPong(bool stamps) {
    auto listener = Listener::open(loop_, {asio::ip::address_v4::loopback(), 0}).value();
    spawn(loop_.executor, listener->run([this, &listener](TcpSocket socket) {
      server_ = std::make_unique<StampedSocket>(loop_, std::move(socket));
      listener->close();
    }));
    spawn(loop_.executor, open(listener->local_endpoint()));
    context_.run();
    if (!stamps) {
      for (const auto* socket : {&client_, &server_}) {
        const int off = 0;
        ::setsockopt((*socket)->native_handle(), SOL_SOCKET, SO_TIMESTAMPNS, &off, sizeof off);
      }
    }
  }
  void run(benchmark::State& state) {
    spawn(loop_.executor, answer());
    spawn(loop_.executor, ask(state));
    context_.restart();
    context_.run();
    state.counters["stamped"] =
        static_cast<double>(loop_.counters.stamped_reads.value()) / static_cast<double>(2 * state.iterations());
  }

 private:
  Task<void> open(TcpEndpoint to) { client_ = (co_await connect(loop_, to, kNever)).socket; }

  static void send(StampedSocket& socket, std::array<char, 64>& bytes) {
    iovec piece{bytes.data(), bytes.size()};
    std::span<iovec> pieces(&piece, 1);
    QUOLL_ASSERT(socket.write_now(pieces).status == IoStatus::ok);
  }
  Task<void> ask(benchmark::State& state) {
    std::array<char, 64> message{};
    std::array<char, 4096> into;
    for ([[maybe_unused]] auto _ : state) {
      send(*client_, message);
      const ReadResult got = co_await client_->read(into, steady_now() + seconds(5), true);
      QUOLL_ASSERT(got.status == IoStatus::ok);
    }
    client_->close();
  }
  Task<void> answer() {
    std::array<char, 64> message{};
    std::array<char, 4096> into;
    for (;;) {
      const ReadResult got = co_await server_->read(into, steady_now() + seconds(5), true);
      if (got.status != IoStatus::ok) break;
      send(*server_, message);
    }
    server_->close();
  }

  asio::io_context context_{1};
  Loop loop_{context_.get_executor()};
  std::unique_ptr<StampedSocket> client_;
  std::unique_ptr<StampedSocket> server_;
};

void ping_pong(benchmark::State& state) {
  PingPong pair(state.range(0) != 0);
  pair.run(state);
}
BENCHMARK(ping_pong)->Arg(1)->Arg(0)->ArgName("stamps")->MinTime(1.0);

// What a wait costs to be sure that no edge is missed, beside what it costs to re-arm the descriptor instead.
void peek_at_an_empty_socket(benchmark::State& state) {
  asio::io_context context{1};
  Loop loop(context.get_executor());
  auto listener = Listener::open(loop, {asio::ip::address_v4::loopback(), 0}).value();
  std::unique_ptr<StampedSocket> socket;
  const auto open = [](Loop& on, TcpEndpoint to, std::unique_ptr<StampedSocket>& out) -> Task<void> {
    out = (co_await connect(on, to, kNever)).socket;
  };
  spawn(loop.executor, open(loop, listener->local_endpoint(), socket));
  context.run();
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(socket->peek());
}
BENCHMARK(peek_at_an_empty_socket);

void rearm_with_epoll_ctl(benchmark::State& state) {
  const Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  epoll_event event{};
  event.events = EPOLLIN | EPOLLERR | EPOLLHUP | EPOLLPRI | EPOLLET;
  QUOLL_ASSERT(::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd.get(), &event) == 0);
  for ([[maybe_unused]] auto _ : state)
    benchmark::DoNotOptimize(::epoll_ctl(epoll.get(), EPOLL_CTL_MOD, fd.get(), &event));
}
BENCHMARK(rearm_with_epoll_ctl);

}  // namespace
}  // namespace quoll::net
