// A user of quoll::net, quoll::http and quoll::telemetry: a request over a stamped socket, counted.
#include <array>
#include <cstdio>
#include <memory>
#include <string>

#include "quoll/http/head.h"
#include "quoll/net/connect.h"
#include "quoll/net/listener.h"
#include "quoll/net/worker.h"
#include "quoll/telemetry/registry.h"

using namespace quoll;

namespace {

constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: here\r\n\r\n";

net::Task<void> send(net::Worker& worker, net::TcpEndpoint to) {
  net::ConnectResult made = co_await net::connect(worker.loop(), to, steady_now() + std::chrono::seconds(5));
  QUOLL_ASSERT(made.socket != nullptr);
  std::string text(kRequest);
  iovec piece{text.data(), text.size()};
  (void)co_await made.socket->write({&piece, 1}, net::kNever);
  made.socket->shutdown_send();
}

net::Task<void> answer(net::Worker& worker, net::TcpSocket accepted, telemetry::Counter& requests) {
  net::StampedSocket socket(worker.loop(), std::move(accepted));
  std::array<char, 512> room{};
  const net::ReadResult read = co_await socket.read(room, steady_now() + std::chrono::seconds(5));
  http::HeadScan scan;
  http::RequestHead head;
  if (http::parse_request({room.data(), read.bytes}, {}, scan, head).complete()) requests.add();
  worker.stop();
}

}  // namespace

int main() {
  telemetry::Registry registry;
  telemetry::Counter& requests = registry.counter("requests_total", "Requests.", {});
  net::Worker worker(0);
  auto listener = net::Listener::open(worker.loop(), net::parse_listen_address("127.0.0.1:0").value());
  QUOLL_ASSERT(listener.has_value());
  net::spawn(worker.executor(), (*listener)->run([&](net::TcpSocket accepted) {
    net::spawn(worker.executor(), answer(worker, std::move(accepted), requests));
  }));
  net::spawn(worker.executor(), send(worker, (*listener)->local_endpoint()));
  worker.start();
  worker.join();
  worker.destroy_tasks();
  std::printf("%llu request\n", static_cast<unsigned long long>(requests.value()));
  return 0;
}
