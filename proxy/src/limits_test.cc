// What clients may not do, and who may control the proxy.
#include "testbed.h"

namespace quoll::proxy::testing {
namespace {

using std::chrono::milliseconds;

TEST(Limits, AMebibyteOfHeaderFieldsIsRefusedWith431) {
  Testbed bed(always(answer(200, "ok")));
  for (const bool one : {true, false}) {
    std::string fields;
    if (one) fields = "X: " + std::string(1U << 20U, 'x') + "\r\n";
    while (fields.size() < (1U << 20U))
      fields += "X-" + std::to_string(fields.size()) + ": " + std::string(200, 'y') + "\r\n";
    Wire client = bed.client();
    EXPECT_TRUE(client.send(get("/", fields))) << "all of it is read, or the answer is lost to a reset";
    const Message got = client.read_answer();
    EXPECT_EQ(got.status(), 431);
    EXPECT_EQ(got.field("Connection"), "close");
    EXPECT_EQ(client.read_to_end(), WireEnd::eof);
  }
  EXPECT_EQ(bed.upstream.connections(), 0);
  EXPECT_EQ(bed.metric("quoll_bad_requests_total"), 2);
}

TEST(Limits, MalformedRequestsAreRefused) {
  Testbed bed(always(answer(200, "ok")));
  const std::vector<std::pair<std::string, int>> all = {
      {"\x16\x03\x01\x02\r\n\r\n", 400},
      {"GET\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},  // no Host
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400},
      {"GET / HTTP/1.1\nHost: a\n\n", 400},
      {"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
      {"GET /" + std::string(20000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
  };
  for (const auto& entry : all) {
    Wire client = bed.client();
    EXPECT_EQ(client.ask(entry.first).status(), entry.second) << entry.first.substr(0, 200);
    client.finish_sending();
    EXPECT_EQ(client.read_to_end(), WireEnd::eof);
  }
  EXPECT_EQ(bed.upstream.connections(), 0);
  EXPECT_EQ(bed.event("success") + bed.event("failure"), 0);
}

TEST(Limits, AMalformedRequestDoesNotTakeTheOneBeforeItAlong) {
  Testbed bed(always(answer(200, "ok")));
  Wire client = bed.client();
  ASSERT_TRUE(client.send(get() + "nonsense\r\n\r\n"));
  EXPECT_EQ(client.read_answer().status(), 200);
  EXPECT_EQ(client.read_answer().status(), 400);
}

TEST(Limits, ASlowHeadIsAnsweredWith408) {
  Testbed bed(always(answer(200, "ok")), [](ProxyOptions& o) {
    o.head_timeout = milliseconds(200);
    o.idle_timeout = milliseconds(900);
  });
  Wire client = bed.client();
  ASSERT_TRUE(client.send("GET / HT"));
  EXPECT_EQ(client.read_answer().status(), 408);
  // A connection without any byte is just closed, later.
  Wire idle = bed.client();
  EXPECT_EQ(idle.read_to_end(), WireEnd::eof);
  EXPECT_TRUE(idle.buffered().empty());
  // Bytes that trickle do not prolong it.
  Wire trickle = bed.client();
  ASSERT_TRUE(trickle.send("GET / HTTP/1.1\r\n"));
  for (int i = 0; i < 10 && trickle.send("X: y\r\n"); ++i) spend(milliseconds(50));
  EXPECT_EQ(trickle.read_answer().status(), 408);
}

TEST(Limits, AClientThatHasSentItsEndGetsItsAnswerAndTheEnd) {
  Testbed bed(always(answer(200, "ok")));
  for (int i = 0; i < 20; ++i) {
    Wire client = bed.client();
    const TimePoint start = steady_now();
    ASSERT_TRUE(client.send(get()));
    client.finish_sending();
    EXPECT_EQ(client.read_answer().body, "ok");
    EXPECT_EQ(client.read_to_end(), WireEnd::eof);
    EXPECT_LT(steady_now() - start, std::chrono::seconds(5)) << "not after the idle timeout";
  }
}

TEST(Limits, ConnectionsBeyondTheLimitAreToldToComeBack) {
  Testbed bed(always(answer(200, "ok")), [](ProxyOptions& o) {
    o.max_connections = 3;
    o.workers = 2;
  });
  std::vector<Wire> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(bed.client());
    EXPECT_EQ(clients.back().ask(get()).status(), 200);
  }
  for (int i = 0; i < 2; ++i) {
    Wire extra = bed.client();
    const Message told = extra.ask(get());
    EXPECT_EQ(told.status(), 503);
    EXPECT_TRUE(told.whole);
    EXPECT_EQ(told.field("Retry-After"), "1");
    EXPECT_EQ(told.field("Connection"), "close");
    EXPECT_NE(told.field("Proxy-Status").find("connection_limit_reached"), std::string::npos);
    extra.finish_sending();
    EXPECT_EQ(extra.read_to_end(), WireEnd::eof) << "and not a reset, which could take the answer away";
  }
  EXPECT_EQ(bed.metric("quoll_client_connections_refused_total"), 2);
  clients.pop_back();
  EXPECT_TRUE(eventually([&] { return bed.metric("quoll_client_connections") == 2; }));
  EXPECT_EQ(bed.ask(get()).status(), 200);
}

// More than are closed with patience: the others are closed at once, and nobody waits.
TEST(Limits, AFloodBeyondTheLimitIsTurnedAwayWithoutHoldingOnToIt) {
  Testbed bed(always(answer(200, "ok")), [](ProxyOptions& o) { o.max_connections = 1; });
  Wire only = bed.client();
  EXPECT_EQ(only.ask(get()).status(), 200);
  std::vector<Wire> flood;
  for (int i = 0; i < 200; ++i) flood.push_back(bed.client());
  for (Wire& wire : flood) EXPECT_EQ(wire.read_answer().status(), 503);
  EXPECT_EQ(bed.metric("quoll_client_connections_refused_total"), 200);
  EXPECT_EQ(only.ask(get()).status(), 200);
}

std::string admin_get(std::string_view path, std::string_view fields) {
  return "GET " + std::string(path) + " HTTP/1.1\r\n" + std::string(fields) + "\r\n";
}

TEST(Admin, AnswersOnlyAddressesAndLocalhost) {
  Testbed bed(always(answer(200, "ok")));
  const std::string port = std::to_string(bed.proxy->admin_endpoint().port());
  for (const std::string host : {"localhost", "LOCALHOST:80", "127.0.0.1", "10.1.2.3:99", "[::1]:3900"}) {
    EXPECT_EQ(bed.admin(admin_get("/health", "Host: " + host + "\r\n")).status(), 200) << host;
  }
  for (const std::string host : {"evil.test", "127.0.0.1.evil.test", "localhost.evil.test:3900"}) {
    EXPECT_EQ(bed.admin(admin_get("/health", "Host: " + host + "\r\n")).status(), 403) << host;
  }
  const std::string own = "Host: 127.0.0.1:" + port + "\r\n";
  EXPECT_EQ(bed.admin(admin_get("/health", own + "Origin: http://127.0.0.1:" + port + "\r\n")).status(), 200);
  for (const std::string origin : {"http://evil.test", "null", "http://127.0.0.1:1", "https://127.0.0.1"}) {
    EXPECT_EQ(bed.admin(admin_get("/health", own + "Origin: " + origin + "\r\n")).status(), 403) << origin;
  }
  EXPECT_EQ(bed.event("open"), 0);
}

TEST(Admin, ABrowserMustSayThatItsRequestComesFromHereAndSayItOnce) {
  Testbed bed(always(answer(200, "ok")));
  const std::string own = "127.0.0.1:" + std::to_string(bed.proxy->admin_endpoint().port());
  const auto ask = [&](const std::string& line, const std::string& fields) {
    return bed.admin(line + " HTTP/1.1\r\nHost: " + own + "\r\nContent-Length: 0\r\n" + fields + "\r\n").status();
  };
  const std::string open = "POST /circuits/default/open";
  const std::string origin = "Origin: http://" + own + "\r\n";
  for (const std::string& fields :
       {origin + "Origin: http://evil.test\r\n", "Origin: http://evil.test\r\n" + origin, origin + origin,
        std::string("Sec-Fetch-Site: cross-site\r\n"), std::string("Sec-Fetch-Site: same-site\r\n"),
        std::string("Sec-Fetch-Site: elsewhere\r\n"), "Sec-Fetch-Site: cross-site\r\n" + origin,
        std::string("Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site\r\n"),
        std::string("Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n")}) {
    EXPECT_EQ(ask(open, fields), 403) << fields;
  }
  EXPECT_EQ(bed.event("open"), 0);
  EXPECT_EQ(ask("GET /circuit-status", "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n"), 403);
  EXPECT_EQ(ask("GET /circuit-status", "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n"), 200) << "a link";
  EXPECT_EQ(ask("GET /circuit-status", "Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\n"), 200);
  EXPECT_EQ(ask(open, "Sec-Fetch-Site: same-origin\r\n" + origin), 200);
  EXPECT_EQ(ask(open, ""), 200) << "no browser";
}

TEST(Admin, SilentConnectionsDoNotLockThePort) {
  Testbed bed(always(answer(200, "ok")));
  std::vector<Wire> silent;
  std::vector<Wire> half;
  for (int i = 0; i < 200; ++i) {
    silent.push_back(Wire::to(bed.proxy->admin_endpoint().port()));
    half.push_back(Wire::to(bed.proxy->admin_endpoint().port()));
    ASSERT_TRUE(
        half.back().send("POST /circuits/default/open HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n"));
  }
  EXPECT_EQ(bed.admin(admin_get("/health", "Host: localhost\r\n")).status(), 200);
  EXPECT_EQ(silent.front().read_to_end(), WireEnd::eof) << "the one that waited longest made room";
  // The newest is still there: it is not cut off by those that came before it.
  EXPECT_EQ(silent.back().ask(admin_get("/health", "Host: localhost\r\n")).status(), 200);
  const TimePoint start = steady_now();
  EXPECT_EQ(Wire::to(bed.proxy->admin_endpoint().port()).read_to_end(), WireEnd::eof);
  EXPECT_LT(steady_now() - start, std::chrono::seconds(15)) << "patience with a silent connection is short";
  EXPECT_EQ(bed.event("open"), 0);
}

TEST(Admin, ControlNeedsPostAndAKnownCircuit) {
  Testbed bed(always(answer(200, "ok")));
  const Message read = bed.admin(admin_get("/circuits/default/open", "Host: localhost\r\n"));
  EXPECT_EQ(read.status(), 405);
  EXPECT_EQ(read.field("Allow"), "POST");
  EXPECT_EQ(bed.control("/circuits/other/open").status(), 404);
  EXPECT_EQ(bed.control("/circuits/default/explode").status(), 404);
  EXPECT_EQ(bed.control("/nothing").status(), 404);
  for (const auto& [page, allowed] : {std::pair("/health", "GET, HEAD"), std::pair("/config", "GET, HEAD"),
                                      std::pair("/dashboard", "GET, HEAD"), std::pair("/events", "GET")}) {
    const Message refused = bed.control(page);
    EXPECT_EQ(refused.status(), 405);
    EXPECT_EQ(refused.field("Allow"), allowed) << page;
  }
  EXPECT_EQ(bed.admin(admin_get("/config", "Host: localhost\r\n")).status(), 200);
  EXPECT_EQ(bed.ask(get("/config")).body, "ok") << "the main port forwards what is not its own page";
  EXPECT_EQ(bed.ask(get("/circuits/default/open")).body, "ok");
}

TEST(Admin, PressureNeedsLeaveAndSoundArguments) {
  Testbed closed(always(answer(200, "ok")));
  EXPECT_EQ(closed.control("/pressure", R"({"block_ms":1})").status(), 403);
  Testbed open(always(answer(200, "ok")), [](ProxyOptions& o) { o.allow_pressure = true; });
  for (const char* body :
       {"", "{", "[]", "7", R"({"block_ms":0})", R"({"block_ms":-1})", R"({"block_ms":10001})", R"({"block_ms":1.5})",
        R"({"block_ms":"5"})", R"({"worker":0})", R"({"block_ms":5,"worker":1})", R"({"block_ms":5,"worker":-1})",
        R"({"block_ms":5,"worker":"some"})"}) {
    EXPECT_EQ(open.control("/pressure", body).status(), 400) << body;
  }
  EXPECT_EQ(open.control("/pressure", std::string(100'000, ' ')).status(), 413);
  EXPECT_EQ(open.admin(admin_get("/pressure", "Host: localhost\r\n")).status(), 405);
  for (const char* body : {R"({"block_ms":1})", R"({"block_ms":1,"worker":"all"})", R"({"block_ms":1,"worker":0})"}) {
    EXPECT_EQ(open.control("/pressure", body).status(), 202) << body;
  }
}

TEST(Admin, AnswersWhileEveryWorkerIsBlocked) {
  Testbed bed(always(answer(200, "ok")), [](ProxyOptions& o) {
    o.allow_pressure = true;
    o.workers = 2;
  });
  EXPECT_EQ(bed.ask(get()).status(), 200);
  Duration fastest = Duration::max();  // two cores, both burning: the scheduler may be unkind once
  for (int round = 0; round < 3 && fastest > milliseconds(100); ++round) {
    ASSERT_EQ(bed.control("/pressure", R"({"block_ms":600,"worker":"all"})").status(), 202);
    const TimePoint start = steady_now();
    const std::string status = bed.admin(admin_get("/circuit-status", "Host: localhost\r\n")).body;
    EXPECT_NE(status.find("\"state\": \"closed\""), std::string::npos) << status;
    EXPECT_NE(bed.admin(admin_get("/metrics", "Host: localhost\r\n")).body.find("quoll_loop_lag_seconds"),
              std::string::npos);
    fastest = std::min(fastest, steady_now() - start);
    EXPECT_EQ(bed.ask(get()).status(), 200);
    EXPECT_GE(steady_now() - start, milliseconds(400)) << "the workers were not blocked";
  }
  EXPECT_LE(fastest, milliseconds(100));
  // The stall is seen while it lasts and noted after it.
  EXPECT_TRUE(eventually([&] {
    const std::string text = bed.admin(admin_get("/circuit-status", "Host: localhost\r\n")).body;
    const std::size_t at = text.find("max_lag_ms_10s\": ");
    return at != std::string::npos && std::strtod(text.c_str() + at + 17, nullptr) > 400;
  }));
}

TEST(Admin, PagesOfTheMainPortAreOnOnlyOnLoopbackUnlessToldOtherwise) {
  const auto answered_by = [](const std::string& listen, PagesKind pages, const std::string& prefix,
                              const std::string& path) {
    Testbed bed(always(answer(200, "upstream's")), [&](ProxyOptions& o) {
      o.listen = listen;
      o.pages = pages;
      o.pages_prefix = prefix;
    });
    EXPECT_EQ(bed.admin(admin_get("/health", "Host: localhost\r\n")).status(), 200) << "the admin port always has them";
    return bed.ask(get(path)).body == "upstream's" ? "upstream" : "quoll";
  };
  const std::string loopback = "127.0.0.1:0";
  const std::string network = "0.0.0.0:0";
  for (const std::string path : {"/health", "/metrics", "/circuit-status?circuit=default"}) {
    EXPECT_EQ(answered_by(loopback, PagesKind::by_listener, "", path), "quoll") << path;
    EXPECT_EQ(answered_by("localhost:0", PagesKind::by_listener, "", path), "quoll") << path;
    EXPECT_EQ(answered_by(network, PagesKind::by_listener, "", path), "upstream") << path;
    EXPECT_EQ(answered_by(network, PagesKind::on, "", path), "quoll") << path;
    EXPECT_EQ(answered_by(loopback, PagesKind::off, "", path), "upstream") << path;
    EXPECT_EQ(answered_by(network, PagesKind::prefix, "/-/quoll", path), "upstream") << path;
    EXPECT_EQ(answered_by(network, PagesKind::prefix, "/-/quoll", "/-/quoll" + path), "quoll") << path;
  }
  EXPECT_EQ(answered_by(network, PagesKind::prefix, "/-/quoll", "/-/quoll"), "upstream");
  EXPECT_EQ(answered_by(network, PagesKind::prefix, "/-/quoll", "/-/quoll/config"), "upstream");
}

TEST(Admin, PagesOfTheMainPortAreTheSame) {
  Testbed bed(always(answer(200, "ok")));
  Wire client = bed.client();
  const Message status = client.ask(get("/circuit-status?x=1"));
  EXPECT_EQ(status.field("Cache-Control"), "no-store");
  EXPECT_NE(status.body.find("\"state\": \"closed\""), std::string::npos);
  EXPECT_EQ(client.ask(get("/health")).status(), 200);
  const Message head = client.ask("HEAD /metrics HTTP/1.1\r\nHost: h\r\n\r\n", true);
  EXPECT_EQ(head.status(), 200);
  EXPECT_NE(head.field("Content-Length"), "0");
  const Message refused = client.ask(post("/health", "body"));
  EXPECT_EQ(refused.status(), 405);
  EXPECT_EQ(refused.field("Allow"), "GET, HEAD");
  EXPECT_NE(client.ask(get("/metrics")).body.find("# TYPE quoll_circuit_events_total counter"), std::string::npos);
  EXPECT_EQ(bed.upstream.connections(), 0);
}

}  // namespace
}  // namespace quoll::proxy::testing
