// run() against scripted servers: what is counted, and as what.
#include "quoll/lab/loadgen/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "quoll/base/mutex.h"
#include "quoll/testing/scripted_server.h"

namespace quoll::lab::loadgen {
namespace {

using testing::always;
using testing::ScriptedServer;
using testing::Wire;

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

// Sends some bytes after one request, then closes.
ScriptedServer::Script once_then_close(std::string_view bytes) {
  return [bytes](Wire& peer, int) {
    if (peer.read_request().whole) peer.send(bytes);
  };
}

Options to(const ScriptedServer& server, std::uint64_t requests, std::size_t connections = 1) {
  Options options;
  options.url = server.url();
  options.requests = requests;
  options.connections = connections;
  return options;
}

Report run_ok(const Options& options, const Hooks& hooks = {}) {
  const StopSignal never;
  auto report = run(options, hooks, never);
  EXPECT_TRUE(report) << (report ? "" : report.error().message);
  return report ? std::move(report).value() : Report{};
}

std::uint64_t errors(const Report& report, ErrorKind kind) {
  return report.stats.errors[static_cast<std::size_t>(kind)];
}

TEST(Run, MakesExactlyAsManyRequestsAsAsked) {
  ScriptedServer server(always(std::string(kOk)));
  Options options = to(server, 1003, 7);
  options.threads = 2;
  const Report report = run_ok(options);
  EXPECT_EQ(report.stats.responses(), 1003U);
  EXPECT_EQ(report.stats.status[200], 1003U);
  EXPECT_EQ(report.stats.error_count(), 0U);
  EXPECT_EQ(report.stats.bytes_received, 1003 * kOk.size());
  EXPECT_EQ(report.stats.connections_opened, 7U);
  EXPECT_EQ(server.connections(), 7);
}

TEST(Run, CountsStatusesAndFallbacks) {
  ScriptedServer server([](Wire& peer, int) {
    for (const std::string_view answer :
         {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
          "HTTP/1.1 200 OK\r\nQuoll-Fallback: open\r\nContent-Length: 0\r\n\r\n",
          "HTTP/1.1 200 OK\r\nquoll-fallback: timeout\r\nContent-Length: 0\r\n\r\n"}) {
      if (!peer.read_request().whole || !peer.send(answer)) return;
    }
  });
  const Report report = run_ok(to(server, 4));
  EXPECT_EQ(report.stats.status[200], 3U);
  EXPECT_EQ(report.stats.status[500], 1U);
  EXPECT_EQ(report.stats.succeeded(), 3U);
  EXPECT_THAT(report.stats.fallback, ::testing::ElementsAre(2, 1, 1, 0, 0));
}

TEST(Run, ReadsEveryFramingOfABody) {
  const std::vector<std::string> answers{
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
      "HTTP/1.1 204 No Content\r\n\r\n",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
      "HTTP/1.0 200 OK\r\n\r\nuntil the close",
  };
  for (const std::string& answer : answers) {
    ScriptedServer server([&answer](Wire& peer, int) {
      if (peer.read_request().whole) peer.send(answer);
    });
    const Report report = run_ok(to(server, 1));
    EXPECT_EQ(report.stats.succeeded(), 1U) << answer;
    EXPECT_EQ(report.stats.error_count(), 0U) << answer;
  }
}

TEST(Run, AnAnswerMayComeByteByByte) {
  ScriptedServer server([](Wire& peer, int) {
    if (!peer.read_request().whole) return;
    for (const char c : kOk) peer.send({&c, 1});
    peer.read_to_end();
  });
  EXPECT_EQ(run_ok(to(server, 1)).stats.succeeded(), 1U);
}

TEST(Run, AHeadAnswerHasNoBodyWhateverItsLengthSays) {
  ScriptedServer server(always("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"));
  Options options = to(server, 5);
  options.method = "HEAD";
  EXPECT_EQ(run_ok(options).stats.succeeded(), 5U);
}

TEST(Run, ALargeBodyIsSentWhole) {
  constexpr std::size_t kSize = 8U << 20U;
  ScriptedServer server([](Wire& peer, int) {
    while (!peer.read_head().head.empty() && peer.read_exactly(kSize).size() == kSize && peer.send(kOk)) {
    }
  });
  Options options = to(server, 2);
  options.method = "POST";
  options.body.assign(kSize, 'x');
  EXPECT_EQ(run_ok(options).stats.succeeded(), 2U);
}

TEST(Run, ReconnectsWhenTheServerEndsTheConnectionAfterAnAnswer) {
  ScriptedServer server(once_then_close("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"));
  const Report report = run_ok(to(server, 20, 2));
  EXPECT_EQ(report.stats.succeeded(), 20U);
  EXPECT_EQ(report.stats.error_count(), 0U);
  EXPECT_EQ(report.stats.connections_opened, 20U);
}

TEST(Run, WithoutKeepAliveEachRequestHasItsConnection) {
  ScriptedServer server(always(std::string(kOk)));
  Options options = to(server, 20, 2);
  options.keep_alive = false;
  const Report report = run_ok(options);
  EXPECT_EQ(report.stats.succeeded(), 20U);
  EXPECT_EQ(server.connections(), 20);
}

TEST(Run, ARefusedConnectionIsAConnectError) {
  Options options;
  {
    ScriptedServer gone(always(std::string(kOk)));
    options = to(gone, 4, 2);
  }
  const Report report = run_ok(options);
  EXPECT_EQ(errors(report, ErrorKind::connect), 4U);
  EXPECT_EQ(report.stats.requests(), 4U);
  EXPECT_THAT(report.error_examples[0], ::testing::HasSubstr("refused"));
}

TEST(Run, AResetIsAResetErrorBeforeAndInsideAnAnswer) {
  for (const std::string_view begun : {"", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nxx"}) {
    ScriptedServer server([begun](Wire& peer, int) {
      if (!peer.read_request().whole) return;
      peer.send(begun);
      peer.reset();
    });
    const Report report = run_ok(to(server, 3));
    EXPECT_EQ(errors(report, ErrorKind::reset), 3U) << begun;
    EXPECT_EQ(report.stats.requests(), 3U);
  }
}

TEST(Run, ACloseBeforeTheWholeAnswerIsAClosedError) {
  for (const std::string_view begun :
       {"", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nxx",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"}) {
    ScriptedServer server(once_then_close(begun));
    const Report report = run_ok(to(server, 3));
    EXPECT_EQ(errors(report, ErrorKind::closed), 3U) << begun;
    EXPECT_EQ(report.stats.requests(), 3U);
  }
}

TEST(Run, GarbageIsAProtocolError) {
  for (const std::string_view garbage :
       {"this is not HTTP\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    ScriptedServer server(once_then_close(garbage));
    const Report report = run_ok(to(server, 3));
    EXPECT_EQ(errors(report, ErrorKind::protocol), 3U) << garbage;
    EXPECT_EQ(report.stats.requests(), 3U);
  }
}

TEST(Run, AHangIsATimeoutAndTheConnectionIsReplaced) {
  ScriptedServer server([](Wire& peer, int nth) {
    if (nth == 0) {
      peer.read_to_end();
    } else {
      always(std::string(kOk))(peer, nth);
    }
  });
  Options options = to(server, 3);
  options.timeout = milliseconds(50);
  const Report report = run_ok(options);
  EXPECT_EQ(errors(report, ErrorKind::timeout), 1U);
  EXPECT_EQ(report.stats.succeeded(), 2U);
}

TEST(Run, BytesBehindAnAnswerAreNotTakenForTheNext) {
  ScriptedServer server(always("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 500 No\r\n\r\n"));
  const Report report = run_ok(to(server, 5));
  EXPECT_EQ(report.stats.status[200], 5U);
  EXPECT_EQ(report.stats.requests(), 5U);
}

TEST(Run, TicksAddUpToTheReport) {
  ScriptedServer server(always(std::string(kOk)));
  Options options = to(server, 0, 3);
  options.requests.reset();
  options.duration = milliseconds(1200);
  options.rate = 200;
  std::uint64_t requests = 0;
  Duration covered{};
  const Report report = run_ok(options, {.on_tick = [&](const Tick& tick) {
                                 requests += tick.stats.requests();
                                 covered += tick.length;
                                 EXPECT_EQ(covered, tick.end);
                               }});
  EXPECT_EQ(requests, report.stats.requests());
  EXPECT_EQ(requests, 240U);
}

TEST(Run, WarmUpIsMadeAndNotCounted) {
  ScriptedServer server(always(std::string(kOk)));
  Options options = to(server, 10, 1);
  options.warm_up = milliseconds(50);
  const Report report = run_ok(options);
  EXPECT_EQ(report.stats.requests(), 10U);
  EXPECT_GT(report.warm_up_requests, 0U);
}

TEST(Run, EachRequestCarriesItsOwnId) {
  Mutex mutex;
  std::set<std::string> ids;
  ScriptedServer server([&](Wire& peer, int) {
    for (std::string head = peer.read_head().head; !head.empty(); head = peer.read_head().head) {
      const std::size_t at = head.find("X-Request-Id: ");
      {
        const MutexLock lock(mutex);
        if (at != std::string::npos) ids.insert(head.substr(at + 14, head.find("\r\n", at) - at - 14));
      }
      if (!peer.send(kOk)) return;
    }
  });
  Options options = to(server, 100, 4);
  options.threads = 2;
  options.header_id = "X-Request-Id";
  options.id_prefix = "p";
  run_ok(options);
  const MutexLock lock(mutex);
  EXPECT_EQ(ids.size(), 100U);
  EXPECT_TRUE(ids.count("p-000001") == 1 && ids.count("p-000002") == 1);
}

TEST(Run, IdleConnectionsStayOpenUntilStopped) {
  ScriptedServer server(always(std::string(kOk)));
  Options options = to(server, 0, 1);
  options.requests.reset();
  options.idle = 100;
  options.threads = 2;
  StopSignal stop;
  std::size_t open = 0;
  const auto report = run(options,
                          {.on_idle =
                               [&](std::size_t count) {
                                 open = count;
                                 stop.request();
                               }},
                          stop);
  ASSERT_TRUE(report);
  EXPECT_EQ(open, 100U);
  EXPECT_EQ(report->idle_open, 100U);
  EXPECT_EQ(server.connections(), 100);
  EXPECT_EQ(report->stats.succeeded(), 100U);
}

TEST(Run, BadOptionsAreAnErrorThatListsThemAll) {
  Options options;
  options.url = "ftp://example.org/";
  options.connections = 0;
  const StopSignal never;
  const auto report = run(options, {}, never);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, "bad_options");
  EXPECT_THAT(report.error().message, ::testing::HasSubstr("only http"));
  EXPECT_THAT(report.error().message, ::testing::HasSubstr("connections is 0"));
}

}  // namespace
}  // namespace quoll::lab::loadgen
