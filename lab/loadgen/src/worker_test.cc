// What the loop does when it is late itself.
#include "worker.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/epoll.h>

#include <csignal>
#include <thread>

#include "quoll/testing/scripted_server.h"
#include "quoll/testing/wait.h"

namespace quoll::lab::loadgen {
namespace {

using testing::ScriptedServer;
using testing::Wire;

using std::chrono::milliseconds;

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

// Holds up the thread that it is sent to for 300 ms, as a loop is by a descheduled process.
extern "C" void stall(int) {
  testing::spend(milliseconds(300));
}

TEST(Worker, AnAnswerThatCameWhileTheLoopWasStalledPastTheDeadlineIsNotATimeout) {
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = stall;
  sigaction(SIGUSR1, &action, &before);

  std::atomic<pthread_t> loop{};
  ScriptedServer server([&](Wire& peer, int) {
    if (!peer.read_request().whole) return;
    pthread_kill(loop.load(), SIGUSR1);
    peer.send(kOk);
    peer.read_to_end();
  });
  Options options;
  options.url = server.url();
  options.connections = 1;
  options.requests = 1;
  options.timeout = milliseconds(100);
  const auto target = parse_target(options.url);
  const auto address = resolve(*target, false);
  ASSERT_TRUE(address);
  const RequestTemplate request(options, *target);
  const StopSignal never;
  Mailbox mailbox;
  const TimePoint start = steady_now();
  const Plan plan{options, request, *address, never, mailbox, start, start, TimePoint::max()};
  Worker worker(plan, 0, Fd(epoll_create1(EPOLL_CLOEXEC)));
  std::thread thread([&] {
    loop = pthread_self();
    worker.run();
  });
  thread.join();
  sigaction(SIGUSR1, &before, nullptr);

  std::uint64_t answers = 0;
  std::uint64_t errors = 0;
  for (const Batch& batch : mailbox.take()) {
    answers += batch.counted.responses();
    errors += batch.counted.error_count();
  }
  EXPECT_EQ(answers, 1U);
  EXPECT_EQ(errors, 0U);
}

}  // namespace
}  // namespace quoll::lab::loadgen
