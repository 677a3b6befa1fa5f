// What the upstream is told of the client, and how a request is called.
#include "forwarded.h"

#include "one_answer.h"

namespace quoll::proxy::testing {
namespace {

TEST(Forwarded, TellsTheUpstreamOfTheClient) {
  OneAnswer up(answer(200, "x"));
  up.plane.ask(
      "GET / HTTP/1.1\r\nHost: shop.example:8080\r\nX-Forwarded-For: 10.1.2.3\r\nX-Forwarded-Proto: https\r\n"
      "x-forwarded-host: evil\r\nForwarded: for=10.1.2.3\r\n\r\n");
  const std::string& got = up.asked.back();
  EXPECT_TRUE(has(got, "\r\nX-Forwarded-For: 10.1.2.3\r\n"));
  EXPECT_TRUE(has(got, "\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\n")) << got;
  EXPECT_TRUE(has(got, "\r\nX-Forwarded-Host: shop.example:8080\r\n")) << got;
  EXPECT_TRUE(has(got, "\r\nForwarded: for=10.1.2.3\r\n"));
  EXPECT_TRUE(has(got, "\r\nForwarded: for=192.0.2.1;proto=http;host=\"shop.example:8080\"\r\n")) << got;
  EXPECT_FALSE(has(got, "https")) << "nobody vouches for it";
  EXPECT_FALSE(has(got, "evil"));

  up.plane.ask("GET / HTTP/1.0\r\n\r\n");
  EXPECT_FALSE(has(up.asked.back(), "X-Forwarded-Host")) << "there is none";
  EXPECT_TRUE(has(up.asked.back(), "\r\nForwarded: for=192.0.2.1;proto=http\r\n")) << up.asked.back();
}

TEST(Forwarded, OfTrustedProxiesIsBelieved) {
  OneAnswer up(answer(200, "x"), [](ProxyOptions& o) { o.trusted_hops = 1; });
  up.plane.ask(get("/", "X-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\n"));
  const std::string& got = up.asked.back();
  EXPECT_TRUE(has(got, "\r\nX-Forwarded-Proto: https\r\n"));
  EXPECT_TRUE(has(got, "\r\nX-Forwarded-Host: shop.example\r\n"));
  EXPECT_FALSE(has(got, "Proto: http\r\n"));
  up.plane.ask(get("/"));
  EXPECT_TRUE(has(up.asked.back(), "\r\nX-Forwarded-Proto: http\r\n")) << up.asked.back();
  EXPECT_TRUE(has(up.asked.back(), "\r\nX-Forwarded-Host: h\r\n")) << up.asked.back();
}

TEST(Forwarded, MayBeOfOneKindOrNone) {
  for (const auto& [kind, x, rfc] :
       {std::tuple(ForwardedKind::x_forwarded, true, false), std::tuple(ForwardedKind::rfc7239, false, true),
        std::tuple(ForwardedKind::off, false, false)}) {
    OneAnswer up(answer(200, "x"), [k = kind](ProxyOptions& o) { o.forwarded = k; });
    up.plane.ask(get("/"));
    EXPECT_EQ(has(up.asked.back(), "X-Forwarded-"), x) << up.asked.back();
    EXPECT_EQ(has(up.asked.back(), "\r\nForwarded: "), rfc) << up.asked.back();
  }
}

TEST(ClientAddress, IsSoManyEntriesFromTheEndOfWhatTrustedProxiesSay) {
  http::RequestHead head;
  http::HeadScan scan;
  const std::string bytes =
      "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: evil, 10.0.0.1\r\nX-Forwarded-For: 10.0.0.2 ,, 10.0.0.3\r\n\r\n";
  ASSERT_TRUE(http::parse_request(bytes, {}, scan, head).complete());
  EXPECT_EQ(client_address(head, "peer", 0), "peer");
  EXPECT_EQ(client_address(head, "peer", 1), "10.0.0.3");
  EXPECT_EQ(client_address(head, "peer", 2), "10.0.0.2");
  EXPECT_EQ(client_address(head, "peer", 3), "10.0.0.1");
  EXPECT_EQ(client_address(head, "peer", 9), "evil");
  head.clear();
  EXPECT_EQ(client_address(head, "peer", 1), "peer");
}

std::string field_of(const std::string& message, const std::string& name) {
  const std::size_t at = message.find("\r\n" + name + ": ");
  if (at == std::string::npos) return "";
  const std::size_t start = at + name.size() + 4;
  return message.substr(start, message.find("\r\n", start) - start);
}

TEST(RequestIds, AreMadeWhereThereIsNoneAndAreTheTracesThatBegins) {
  OneAnswer up(answer(200, "x"));
  up.plane.ask(get("/"));
  up.plane.ask(get("/", "X-Request-Id:\r\n"));
  const std::string first = field_of(up.asked[0], "X-Request-Id");
  EXPECT_EQ(first.size(), 32U);
  EXPECT_EQ(first.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(field_of(up.asked[0], "traceparent").substr(3, 32), first);
  EXPECT_NE(first, field_of(up.asked[1], "X-Request-Id"));
  up.plane.ask(get("/", "x-request-id: mine\r\nX-Request-Id: again\r\n"));
  EXPECT_TRUE(has(up.asked.back(), "\r\nx-request-id: mine\r\n"));
  EXPECT_FALSE(has(up.asked.back(), "X-Request-Id"));

  OneAnswer untraced(answer(200, "x"), [](ProxyOptions& o) { o.trace = TraceKind::off; });
  untraced.plane.ask(get("/"));
  EXPECT_EQ(field_of(untraced.asked[0], "X-Request-Id").size(), 32U);
}

TEST(RequestIds, AreInOurOwnErrors) {
  ScriptedPlane plane;
  plane.upstream.fails_with = ECONNREFUSED;
  EXPECT_EQ(field_of(plane.ask(get("/", "X-Request-Id: mine\r\n")).received, "X-Request-Id"), "mine");
  EXPECT_EQ(field_of(plane.ask(get("/")).received, "X-Request-Id").size(), 32U);
  EXPECT_EQ(field_of(plane.ask("CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n").received, "X-Request-Id").size(), 32U);

  OneAnswer cut("garbage\r\n\r\n");
  const std::string got = cut.plane.ask(get("/")).received;
  EXPECT_EQ(field_of(got, "X-Request-Id"), field_of(cut.asked[0], "X-Request-Id"));
}

}  // namespace
}  // namespace quoll::proxy::testing
