// A breaker around an Asio coroutine that asks over HTTP, with Beast for the protocol and the verdict by arrival: the
// kernel says when the answer came, so that an answer in time counts as one although our own thread was busy.
//
// Prints:
//   /now: good
//   /never: no answer: ended in timeout after 1 attempt
//   /now, while our thread is busy past the deadline: good
//   2 successes, 1 of them rescued; 1 timeout
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <cstdio>
#include <sstream>
#include <thread>

#include "quoll/core/coroutine.h"
#include "quoll/core/judge.h"
#include "quoll/net/asio_env.h"
#include "quoll/net/connect.h"
#include "quoll/net/worker.h"
#include "tiny_server.h"

using namespace quoll;
namespace http = boost::beast::http;

// One request. `busy`: something else keeps this thread for so long after the request left.
net::Task<core::Reply<std::string>> get(net::Loop& loop, net::TcpEndpoint to, std::string path, Duration limit,
                                        Duration busy) {
  const net::ConnectResult made = co_await net::connect(loop, to, steady_now() + limit);
  core::Reply<std::string> reply{.sample = {.outcome = core::Outcome::failure}, .info = {.never_sent = true}};
  if (!made.socket) co_return reply;
  net::StampedSocket& socket = *made.socket;
  http::request<http::empty_body> request(http::verb::get, path, 11);
  request.set(http::field::host, "localhost");
  std::ostringstream text;
  text << request;
  std::string bytes = text.str();
  iovec piece{bytes.data(), bytes.size()};
  const net::WriteResult written = co_await socket.write({&piece, 1}, steady_now() + limit);

  core::Attempt attempt{.sent_at = written.sent_at, .deadline = written.sent_at + limit};
  socket.set_earliest_arrival(written.sent_at);
  std::this_thread::sleep_for(busy);

  http::response_parser<http::string_body> parser;
  parser.eager(true);
  boost::beast::flat_buffer buffer;
  boost::system::error_code error;
  while (!parser.is_done() && !error) {
    const auto room = buffer.prepare(4096);
    const net::ReadResult read = co_await socket.read({static_cast<char*>(room.data()), room.size()}, attempt.deadline);
    if (read.status != net::IoStatus::ok) break;
    attempt.arrived_at = read.arrived_at;
    attempt.stamped = read.stamped;
    buffer.commit(read.bytes);
    buffer.consume(parser.put(buffer.data(), error));
    if (error == http::error::need_more) error = {};
  }
  if (parser.is_done()) attempt.answer = parser.get().result_int() < 500 ? core::Answer::good : core::Answer::bad;
  if (error) attempt.answer = core::Answer::bad;
  attempt.judged_at = steady_now();
  const core::Judgement judgement = judge(attempt);
  reply = {.sample = to_sample(judgement)};
  if (judgement.verdict == core::Verdict::success) reply.value = parser.get().body();
  co_return reply;
}

net::Task<void> ask(net::Worker& worker, net::TcpEndpoint to, core::Breaker& breaker) {
  using namespace std::chrono_literals;
  const core::Pipeline pipeline{.breaker = &breaker, .fixed_timeout = 100ms};
  const core::Fallback<std::string> none;
  const net::AsioEnv env(worker.executor());
  struct Case {
    const char* path;
    Duration busy;
  };
  for (const Case each : {Case{"/now", 0ms}, Case{"/never", 0ms}, Case{"/now", 150ms}}) {
    const auto call = [&](Duration limit) { return get(worker.loop(), to, each.path, limit, each.busy); };
    const auto called = co_await core::co_run<net::Task>(pipeline, {}, none, call, env);
    std::printf("%s%s: %s\n", each.path, each.busy > 0ms ? ", while our thread is busy past the deadline" : "",
                called ? called.value->c_str() : ("no answer: " + explain(called.error)).c_str());
  }
  worker.finish();
}

int main() {
  TinyServer server;
  core::Breaker breaker = core::Breaker::create({}, random_seed()).value();
  net::Worker worker(0);
  net::spawn(worker.executor(), ask(worker, server.endpoint(), breaker));
  worker.start();
  worker.join();
  const core::WindowCounts counts = breaker.snapshot(steady_now()).counts;
  std::printf("%u successes, %u of them rescued; %u timeout\n", counts.success, counts.rescued, counts.timeout);
}
