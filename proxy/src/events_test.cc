// The event stream: what a reader gets, and that readers are bounded in number and in what they may cost.
#include <gmock/gmock.h>

#include <boost/asio/ip/tcp.hpp>

#include "quoll/net/worker.h"
#include "quoll/proxy/live/event_hub.h"
#include "quoll/proxy/live/sampler.h"
#include "testbed.h"

namespace quoll::proxy::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string events_request(std::string_view path = "/events", std::string_view fields = "") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(fields) + "\r\n";
}

// A reader of /events, past the answer's head.
struct Reader {
  explicit Reader(const Testbed& bed, std::string_view path = "/events")
      : wire(Wire::to(bed.proxy->admin_endpoint().port())) {
    wire.send(events_request(path));
    head = wire.read_until("\r\n\r\n");
  }
  // The data of the next event of this name; empty when the stream ends before.
  std::string next(std::string_view name) {
    for (;;) {
      const std::string event = wire.read_until("\n\n");
      if (event.empty()) return {};
      if (!event.starts_with("event: " + std::string(name) + "\n")) continue;
      const std::size_t at = event.find("\ndata: ");
      return event.substr(at + 7, event.size() - at - 9);
    }
  }

  Wire wire;
  std::string head;
};

// The value of a column in a message of one row.
double value_of(const std::string& row, const std::string& column) {
  const std::size_t names = row.find('[') + 1;
  const std::size_t at = row.find("\"" + column + "\"", names);
  const auto place =
      std::count(row.begin() + static_cast<std::ptrdiff_t>(names), row.begin() + static_cast<std::ptrdiff_t>(at), ',');
  std::size_t from = row.find("\"values\":[[") + 11;
  for (std::ptrdiff_t i = 0; i < place; ++i) from = row.find('[', from) + 1;
  return std::strtod(row.c_str() + from, nullptr);
}

