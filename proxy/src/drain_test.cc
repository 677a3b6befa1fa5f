// Starting and stopping: what is under way ends well, what is idle is closed, and what cannot be had is said.
#include "testbed.h"

namespace quoll::proxy::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Sets `begun` once the proxy has begun to drain: it closes idle connections first of all.
class DrainWatch {
 public:
  DrainWatch(const Testbed& bed, std::atomic<bool>& begun)
      : thread_([idle = std::make_shared<Wire>(bed.client()), &begun] {
          idle->read_to_end();
          begun = true;
        }) {}
  ~DrainWatch() { thread_.join(); }
  DrainWatch(const DrainWatch&) = delete;
  DrainWatch& operator=(const DrainWatch&) = delete;

 private:
  std::thread thread_;
};

TEST(Drain, RequestsUnderWayAreFinishedAndIdleConnectionsClosed) {
  std::atomic<bool> draining{false};
  Testbed bed(
      [&](Wire& wire, int) {
        if (!wire.read_request().whole) return;
        eventually([&] { return draining.load(); });
        wire.send(answer(200, "done"));
        wire.read_to_end();
      },
      [](ProxyOptions& o) { o.workers = 2; });
  const DrainWatch watch(bed, draining);
  std::vector<Wire> busy;
  std::vector<Wire> idle;
  for (int i = 0; i < 20; ++i) {
    idle.push_back(bed.client());
    if (i % 2 == 0) {
      EXPECT_EQ(idle.back().ask(get("/health")).status(), 200);
    }
    busy.push_back(bed.client());
    ASSERT_TRUE(busy.back().send(get()));
  }
  EXPECT_TRUE(eventually([&] { return bed.upstream.connections() == 20; }));
  const TimePoint start = steady_now();
  EXPECT_TRUE(bed.proxy->stop());
  EXPECT_LT(steady_now() - start, seconds(5));
  for (Wire& client : busy) {
    const Message got = client.read_answer();
    EXPECT_EQ(got.body, "done");
    EXPECT_EQ(client.read_to_end(), WireEnd::eof);
  }
  for (Wire& client : idle) EXPECT_EQ(client.read_to_end(), WireEnd::eof);
}

TEST(Drain, ABodyUnderWayIsFinished) {
  // Its head left before the drain and promised that the connection is kept.
  std::atomic<bool> draining{false};
  Testbed bed([&](Wire& wire, int) {
    wire.read_request();
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf");
    eventually([&] { return draining.load(); });
    wire.send("half");
    wire.read_to_end();
  });
  Wire client = bed.client();
  ASSERT_TRUE(client.send(get()));
  EXPECT_EQ(client.read_head().status(), 200);
  const DrainWatch watch(bed, draining);
  const TimePoint start = steady_now();
  EXPECT_TRUE(bed.proxy->stop());
  EXPECT_LT(steady_now() - start, seconds(5)) << "the kept connection must not be waited for";
  EXPECT_EQ(client.read_exactly(8), "halfhalf");
}

TEST(Drain, UnderLoadNoRequestIsLost) {
  for (int round = 0; round < 3; ++round) {
    Testbed bed(always(answer(200, "done")), [](ProxyOptions& o) { o.workers = 2; });
    std::atomic<int> done{0};
    std::atomic<int> cut{0};
    std::vector<std::thread> clients;
    clients.reserve(8);
    for (int i = 0; i < 8; ++i) {
      clients.emplace_back([&] {
        Wire client = bed.client();
        for (;;) {
          if (!client.send(get())) return;
          const Message got = client.read_answer();
          if (!got.head.empty() && !got.whole) ++cut;
          if (!got.whole) return;
          ++done;
          if (got.field("Connection") == "close") return;
        }
      });
    }
    EXPECT_TRUE(eventually([&] { return done > 100; }));
    EXPECT_TRUE(bed.proxy->stop());
    for (std::thread& client : clients) client.join();
    EXPECT_EQ(cut, 0);
  }
}

TEST(Drain, WhatDoesNotEndInTimeIsCutAndSaid) {
  Testbed bed([](Wire& wire, int) { wire.read_to_end(); }, [](ProxyOptions& o) { o.drain = milliseconds(200); });
  Wire client = bed.client();
  ASSERT_TRUE(client.send(get()));
  Wire sending = bed.client();
  ASSERT_TRUE(sending.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf"));
  EXPECT_TRUE(eventually([&] { return bed.upstream.connections() == 2; }));
  const TimePoint start = steady_now();
  EXPECT_FALSE(bed.proxy->stop());
  EXPECT_LT(steady_now() - start, seconds(3));
  bed.proxy.reset();  // with everything that still waited in it
  EXPECT_NE(client.read_to_end(), WireEnd::silent);
  EXPECT_NE(sending.read_to_end(), WireEnd::silent);
}

TEST(Drain, AProxyMayBeDestroyedBeforeItStarts) {
  ProxyOptions options;
  options.listen = options.admin = "127.0.0.1:0";
  EXPECT_TRUE(Proxy::create(options, 1).has_value());
}

TEST(Start, APortThatIsTakenIsNamed) {
  Testbed bed(always(answer(200, "done")));
  const std::string listen = "127.0.0.1:" + std::to_string(bed.proxy->listen_endpoint().port());
  const std::string admin = "127.0.0.1:" + std::to_string(bed.proxy->admin_endpoint().port());
  for (const std::string& taken : {listen, admin}) {
    ProxyOptions options;
    options.listen = options.admin = "127.0.0.1:0";
    (taken == listen ? options.listen : options.admin) = taken;
    const auto made = Proxy::create(options, 1);
    ASSERT_FALSE(made.has_value());
    EXPECT_NE(made.error().message.find("cannot listen on " + taken), std::string::npos) << made.error().message;
    EXPECT_NE(made.error().message.find("taken"), std::string::npos) << made.error().message;
  }
}

TEST(Start, BothPortsMayNotBeTheSame) {
  ScriptedUpstream holder(always(answer(200, "done")));
  const int port = holder.port();
  holder.stop();  // free now, and unlikely to be given away at once
  ProxyOptions options;
  options.listen = options.admin = "127.0.0.1:" + std::to_string(port);
  const auto made = Proxy::create(options, 1);
  ASSERT_FALSE(made.has_value()) << "SO_REUSEPORT would let them share it";
  EXPECT_NE(made.error().message.find("cannot listen on " + options.admin), std::string::npos) << made.error().message;
}

TEST(Start, EveryFaultOfTheOptionsIsReported) {
  ProxyOptions options;
  options.listen = "nowhere";
  options.upstream = "https://127.0.0.1";
  options.timeout = Duration::zero();
  options.workers = 0;
  options.breaker.buckets = 0;
  options.fallback_file = "/nonexistent/file";
  const auto made = Proxy::create(options, 1);
  ASSERT_FALSE(made.has_value());
  for (const char* word : {"listen", "TLS", "timeout", "workers", "buckets", "/nonexistent/file"}) {
    EXPECT_NE(made.error().message.find(word), std::string::npos) << word << ": " << made.error().message;
  }
}

}  // namespace
}  // namespace quoll::proxy::testing
