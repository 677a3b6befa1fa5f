#include "quoll/lab/backend/server.h"

#include <boost/json.hpp>
#include <map>
#include <vector>

#include "test_client.h"

namespace quoll::lab::backend {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Client;
using testing::prompt;
using testing::Running;

Behaviour in_mode(Mode mode) {
  Behaviour behaviour = prompt();
  behaviour.mode = mode;
  return behaviour;
}

// The records of GET /truth by id.
std::map<std::string, boost::json::object> records(const std::string& ndjson) {
  std::map<std::string, boost::json::object> out;
  for (std::size_t at = 0; at < ndjson.size();) {
    const std::size_t end = ndjson.find('\n', at);
    boost::json::object record = boost::json::parse(ndjson.substr(at, end - at)).as_object();
    out[std::string(record["id"].as_string())] = record;
    at = end + 1;
  }
  return out;
}

// Looks again and again until it is so; false after 10 s.
template <typename Predicate>
bool comes_true(Predicate predicate) {
  const TimePoint start = steady_now();
  while (!predicate()) {
    if (steady_now() - start > seconds(10)) return false;
    std::this_thread::yield();
  }
  return true;
}

bool one_in_progress(const Running& server) {
  return server.metrics().find("requests_in_progress 1\n") != std::string::npos;
}

TEST(Backend, AnswersDataAndAnyOtherPathWithJson) {
  const Running server({.behaviour = prompt()});
  Client client(server.port());
  for (const char* path : {"/api/data", "/anything/else?x=1"}) {
    const auto reply = client.ask("GET", path, {}, "X-Request-Id: r-7\r\n");
    EXPECT_EQ(reply.status(), 200);
    EXPECT_EQ(reply.field("X-Request-Id"), "r-7");
    const auto body = boost::json::parse(reply.body).as_object();
    EXPECT_EQ(body.at("id").as_string(), "r-7");
    EXPECT_TRUE(body.contains("message"));
    EXPECT_TRUE(body.contains("timestamp"));
  }
}

TEST(Backend, TruthHoldsWhenARequestCameAndWhenItsAnswerLeft) {
  Behaviour behaviour = prompt();
  behaviour.delay = {milliseconds(20), milliseconds(20)};
  const Running server({.behaviour = behaviour});
  Client client(server.port());
  const std::int64_t before = steady_now().time_since_epoch().count();
  EXPECT_EQ(client.ask("GET", "/api/data", {}, "X-Request-Id: truthful\r\n").status(), 200);
  const std::int64_t after = steady_now().time_since_epoch().count();
  auto record = records(server.truth()).at("truthful");
  const std::int64_t received = record["received_ns"].as_int64();
  const std::int64_t sending = record["sending_ns"].as_int64();
  const std::int64_t answered = record["answered_ns"].as_int64();
  // Stamps are converted through two clock readings that are up to 20 us apart.
  EXPECT_GE(received, before - 100'000);
  EXPECT_GE(sending - received, 20'000'000);
  EXPECT_GE(answered, sending);
  EXPECT_LE(sending, after);
  EXPECT_EQ(record["planned_ms"].to_number<double>(), 20.0);
  EXPECT_EQ(record["status"].as_int64(), 200);
  EXPECT_EQ(record["end"].as_string(), "answered");
}

TEST(Backend, TruthIsPagedBoundedAndCleared) {
  const Running server({.behaviour = prompt(), .truth = 3});
  Client client(server.port());
  for (int i = 0; i < 5; ++i) client.ask("GET", "/", {}, "X-Request-Id: n" + std::to_string(i) + "\r\n");
  auto reply = client.ask("GET", "/truth");
  EXPECT_EQ(reply.field("Quoll-Truth-Dropped"), "2");
  EXPECT_EQ(reply.field("Quoll-Truth-Next"), "5");
  EXPECT_EQ(records(reply.body).size(), 3U);
  EXPECT_EQ(records(client.ask("GET", "/truth?since=4").body).size(), 1U);
  EXPECT_EQ(records(client.ask("GET", "/truth?since=99").body).size(), 0U);
  EXPECT_EQ(client.ask("GET", "/truth?after=4").status(), 400);
  EXPECT_EQ(client.ask("DELETE", "/truth").body, "{\"cleared\":3}\n");
  EXPECT_EQ(client.ask("GET", "/truth").body, "");
}

TEST(Backend, AThousandRecordsComeInOneAnswer) {
  const Running server({.behaviour = prompt()});
  Client client(server.port());
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(client.ask("GET", "/").status(), 200);
  const auto reply = client.ask("GET", "/truth");
  EXPECT_TRUE(reply.whole);
  EXPECT_EQ(records(reply.body).size(), 1000U);
}

TEST(Backend, FailAnswersTheStatusAtOnce) {
  Behaviour behaviour = in_mode(Mode::fail);
  behaviour.status = 503;
  const Running server({.behaviour = behaviour});
  Client client(server.port());
  EXPECT_EQ(client.ask("GET", "/api/data").status(), 503);
  EXPECT_EQ(client.ask("GET", "/api/data").status(), 503);
}

TEST(Backend, HangNeverAnswersButHealthDoes) {
  const Running server({.behaviour = in_mode(Mode::hang)});
  Client hung(server.port());
  hung.send("GET / HTTP/1.1\r\nHost: t\r\nX-Request-Id: h\r\n\r\n");
  Client other(server.port());
  // The loop serves connections in the order they became ready, so the record is there once /health has answered.
  EXPECT_EQ(other.ask("GET", "/health").body, "{\"status\":\"ok\",\"mode\":\"hang\"}\n");
  auto all = records(server.truth());
  ASSERT_TRUE(all.contains("h"));
  EXPECT_TRUE(all["h"]["answered_ns"].is_null());
  EXPECT_EQ(all["h"]["end"].as_string(), "pending");
  hung.close();
  ASSERT_TRUE(comes_true([&] { return records(server.truth())["h"]["end"].as_string() != "pending"; }));
  EXPECT_EQ(records(server.truth())["h"]["end"].as_string(), "client_left");
}

TEST(Backend, ResetResetsOnceTheRequestIsThere) {
  const Running server({.behaviour = in_mode(Mode::reset)});
  Client client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: t\r\nX-Request-Id: r\r\n\r\n");
  EXPECT_EQ(client.read_all(), "");
  EXPECT_EQ(client.error(), ECONNRESET);
  auto record = records(server.truth()).at("r");
  EXPECT_EQ(record["end"].as_string(), "reset");
  EXPECT_TRUE(record["answered_ns"].is_null());
}

TEST(Backend, TruncateClosesHalfWayThroughTheBody) {
  const Running server({.behaviour = in_mode(Mode::truncate)});
  Client client(server.port());
  const auto reply = client.ask("GET", "/bytes/1000", {}, "X-Request-Id: t\r\n");
  EXPECT_EQ(reply.field("Content-Length"), "1000");
  EXPECT_FALSE(reply.whole);
  EXPECT_EQ(reply.body.size(), 500U);
  EXPECT_EQ(client.error(), 0);
  EXPECT_EQ(records(server.truth()).at("t")["end"].as_string(), "truncated");
}

TEST(Backend, DripSendsTheWholeBodyByteByByte) {
  Behaviour behaviour = in_mode(Mode::drip);
  behaviour.drip = milliseconds(1);
  const Running server({.behaviour = behaviour});
  Client client(server.port());
  const TimePoint start = steady_now();
  const auto reply = client.ask("GET", "/bytes/30");
  EXPECT_TRUE(reply.whole);
  EXPECT_GE(steady_now() - start, milliseconds(30));
  EXPECT_EQ(client.ask("GET", "/bytes/3").body.size(), 3U);
}

TEST(Backend, GarbageIsNotHttp) {
  const Running server({.behaviour = in_mode(Mode::garbage)});
  Client client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  const std::string bytes = client.read_all();
  EXPECT_FALSE(bytes.empty());
  EXPECT_FALSE(bytes.starts_with("HTTP/"));
}

TEST(Backend, RefuseRefusesAndReopensOnTheSamePort) {
  const Running server({.control = "127.0.0.1:0", .behaviour = prompt()});
  Client idle(server.port());
  EXPECT_EQ(idle.ask("GET", "/").status(), 200);
  Client control(server.control_port());
  EXPECT_EQ(control.ask("POST", "/control", R"({"mode":"refuse"})").status(), 200);
  EXPECT_EQ(Client(server.port()).error(), ECONNREFUSED);
  EXPECT_EQ(idle.read_all(), "");
  EXPECT_EQ(idle.error(), ECONNRESET);
  EXPECT_EQ(control.ask("POST", "/control", R"({"mode":"healthy"})").status(), 200);
  EXPECT_EQ(Client(server.port()).ask("GET", "/").status(), 200);
}

TEST(Backend, RefuseWithoutAWayBackIsRefused) {
  const Running server({.behaviour = prompt()});
  Client client(server.port());
  const auto reply = client.ask("POST", "/control", R"({"mode":"refuse"})");
  EXPECT_EQ(reply.status(), 400);
  EXPECT_NE(reply.body.find("\"for\""), std::string::npos);
  // With an end it is taken, and its own answer still comes.
  EXPECT_EQ(client.ask("POST", "/control", R"({"mode":"refuse","for":"500ms"})").status(), 200);
  EXPECT_FALSE(Client(server.port()).connected());
  EXPECT_TRUE(comes_true([&] { return Client(server.port()).ask("GET", "/").status() == 200; }));
}

TEST(Backend, ControlChangesAnySubsetAndSaysWhatIsInForce) {
  const Running server({.behaviour = prompt(), .seed = 77});
  Client client(server.port());
  auto settings = boost::json::parse(client.ask("POST", "/control", R"({"mode":"fail","status":502})").body);
  EXPECT_EQ(settings.at("mode").as_string(), "fail");
  EXPECT_EQ(settings.at("delay").as_string(), "0");
  EXPECT_EQ(settings.at("seed").as_int64(), 77);
  EXPECT_EQ(client.ask("GET", "/").status(), 502);
  const auto bad = client.ask("POST", "/control", R"({"mode":"dead","speed":1})");
  EXPECT_EQ(bad.status(), 400);
  EXPECT_NE(bad.body.find("'dead'"), std::string::npos);
  EXPECT_NE(bad.body.find("\"speed\""), std::string::npos);
  EXPECT_EQ(boost::json::parse(client.ask("GET", "/control").body).at("status").as_int64(), 502);
  EXPECT_EQ(client.ask("PUT", "/control").status(), 405);
  EXPECT_EQ(client.ask("POST", "/control", std::string(100'000, ' ')).status(), 413);
}

TEST(Backend, TheControlPortServesNothingElse) {
  const Running server({.control = "127.0.0.1:0", .behaviour = in_mode(Mode::hang)});
  Client client(server.control_port());
  EXPECT_EQ(client.ask("GET", "/health").status(), 200);
  EXPECT_EQ(client.ask("GET", "/api/data").status(), 404);
}

TEST(Backend, ScriptChangesTheModeByTheClock) {
  const Running server({.behaviour = prompt(), .script = *Script::parse("20ms healthy\n24h fail 503\n")});
  Client client(server.port());
  EXPECT_TRUE(comes_true([&] { return client.ask("GET", "/").status() == 503; }));
}

TEST(Backend, BodiesAreReadAndCountedInBothFramings) {
  const Running server({.behaviour = prompt()});
  Client client(server.port());
  EXPECT_EQ(client.ask("POST", "/count", std::string(3'000'000, 'x')).body, "{\"bytes\":3000000}\n");
  client.send(
      "POST /count HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n");
  EXPECT_EQ(client.read_answer().body, "{\"bytes\":11}\n");
  client.send("POST /count HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_answer(true).status(), 100);
  client.send("four");
  EXPECT_EQ(client.read_answer().body, "{\"bytes\":4}\n");
}

TEST(Backend, BytesAnswersThatManyBytes) {
  const Running server({.behaviour = prompt()});
  Client client(server.port());
  for (const std::size_t n : {0U, 1U, 262'144U, 5'000'001U}) {
    const auto reply = client.ask("GET", "/bytes/" + std::to_string(n));
    EXPECT_TRUE(reply.whole) << n;
    EXPECT_EQ(reply.body.size(), n);
  }
  const auto head = client.ask("HEAD", "/bytes/77");
  EXPECT_EQ(head.field("Content-Length"), "77");
  EXPECT_EQ(client.ask("GET", "/").status(), 200);
}

TEST(Backend, PipelinedRequestsAreAnsweredInOrder) {
  Behaviour behaviour = prompt();
  behaviour.delay = {milliseconds(1), milliseconds(1)};
  const Running server({.behaviour = behaviour});
  Client client(server.port());
  std::string requests;
  for (int i = 0; i < 20; ++i) requests += "GET /bytes/" + std::to_string(i) + " HTTP/1.1\r\nHost: t\r\n\r\n";
  client.send(requests);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(client.read_answer().body.size(), i);
}

TEST(Backend, ARequestMayComeByteByByte) {
  const Running server({.behaviour = prompt()});
  Client client(server.port());
  for (const char c : std::string("POST /count HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n\r\nabc"))
    client.send({&c, 1});
  EXPECT_EQ(client.read_answer().body, "{\"bytes\":3}\n");
}

TEST(Backend, MalformedRequestsAreToldSoAndClosed) {
  const Running server({.behaviour = prompt()});
  Client plain(server.port());
  plain.send("GET / HTTP/1.1\r\nHost : t\r\n\r\n");
  EXPECT_TRUE(plain.read_all().starts_with("HTTP/1.1 400"));
  Client large(server.port());
  large.send("GET / HTTP/1.1\r\nHost: t\r\nX: ");
  large.send(std::string(1U << 20U, 'x'));
  EXPECT_EQ(large.read_answer().status(), 431);
  EXPECT_NE(server.metrics().find("quoll_backend_malformed_requests_total{status=\"431\"} 1"), std::string::npos);
}

TEST(Backend, DelayGrowsWithTheRequestsInProgress) {
  Behaviour behaviour = prompt();
  behaviour.delay = {milliseconds(500), milliseconds(500)};
  behaviour.degrade = milliseconds(10);
  const Running server({.behaviour = behaviour});
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(std::make_unique<Client>(server.port()));
    clients.back()->send("GET / HTTP/1.1\r\nHost: t\r\nX-Request-Id: c" + std::to_string(i) + "\r\n\r\n");
  }
  double longest = 0;
  for (auto& client : clients) EXPECT_EQ(client->read_answer().status(), 200);
  for (auto& [id, record] : records(server.truth())) {
    longest = std::max(longest, record["planned_ms"].to_number<double>());
  }
  EXPECT_EQ(longest, 530.0);
}

TEST(Backend, MetricsCountRequestsByModeAndStatus) {
  const Running server({.behaviour = in_mode(Mode::fail)});
  Client client(server.port());
  for (int i = 0; i < 3; ++i) client.ask("GET", "/");
  const std::string text = server.metrics();
  EXPECT_NE(text.find("quoll_backend_requests_total{mode=\"fail\",status=\"500\"} 3"), std::string::npos) << text;
  EXPECT_NE(text.find("quoll_backend_mode{mode=\"fail\"} 1"), std::string::npos);
  EXPECT_NE(text.find("quoll_backend_requests_in_progress 0"), std::string::npos);
}

TEST(Backend, StopLetsRequestsInProgressFinish) {
  Behaviour behaviour = prompt();
  behaviour.delay = {milliseconds(500), milliseconds(500)};
  Running server({.behaviour = behaviour});
  Client idle(server.port());
  EXPECT_EQ(idle.ask("GET", "/health").status(), 200);
  Client busy(server.port());
  busy.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  ASSERT_TRUE(comes_true([&] { return one_in_progress(server); }));
  std::thread stopper([&server] { server.stop(); });
  const auto reply = busy.read_answer();
  EXPECT_EQ(reply.status(), 200);
  EXPECT_EQ(reply.field("Connection"), "close");
  EXPECT_EQ(idle.read_all(), "");
  busy.close();
  stopper.join();
}

TEST(Backend, StopDoesNotWaitForWhatHangs) {
  Running server({.behaviour = in_mode(Mode::hang)});
  Client hung(server.port());
  hung.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  ASSERT_TRUE(comes_true([&] { return one_in_progress(server); }));
  server.stop();
  EXPECT_EQ(hung.read_all(), "");
}

TEST(Backend, StopWaitsNoLongerThanTheDrainForWhatIsSlow) {
  Behaviour behaviour = prompt();
  behaviour.delay = {seconds(60), seconds(60)};
  Running server({.behaviour = behaviour});
  Client slow(server.port());
  slow.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  ASSERT_TRUE(comes_true([&] { return one_in_progress(server); }));
  const TimePoint start = steady_now();
  server.stop();
  EXPECT_GE(steady_now() - start, kDrain);
  EXPECT_LT(steady_now() - start, seconds(30));
}

TEST(Backend, AnIdleConnectionIsClosedAndAWaitingOneIsNot) {
  Behaviour behaviour = prompt();
  behaviour.delay = {milliseconds(2500), milliseconds(2500)};
  const Running server({.behaviour = behaviour, .keep_alive_timeout = seconds(1)});
  Client waiting(server.port());
  waiting.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  Client idle(server.port());
  EXPECT_EQ(idle.ask("GET", "/health").status(), 200);
  EXPECT_EQ(idle.read_all(), "");
  EXPECT_EQ(idle.error(), 0);
  EXPECT_EQ(waiting.read_answer().status(), 200);
}

TEST(Backend, ATakenPortIsNamed) {
  const Running server({.behaviour = prompt()});
  const std::string address = "127.0.0.1:" + std::to_string(server.port());
  const auto second = Server::open({.listen = address});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, "port_in_use");
  EXPECT_NE(second.error().message.find("port " + std::to_string(server.port())), std::string::npos);
}

TEST(Backend, MoreConnectionsThanAllowedWaitTheirTurn) {
  const Running server({.behaviour = prompt(), .max_connections = 2});
  auto first = std::make_unique<Client>(server.port());
  Client second(server.port());
  EXPECT_EQ(first->ask("GET", "/").status(), 200);
  EXPECT_EQ(second.ask("GET", "/").status(), 200);
  Client third(server.port());
  third.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  first.reset();
  EXPECT_EQ(third.read_answer().status(), 200);
}

TEST(BackendOptions, EveryFaultIsNamed) {
  const auto server = Server::open({.behaviour = {.fail_rate = 7}, .truth = 0, .keep_alive_timeout = {}});
  ASSERT_FALSE(server);
  for (const char* part : {"fail_rate", "truth", "keep_alive_timeout"}) {
    EXPECT_NE(server.error().message.find(part), std::string::npos) << part;
  }
}

}  // namespace
}  // namespace quoll::lab::backend
