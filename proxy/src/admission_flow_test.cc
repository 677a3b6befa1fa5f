// Admission by true queueing delay, end to end.
#include <gmock/gmock.h>

#include "testbed.h"

namespace quoll::proxy::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

void admission_on(ProxyOptions& o) {
  o.admission = true;
  o.allow_pressure = true;
}

std::string shed(std::string_view reason, int priority) {
  return "quoll_shed_total{priority=\"" + std::to_string(priority) + "\",reason=\"" + std::string(reason) + "\"}";
}

void begin_stall(const Testbed& bed, int block_ms) {
  ASSERT_EQ(bed.control("/pressure", "{\"block_ms\":" + std::to_string(block_ms) + "}").status(), 202);
  spend(milliseconds(20));  // until the loop has come to it
}

// Blocks the loop, and sends `wires` one request each while it is blocked: they wait in the kernel.
void flood_a_blocked_loop(const Testbed& bed, std::vector<Wire>& wires, int block_ms, std::string_view request) {
  begin_stall(bed, block_ms);
  for (Wire& wire : wires) ASSERT_TRUE(wire.send(request));
}

TEST(AdmissionFlow, InCalmEverythingIsServed) {
  Testbed bed(always(answer(200, "own")), admission_on);
  Wire client = bed.client();
  for (int i = 0; i < 200; ++i) EXPECT_EQ(client.ask(get()).body, "own");
  EXPECT_EQ(bed.metric("quoll_admission_share"), 1);
  EXPECT_THAT(client.ask(get("/circuit-status")).body, HasSubstr("\"overloaded\": false"));
}

TEST(AdmissionFlow, ARequestThatWaitedTooLongInTheSocketIsRefusedAndTheConnectionLives) {
  Testbed bed(always(answer(200, "own")), [](ProxyOptions& o) {
    admission_on(o);
    o.admission_control.max_delay = milliseconds(100);
  });
  std::vector<Wire> wires;
  wires.reserve(5);
  for (int i = 0; i < 5; ++i) wires.push_back(bed.client());
  for (Wire& wire : wires) EXPECT_EQ(wire.ask(get()).status(), 200);
  flood_a_blocked_loop(bed, wires, 600, get());
  for (Wire& wire : wires) {
    const Message got = wire.read_answer();
    EXPECT_EQ(got.status(), 503);
    EXPECT_EQ(got.field("Retry-After"), "1");
    EXPECT_EQ(got.field("Quoll-Fallback"), "") << "no fallback: whoever asks must learn of it";
    EXPECT_THAT(got.field("Proxy-Status"), HasSubstr("details=\"too_old\""));
    EXPECT_EQ(wire.ask(get()).body, "own");
  }
  EXPECT_EQ(bed.metric(shed("too_old", 1)), 5);
  EXPECT_EQ(bed.metric(shed("overload", 1)), 0);
  EXPECT_EQ(bed.attempts("success"), 10) << "what was refused never reached the circuit";
}

// A connection that is not even accepted waits, too; its request's stamp is from before the accept.
TEST(AdmissionFlow, TheWaitInTheAcceptBacklogCounts) {
  Testbed bed(always(answer(200, "own")), [](ProxyOptions& o) {
    admission_on(o);
    o.admission_control.max_delay = milliseconds(100);
  });
  EXPECT_EQ(bed.ask(get()).status(), 200);  // the host's first stamps
  std::vector<Wire> wires;
  begin_stall(bed, 600);
  for (int i = 0; i < 5; ++i) {
    wires.push_back(bed.client());
    ASSERT_TRUE(wires.back().send(get()));
  }
  for (Wire& wire : wires) EXPECT_EQ(wire.read_answer().status(), 503);
}

TEST(AdmissionFlow, OurOwnPagesAreNeverRefused) {
  Testbed bed(always(answer(200, "own")), [](ProxyOptions& o) {
    admission_on(o);
    o.admission_control.max_delay = milliseconds(100);
  });
  std::vector<Wire> wires;
  wires.push_back(bed.client());
  for (const char* page : {"/health", "/metrics", "/circuit-status"}) {
    flood_a_blocked_loop(bed, wires, 300, get(page));
    EXPECT_EQ(wires[0].read_answer().status(), 200) << page;
  }
}

TEST(AdmissionFlow, AStallIsNoOverload) {
  Testbed bed(always(answer(200, "own")), admission_on);
  std::vector<Wire> wires;
  wires.reserve(20);
  for (int i = 0; i < 20; ++i) wires.push_back(bed.client());
  for (int stall = 0; stall < 3; ++stall) {
    flood_a_blocked_loop(bed, wires, 150, get());
    for (Wire& wire : wires) EXPECT_EQ(wire.read_answer().body, "own");
    spend(milliseconds(300));  // calm, from one stall to the next
  }
  EXPECT_EQ(bed.metric("quoll_admission_share"), 1);
}

TEST(AdmissionFlow, ARefusedBodyIsReadAwayAndAHeldBackOneIsNot) {
  Testbed bed(always(answer(200, "own")), [](ProxyOptions& o) {
    admission_on(o);
    o.admission_control.max_delay = milliseconds(100);
  });
  std::vector<Wire> wires;
  wires.reserve(2);
  for (int i = 0; i < 2; ++i) wires.push_back(bed.client());
  for (Wire& wire : wires) EXPECT_EQ(wire.ask(get()).status(), 200);
  flood_a_blocked_loop(bed, wires, 400, post("/", std::string(1000, 'x')));
  EXPECT_EQ(wires[0].read_answer().status(), 503);
  EXPECT_EQ(wires[0].ask(get()).body, "own");
  EXPECT_EQ(wires[1].read_answer().status(), 503);
  std::vector<Wire> one;
  one.push_back(bed.client());
  flood_a_blocked_loop(bed, one, 400,
                       "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(one[0].read_answer().status(), 503);
  EXPECT_EQ(one[0].read_to_end(), WireEnd::eof);
}

// An overload that lasts: the loop is kept busy in slices, so that requests wait over the target all the time.
TEST(AdmissionFlow, UnderAnOverloadTheLeastImportantAreRefusedFirst) {
  Testbed bed(always(answer(200, "own")), [](ProxyOptions& o) {
    admission_on(o);
    o.priority_header = "X-Priority";
    o.admission_control.max_delay = std::chrono::seconds(30);
  });
  std::atomic<bool> stop{false};
  std::thread pressure([&] {
    while (!stop) {
      (void)bed.control("/pressure", "{\"block_ms\":20}");
      spend(milliseconds(15));  // a loop that is busy three parts of four
    }
  });
  std::array<std::atomic<int>, 2> refused{};
  std::vector<std::thread> clients;
  clients.reserve(16);
  for (int i = 0; i < 16; ++i) {
    clients.emplace_back([&, important = i % 2 == 0] {
      Wire client = bed.client();
      const std::string request = get("/", important ? "X-Priority: 0\r\n" : "x-priority: 3\r\n");
      while (!stop) {
        if (client.ask(request).status() == 503) ++refused[important ? 0 : 1];
      }
    });
  }
  EXPECT_TRUE(eventually([&] { return refused[1] >= 50; }));
  EXPECT_GT(bed.metric(shed("overload", 3)), 0);
  stop = true;
  for (std::thread& client : clients) client.join();
  pressure.join();
  EXPECT_LT(refused[0], refused[1]);
}

}  // namespace
}  // namespace quoll::proxy::testing