TEST(Events, AReaderLearnsWhoItIsAndWhatWasThenARowASecond) {
  const Testbed bed(always(answer(200, "ok")));
  bed.ask(get());
  Reader reader(bed);
  EXPECT_THAT(reader.head, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(reader.head, HasSubstr("Content-Type: text/event-stream\r\n"));
  EXPECT_THAT(reader.next("hello"), HasSubstr("\"circuits\":[\"default\"]"));
  EXPECT_EQ(reader.next("journal"), "[]");
  EXPECT_THAT(reader.next("history"), HasSubstr("\"columns\":[\"requests\",\"errors\","));
  EXPECT_THAT(reader.next("status"), HasSubstr("\"state\":\"closed\""));
  const std::string row = reader.next("row");
  EXPECT_EQ(value_of(row, "default.state"), 0);
  EXPECT_GT(value_of(row, "memory"), 1e6);
}

// The page drew the fixed timeout where the timeout is learned.
TEST(Events, ARowHasTheTimeoutInForce) {
  const Testbed fixed(always(answer(200, "ok")), [](ProxyOptions& o) { o.timeout = std::chrono::milliseconds(1250); });
  EXPECT_EQ(value_of(Reader(fixed).next("row"), "default.timeout_ms"), 1250);

  const Testbed learned(always(answer(200, "ok")), [](ProxyOptions& o) {
    o.policies.timeout = TimeoutKind::adaptive;
    o.policies.adaptive_timeout.initial = std::chrono::milliseconds(900);
  });
  Reader reader(learned);
  EXPECT_THAT(reader.next("hello"), AllOf(HasSubstr("\"timeout_ms\":9E2"), Not(HasSubstr("\"timeout_ms\":1E4"))));
  EXPECT_EQ(value_of(reader.next("row"), "default.timeout_ms"), 900);
  Wire client = learned.client();
  for (int i = 0; i < 500; ++i) ASSERT_EQ(client.ask(get()).status(), 200);
  double now = 900;
  for (int rows = 0; rows < 5 && now == 900; ++rows) now = value_of(reader.next("row"), "default.timeout_ms");
  EXPECT_GT(now, 0);
  EXPECT_LT(now, 900);
}

TEST(Events, ARowCountsTheRequestsOfItsSecond) {
  const Testbed bed(always(answer(500, "no")));
  Reader reader(bed);
  reader.next("row");
  for (int i = 0; i < 3; ++i) bed.ask(get());
  double requests = 0;
  double errors = 0;
  double failures = 0;
  for (int rows = 0; rows < 5 && requests < 1; ++rows) {
    const std::string row = reader.next("row");
    requests += value_of(row, "requests");
    errors += value_of(row, "errors");
    failures += value_of(row, "default.failure");
  }
  EXPECT_GT(requests, 0);
  EXPECT_DOUBLE_EQ(errors, requests) << "a fallback is not what was asked for";
  EXPECT_DOUBLE_EQ(failures, requests);
}

TEST(Events, AChangeOfStateComesWithItsExplanation) {
  const Testbed bed(always(answer(200, "ok")));
  Reader reader(bed);
  reader.next("status");
  bed.control("/circuits/default/open");
  const std::string changed = reader.next("transition");
  EXPECT_THAT(changed, HasSubstr("\"from\":\"closed\",\"to\":\"forced_open\",\"reason\":\"by_hand\""));
  EXPECT_THAT(changed, HasSubstr("\"text\":\""));
  Reader later(bed);
  EXPECT_THAT(later.next("journal"), HasSubstr("\"to\":\"forced_open\"")) << "history, for who comes later";
}

TEST(Events, AReaderThatComesBackGetsOnlyWhatItMissed) {
  const Testbed bed(always(answer(200, "ok")));
  Reader first(bed);
  first.next("row");
  // Far in the future: nothing is newer.
  Reader back(bed, "/events?since=4102444800000");
  EXPECT_THAT(back.next("history"), HasSubstr("\"times\":[]"));
  Reader confused(bed, "/events?since=yesterday");
  EXPECT_THAT(confused.next("history"), Not(HasSubstr("\"times\":[]")));
}

TEST(Events, RowsComeWhileEveryWorkerIsBlocked) {
  const Testbed bed(always(answer(200, "ok")), [](ProxyOptions& o) { o.allow_pressure = true; });
  Reader reader(bed);
  reader.next("row");
  bed.control("/pressure", R"({"block_ms":3000})");
  double lag = 0;
  for (int rows = 0; rows < 3 && lag < 500; ++rows) lag = value_of(reader.next("row"), "lag");
  EXPECT_GE(lag, 500) << "a stall is visible while it lasts";
}

TEST(Events, ReadersAreBoundedInNumber) {
  const Testbed bed(always(answer(200, "ok")));
  std::list<Reader> readers;
  for (std::size_t i = 0; i < EventHub::kMaxReaders; ++i) {
    EXPECT_THAT(readers.emplace_back(bed).head, StartsWith("HTTP/1.1 200 "));
  }
  EXPECT_THAT(Reader(bed).head, StartsWith("HTTP/1.1 503 "));
  readers.pop_front();
  EXPECT_TRUE(eventually([&] { return Reader(bed).head.starts_with("HTTP/1.1 200 "); })) << "a place that was left";
}

TEST(Events, TheControlsCanBeTakenAway) {
  const Testbed bed(always(answer(200, "ok")), [](ProxyOptions& o) { o.allow_control = false; });
  EXPECT_EQ(bed.control("/circuits/default/open").status(), 403);
  EXPECT_THAT(Reader(bed).next("hello"), HasSubstr("\"control\":false"));
}

TEST(Events, AnIdIsReadStrictly) {
  EXPECT_EQ(parse_event_id("1500").time_since_epoch(), std::chrono::milliseconds(1500));
  for (const char* bad : {"", "x", "1x", "-1", "1.5", "99999999999999", "99999999999999999999"}) {
    EXPECT_EQ(parse_event_id(bad), WallTime{}) << bad;
  }
}

TEST(EventHub, AReaderThatDoesNotKeepUpIsCutOff) {
  EventHub hub;
  net::Worker worker(0);
  net::asio::ip::tcp::acceptor acceptor(worker.executor(), {net::asio::ip::address_v4::loopback(), 0});
  Wire slow = Wire::to(acceptor.local_endpoint().port());
  net::TcpSocket accepted(worker.executor());
  acceptor.accept(accepted);
  accepted.non_blocking(true);
  const auto serve = [](EventHub& to, net::Worker& on, net::TcpSocket socket) -> net::Task<void> {
    net::StampedSocket client(on.loop(), std::move(socket));
    co_await to.serve(client, "first\n\n");
  };
  net::spawn(worker.executor(), serve(hub, worker, std::move(accepted)));
  std::atomic<std::size_t> readers{1};
  worker.start();
  EXPECT_EQ(slow.read_until("\n\n"), "first\n\n");
  // The kernel's buffers take some; the queue's bound ends it.
  const auto published = [&] {
    worker.post([&] {
      hub.publish(std::string(1 << 20, 'x'));
      readers = hub.readers();
    });
    return readers == 0;
  };
  EXPECT_TRUE(eventually(published));
  worker.stop();
  worker.join();
  EXPECT_EQ(hub.dropped(), 1U);
  EXPECT_EQ(slow.read_to_end(), WireEnd::reset);
}

}  // namespace
}  // namespace quoll::proxy::testing
