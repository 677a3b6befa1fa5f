// Which requests the fallback answers. A write that is answered 200 though it never arrived is data lost.
#include "testbed.h"

namespace quoll::proxy::testing {
namespace {

std::string request(std::string_view method) {
  return std::string(method) + " /x HTTP/1.1\r\nHost: svc.test\r\nContent-Length: 4\r\n\r\ndata";
}

TEST(FallbackFlow, AWriteThatDidNotReachADeadUpstreamIsNotAnsweredAsDone) {
  Testbed bed(always(answer(200, "ok")), [](ProxyOptions& o) { o.breaker.minimum_volume = 1000; });
  bed.upstream.stop();
  for (const char* method : {"POST", "PUT", "PATCH", "DELETE", "PURGE", "get"}) {
    const Message got = bed.ask(request(method));
    EXPECT_EQ(got.status(), 502) << method;
    EXPECT_EQ(got.field("Quoll-Fallback"), "") << method;
    EXPECT_NE(got.field("Proxy-Status").find("error=connection_refused"), std::string::npos) << method;
    EXPECT_EQ(got.body.find("{\"error\":"), 0U) << method;
  }
  for (const char* method : {"GET", "OPTIONS", "TRACE"}) {
    const Message got = bed.ask(request(method));
    EXPECT_EQ(got.status(), 200) << method;
    EXPECT_EQ(got.field("Quoll-Fallback"), "error") << method;
  }
  EXPECT_EQ(bed.ask("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", true).field("Quoll-Fallback"), "error");
  EXPECT_EQ(bed.event("fallback"), 4);
}

TEST(FallbackFlow, AWriteIsToldWhyAndWhenToComeBack) {
  Testbed bed(
      [](Wire& wire, int) {
        const Message got = wire.read_request();
        if (got.line().find(" /slow ") != std::string::npos) return static_cast<void>(wire.read_to_end());
        wire.send(answer(503, "the upstream's own", "X-Own: 1\r\n"));
      },
      [](ProxyOptions& o) {
        o.timeout = std::chrono::milliseconds(50);
        o.breaker.minimum_volume = 2;
      });
  const Message own = bed.ask(request("POST"));
  EXPECT_EQ(own.status(), 503);
  EXPECT_EQ(own.body, "the upstream's own") << "as with the fallback off";
  EXPECT_EQ(own.field("X-Own"), "1");
  EXPECT_EQ(bed.ask(post("/slow", "data")).status(), 504);
  const Message refused = bed.ask(request("DELETE"));
  EXPECT_EQ(refused.status(), 503);
  EXPECT_NE(refused.field("Proxy-Status").find("circuit open"), std::string::npos);
  EXPECT_EQ(refused.field("Retry-After"), "5");
  EXPECT_EQ(bed.ask(get()).field("Quoll-Fallback"), "open");
}

TEST(FallbackFlow, TheMethodsAreARoutesToChoose) {
  Testbed bed(always(answer(500, "broken")), [](ProxyOptions& o) {
    o.breaker.mode = core::Mode::disabled;
    o.add_route("all", "/all").fallback_methods = {};
    o.add_route("list", "/list").fallback_methods = {"POST", "PROPFIND"};
  });
  const auto falls_back = [&](std::string_view method, std::string_view path) {
    return bed.ask(std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: h\r\n\r\n").status() == 200;
  };
  EXPECT_TRUE(falls_back("GET", "/"));
  EXPECT_FALSE(falls_back("POST", "/"));
  for (const char* method : {"GET", "POST", "DELETE", "PURGE"}) EXPECT_TRUE(falls_back(method, "/all")) << method;
  EXPECT_TRUE(falls_back("POST", "/list"));
  EXPECT_TRUE(falls_back("PROPFIND", "/list"));
  EXPECT_FALSE(falls_back("GET", "/list"));
}

}  // namespace
}  // namespace quoll::proxy::testing
