// Several routes in one proxy: each has its own upstream, circuit, settings and labels.
#include <gmock/gmock.h>

#include <boost/json/parse.hpp>

#include "quoll/proxy/data/route.h"
#include "quoll/proxy/live/circuit_feed.h"
#include "testbed.h"

namespace quoll::proxy::testing {
namespace {

using std::chrono::minutes;
using ::testing::HasSubstr;
using ::testing::Not;
namespace json = boost::json;

// The default upstream answers "default"; /orders goes to one of its own.
struct TwoUpstreams {
  explicit TwoUpstreams(ScriptedUpstream::Script script, const Testbed::Tweak& tweak = nullptr)
      : orders(std::move(script)), bed(always(answer(200, "default")), [&](ProxyOptions& o) {
          RouteOptions& route = o.add_route("orders", "/orders");
          route.upstream = "http://127.0.0.1:" + std::to_string(orders.port());
          if (tweak) tweak(o);
        }) {}

  double event(const std::string& circuit, const std::string& name) const {
    return bed.metric("quoll_circuit_events_total{circuit=\"" + circuit + "\",event=\"" + name + "\"}");
  }

  ScriptedUpstream orders;
  Testbed bed;
};

TEST(Routes, ARequestGoesToItsRoutesUpstream) {
  const TwoUpstreams two(always(answer(200, "orders")));
  Wire client = two.bed.client();
  EXPECT_EQ(client.ask(get("/orders/1?x=y")).body, "orders");
  EXPECT_EQ(client.ask(get("/orders2")).body, "default");
  EXPECT_EQ(client.ask(get("/a/../orders")).body, "orders");
  EXPECT_EQ(client.ask(post("/orders", "body")).body, "orders") << "one client connection serves both";
}

TEST(Routes, ADeadUpstreamOpensOnlyItsOwnCircuit) {
  TwoUpstreams two(always(answer(200, "orders")));
  two.orders.stop();
  Wire client = two.bed.client();
  for (int i = 0; i < 20; ++i) {
    EXPECT_NE(client.ask(get("/orders")).field("Quoll-Fallback"), "");
    EXPECT_EQ(client.ask(get("/")).body, "default");
  }
  EXPECT_EQ(two.event("orders", "open"), 1);
  EXPECT_EQ(two.event("default", "open"), 0);
  EXPECT_EQ(two.event("default", "success"), 20);
  EXPECT_EQ(two.bed.metric("quoll_circuit_state{circuit=\"orders\"}"), 1);
  EXPECT_EQ(two.bed.metric("quoll_circuit_state{circuit=\"default\"}"), 0);
  EXPECT_THAT(client.ask(get("/orders")).body, HasSubstr("\"circuit\":{\"name\":\"orders\",\"state\":\"open\"}"));
  const std::string served =
      "http_server_request_duration_seconds_count{http_request_method=\"GET\",http_response_status_code=\"200\","
      "http_route=\"orders\"}";
  EXPECT_TRUE(eventually([&] { return two.bed.metric_if_there(served) == 21; })) << "counted once the answer has left";
}

TEST(Routes, EachHasItsOwnSettings) {
  const TwoUpstreams two(always(answer(500, "broken")), [](ProxyOptions& o) { o.routes.front().fallback = false; });
  Wire client = two.bed.client();
  EXPECT_EQ(client.ask(get("/orders")).status(), 500) << "its own: no fallback";
  EXPECT_EQ(client.ask(get("/")).status(), 200);

  const TwoUpstreams slow(
      [](Wire& wire, int) {
        wire.read_request();
        wire.read_to_end();  // never answers
      },
      [](ProxyOptions& o) { o.routes.front().timeout = std::chrono::milliseconds(50); });
  EXPECT_EQ(slow.bed.ask(get("/orders")).field("Quoll-Fallback"), "timeout");
}

TEST(Routes, RoutesToOneUpstreamShareItsConnections) {
  ScriptedUpstream shared(always(answer(200, "shared")));
  const std::string url = "http://127.0.0.1:" + std::to_string(shared.port());
  const Testbed bed(always(answer(200, "default")), [&](ProxyOptions& o) {
    o.add_route("a", "/a").upstream = url;
    o.add_route("b", "/b").upstream = url;
  });
  Wire client = bed.client();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(client.ask(get("/a")).body, "shared");
    EXPECT_EQ(client.ask(get("/b")).body, "shared");
  }
  EXPECT_EQ(shared.connections(), 1);
}

TEST(Routes, EveryOfManyCircuitsHasItsOwnMetrics) {
  constexpr int kRoutes = 2000;  // with eight events each, more than a family has by default
  const Testbed bed(always(answer(200, "ok")), [](ProxyOptions& o) {
    for (int i = 1; i < kRoutes; ++i) o.add_route("r" + std::to_string(i), "/r" + std::to_string(i));
  });
  bed.ask(get("/r1999"));
  EXPECT_EQ(bed.event("success"), 0);
  const std::string text = bed.admin("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").body;
  int states = 0;
  for (std::size_t at = 0; (at = text.find("\nquoll_circuit_state{", at)) != text.npos; ++at) ++states;
  EXPECT_EQ(states, kRoutes);
  EXPECT_THAT(text, HasSubstr("quoll_circuit_events_total{circuit=\"r1999\",event=\"success\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("quoll_metrics_overflow_total 0\n"));
}

TEST(Routes, ACircuitIsControlledByItsName) {
  const TwoUpstreams two(always(answer(200, "orders")));
  EXPECT_EQ(two.bed.control("/circuits/orders/open").status(), 200);
  Wire client = two.bed.client();
  EXPECT_EQ(client.ask(get("/orders")).field("Quoll-Fallback"), "open");
  EXPECT_EQ(client.ask(get("/")).body, "default");
  EXPECT_EQ(two.bed.control("/circuits/orders/auto").status(), 200);
  EXPECT_EQ(client.ask(get("/orders")).body, "orders");
  const Message unknown = two.bed.control("/circuits/nobody/open");
  EXPECT_EQ(unknown.status(), 404);
  EXPECT_THAT(unknown.body, HasSubstr("there are 'default', 'orders'"));
}

TEST(Routes, TheStatusHasALineForEachAndEverythingOfTheOneThatIsNamed) {
  const TwoUpstreams two(always(answer(200, "orders")));
  two.bed.ask(get("/orders"));
  two.bed.control("/circuits/orders/open");
  const auto page = [&](const std::string& path) {
    return two.bed.admin("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  };
  const std::string lines = page("/circuit-status").body;
  EXPECT_THAT(lines, HasSubstr("\"state\": \"forced_open\""));
  EXPECT_THAT(lines, HasSubstr("\"states\": {\"closed\": 1, \"forced_open\": 1}"));
  EXPECT_THAT(lines, HasSubstr("\"path\": \"/orders\""));
  EXPECT_THAT(lines, Not(HasSubstr("\"transitions\"")));
  const std::string one = page("/circuit-status?circuit=orders").body;
  EXPECT_THAT(one, HasSubstr("\"name\": \"orders\""));
  EXPECT_THAT(one, HasSubstr("\"transitions\""));
  EXPECT_THAT(one, Not(HasSubstr("\"name\": \"default\"")));
  EXPECT_EQ(page("/circuit-status?circuit=nobody").status(), 404);
  EXPECT_THAT(page("/health").body, HasSubstr("\"circuits\": {\"closed\": 1, \"forced_open\": 1}"));
  EXPECT_THAT(page("/config").body, HasSubstr("\"path\": \"/orders\""));
  EXPECT_THAT(two.bed.ask(get("/circuit-status?circuit=orders")).body, HasSubstr("\"transitions\""))
      << "on the clients' port, too";
}

TEST(Routes, TheStatusNamesOptionsAsTheConfigurationDoes) {
  TwoUpstreams two(always(answer(200, "orders")),
                   [](ProxyOptions& o) { o.routes[0].breaker.reset_timeout = minutes(10); });
  const auto page = [&](const std::string& path) {
    return json::parse(two.bed.admin("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").body);
  };
  const json::value options = page("/circuit-status?circuit=orders").at("circuits").at(0).at("options");
  json::object configured = page("/config").at("routes").at(0).as_object();
  EXPECT_EQ(options.at("breaker").at("reset_timeout_max"), "10m") << "resolved";
  for (const char* which : {"name", "host", "path"}) configured.erase(which);  // of the route and not of its calls
  EXPECT_EQ(options.as_object(), configured);
}

// What the live page is told of many circuits.
struct Many {
  explicit Many(int routes)
      : options([&] {
          ProxyOptions o;
          for (int i = 1; i < routes; ++i) o.add_route("r" + std::to_string(i), "/r" + std::to_string(i));
          return o;
        }()),
        endpoints(static_cast<std::size_t>(routes)),
        log({.level = telemetry::LogLevel::off}),
        routes_made(options, endpoints, 1, registry, log) {}

  ProxyOptions options;
  std::vector<net::TcpEndpoint> endpoints;
  telemetry::Registry registry;
  telemetry::Log log;
  Routes routes_made;
};

TEST(CircuitFeed, OfManyCircuitsOnlyThoseWithNewsAreTold) {
  Many many(1000);
  CircuitFeed feed(many.routes_made);
  const TimePoint now = steady_now();
  EXPECT_EQ(feed.status(now, true).at("lines").as_array().size(), 1000U) << "a new reader is told everything";
  (void)feed.status(now, false);
  EXPECT_EQ(feed.status(now, false).at("lines").as_array().size(), CircuitFeed::kMostLines);
  for (int i = 0; i < 4; ++i) (void)feed.status(now, false);
  EXPECT_TRUE(feed.status(now, false).at("lines").as_array().empty()) << "nothing happened";
  many.routes_made[7].circuit.count(Event::reject, 0);
  const auto status = feed.status(now, false);
  ASSERT_EQ(status.at("lines").as_array().size(), 1U);
  EXPECT_EQ(status.at("lines").as_array()[0].as_array()[0], 7);
  EXPECT_EQ(status.at("states").at("closed"), 1000);
}

TEST(CircuitFeed, AThousandTripsAtOnceAreToldInSteps) {
  Many many(1000);
  CircuitFeed feed(many.routes_made);
  const TimePoint now = steady_now();
  for (std::size_t i = 0; i < 1000; ++i) many.routes_made[i].circuit.force(core::Mode::forced_open, now);
  std::size_t told = 0;
  std::size_t looks = 0;
  for (std::string changes = "x"; !changes.empty(); ++looks) {
    changes = feed.changes(now, wall_now());
    std::size_t in_this = 0;
    for (std::size_t at = 0; (at = changes.find("event: transition", at)) != changes.npos; ++at) ++in_this;
    EXPECT_LE(in_this, CircuitFeed::kMostChanges);
    told += in_this;
  }
  EXPECT_EQ(told, 1000U);
  EXPECT_LE(looks, 17U) << "ten looks a second: all within two seconds";
}

TEST(Routes, EveryNameWithoutAnAddressIsReported) {
  ProxyOptions options;
  options.add_route("a", "/a").upstream = "http://a.invalid";
  options.add_route("b", "/b").upstream = "http://b.invalid:81";
  const auto found = resolve_upstreams(options);
  ASSERT_FALSE(found.has_value());
  EXPECT_THAT(found.error().message, HasSubstr("cannot resolve 'a.invalid'"));
  EXPECT_THAT(found.error().message, HasSubstr("cannot resolve 'b.invalid'"));
}

TEST(Routes, AThousandUpstreamsAreResolvedInOrder) {
  ProxyOptions options;
  for (int i = 0; i < 1000; ++i) {
    options.add_route("r" + std::to_string(i), "/r").upstream = "http://localhost:" + std::to_string(10'000 + i);
  }
  const auto found = resolve_upstreams(options);
  ASSERT_TRUE(found.has_value()) << found.error().message;
  ASSERT_EQ(found->size(), 1001U);
  for (std::size_t i = 1; i < found->size(); ++i) EXPECT_EQ((*found)[i].port(), 10'000 + i - 1);
}

}  // namespace
}  // namespace quoll::proxy::testing
