// What goes through the proxy comes out as it went in, but for what belongs to one connection only.
#include "testbed.h"

namespace quoll::proxy::testing {
namespace {

// Answers each request with the request's own text as its body.
void mirror(Wire& wire, int) {
  for (;;) {
    const Message request = wire.read_request();
    if (!request.whole) return;
    const bool head = request.line().starts_with("HEAD");
    const std::string body = request.head + request.body;
    if (!wire.send(answer(200, head ? "" : body))) return;
  }
}

TEST(Forward, AnyMethodPathAndQueryReachesTheUpstreamAsWritten) {
  Testbed bed(mirror);
  Wire client = bed.client();
  for (const std::string_view line :
       {"GET /api/data", "DELETE /a%20b/c;d=1?x=%2F&y=1&y=2", "OPTIONS *", "PATCH /p?", "BREW /pot", "PUT //x/../y"}) {
    const Message got = client.ask(std::string(line) + " HTTP/1.1\r\nHost: svc.test\r\n\r\n");
    EXPECT_EQ(got.status(), 200);
    EXPECT_TRUE(got.body.starts_with(std::string(line) + " HTTP/1.1\r\n")) << got.body;
  }
  EXPECT_EQ(bed.upstream.connections(), 1) << "one kept connection serves them all";
}

TEST(Forward, HopByHopFieldsAreDroppedAndOursAdded) {
  Testbed bed(mirror);
  const Message got = bed.ask(
      get("/",
          "Connection: X-Mine, keep-alive\r\nX-Mine: secret\r\nKeep-Alive: timeout=5\r\nTE: gzip;q=0.5, trailers\r\n"
          "Upgrade: h2c\r\nProxy-Connection: keep-alive\r\nX-Forwarded-For: 10.1.2.3\r\nX-Kept: yes\r\n"));
  const Message seen{got.body, "", true, false};
  EXPECT_EQ(seen.field("Connection"), "TE") << "ours: trailers are taken on";
  EXPECT_EQ(seen.field("X-Mine"), "");
  EXPECT_EQ(seen.field("Keep-Alive"), "");
  EXPECT_EQ(seen.field("TE"), "trailers");
  EXPECT_EQ(seen.field("Upgrade"), "");
  EXPECT_EQ(seen.field("Proxy-Connection"), "");
  EXPECT_EQ(seen.field("X-Kept"), "yes");
  EXPECT_EQ(seen.field("Host"), "svc.test");
  EXPECT_EQ(seen.field("X-Forwarded-For"), "10.1.2.3, 127.0.0.1");
  EXPECT_EQ(seen.field("Via"), "1.1 quoll");
}

TEST(Forward, HopByHopFieldsOfTheAnswerAreDropped) {
  Testbed bed(
      always(answer(201, "made", "Connection: X-Mine\r\nX-Mine: a\r\nKeep-Alive: timeout=5\r\nETag: \"e\"\r\n")));
  const Message got = bed.ask(get());
  EXPECT_EQ(got.line(), "HTTP/1.1 201 Word");
  EXPECT_EQ(got.body, "made");
  EXPECT_EQ(got.field("X-Mine"), "");
  EXPECT_EQ(got.field("Connection"), "");
  EXPECT_EQ(got.field("Keep-Alive"), "");
  EXPECT_EQ(got.field("ETag"), "\"e\"");
}

TEST(Forward, AnAbsoluteTargetOverridesHost) {
  Testbed bed(mirror);
  const Message got = bed.ask("GET http://other.test:81/x?y HTTP/1.1\r\nHost: svc.test\r\n\r\n");
  const Message seen{got.body, "", true, false};
  EXPECT_EQ(seen.line(), "GET /x?y HTTP/1.1");
  EXPECT_EQ(seen.field("Host"), "other.test:81");  // RFC 9112 section 3.2.2
}

TEST(Forward, BodiesOfBothFramingsArriveWhole) {
  Testbed bed(mirror);
  Wire client = bed.client();
  const Message sized = client.ask(post("/a", "hello"));
  EXPECT_NE(sized.body.find("\r\nContent-Length: 5\r\n"), std::string::npos);
  EXPECT_TRUE(sized.body.ends_with("\r\nVia: 1.1 quoll\r\n\r\nhello")) << sized.body;
  const Message empty = client.ask(post("/a", ""));
  EXPECT_NE(empty.body.find("Content-Length: 0\r\n"), std::string::npos);
  const Message chunked = client.ask(
      "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n4\r\ndefg\r\n0\r\nTrailer: "
      "t\r\n\r\n");
  EXPECT_TRUE(chunked.whole);
  EXPECT_TRUE(chunked.body.ends_with("abcdefg")) << chunked.body;
  EXPECT_EQ(chunked.body.find("Trailer"), std::string::npos);
  EXPECT_EQ(bed.upstream.connections(), 1);
}

TEST(Forward, AnswersWithoutABodyHaveNone) {
  const std::string longer = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n";
  Testbed bed([&](Wire& wire, int) {
    for (;;) {
      const Message request = wire.read_request();
      if (!request.whole) return;
      if (request.line().starts_with("HEAD")) wire.send(longer);
      if (request.line().starts_with("GET /204")) wire.send("HTTP/1.1 204 No Content\r\n\r\n");
      if (request.line().starts_with("GET /304")) wire.send("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n");
      if (request.line().starts_with("GET /last")) wire.send(answer(200, "last"));
    }
  });
  Wire client = bed.client();
  const Message head = client.ask("HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n", true);
  EXPECT_EQ(head.status(), 200);
  EXPECT_EQ(head.field("Content-Length"), "1000");
  EXPECT_EQ(client.ask(get("/204")).status(), 204);
  EXPECT_EQ(client.ask(get("/304")).status(), 304);
  EXPECT_EQ(client.ask(get("/last")).body, "last");
  EXPECT_EQ(bed.upstream.connections(), 1);
}

TEST(Forward, PipelinedRequestsAreAnsweredInOrder) {
  Testbed bed(mirror);
  Wire client = bed.client();
  std::string burst;
  for (int i = 0; i < 50; ++i) {
    const std::string path = "/" + std::to_string(i);
    burst += i % 3 == 0 ? post(path, std::string(100, 'b')) : get(path);
  }
  ASSERT_TRUE(client.send(burst));
  for (int i = 0; i < 50; ++i) {
    const Message got = client.read_answer();
    ASSERT_NE(got.body.find(" /" + std::to_string(i) + " HTTP/1.1"), std::string::npos) << i;
  }
}

TEST(Forward, AnOldClientGetsItsConnectionClosedUnlessItAsks) {
  Testbed bed(mirror);
  Wire once = bed.client();
  EXPECT_TRUE(once.ask("GET / HTTP/1.0\r\n\r\n").whole);
  EXPECT_EQ(once.read_to_end(), WireEnd::eof);
  Wire kept = bed.client();
  for (int i = 0; i < 3; ++i) {
    const Message got = kept.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(got.status(), 200);
    EXPECT_EQ(got.field("Connection"), "keep-alive");
    EXPECT_NE(got.body.find("Via: 1.0 quoll"), std::string::npos);
    EXPECT_NE(got.body.find("Host: 127.0.0.1:"), std::string::npos) << "HTTP/1.1 needs a Host";
  }
}

TEST(Forward, AnOldClientThatKeepsItsConnectionIsToldSoInOurOwnAnswersToo) {
  Testbed bed(mirror);
  Wire client = bed.client();
  for (int i = 0; i < 2; ++i) {
    const Message got = client.ask("GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(got.status(), 200);
    EXPECT_EQ(got.field("Connection"), "keep-alive") << "without it, ab -k waits for the end";
  }
}

TEST(Forward, AnAnswerThatEndsWithItsConnectionIsReframed) {
  Testbed bed([](Wire& wire, int) {
    if (!wire.read_request().whole) return;
    wire.send("HTTP/1.1 200 OK\r\n\r\nup to the end");
  });
  Wire client = bed.client();
  for (int i = 0; i < 2; ++i) {
    const Message got = client.ask(get());
    EXPECT_TRUE(got.whole);
    EXPECT_TRUE(got.chunked);
    EXPECT_EQ(got.body, "up to the end");
  }
  Wire old = bed.client();
  const Message got = old.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_FALSE(got.chunked);
  EXPECT_EQ(got.body, "up to the end");
  EXPECT_EQ(got.field("Connection"), "close");
}

TEST(Forward, AChunkedAnswerStaysChunkedAndItsConnectionIsKept) {
  Testbed bed(
      always("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;e=1\r\nde\r\n0\r\nX: t\r\n\r\n"));
  Wire client = bed.client();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.ask(get()).body, "abcde");
  Wire old = bed.client();
  EXPECT_EQ(old.ask("GET / HTTP/1.0\r\n\r\n").body, "abcde");
  EXPECT_EQ(bed.upstream.connections(), 1);
}

TEST(Forward, AClientThatWaitsForContinueIsToldToGoOn) {
  Testbed bed(mirror);
  Wire client = bed.client();
  ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"));
  EXPECT_EQ(client.read_answer().status(), 100);
  const Message got = client.ask("body");
  EXPECT_EQ(got.status(), 200);
  EXPECT_TRUE(got.body.ends_with("\r\n\r\nbody"));
  EXPECT_NE(got.body.find("Expect: 100-continue\r\n"), std::string::npos) << "it was the upstream's to meet";
  EXPECT_EQ(client.ask(get()).status(), 200);
}

TEST(Forward, ARefusedExpectationEndsTheConnectionAndSaysSo) {
  Testbed bed(mirror);
  EXPECT_EQ(bed.control("/circuits/default/open").status(), 200);
  Wire client = bed.client();
  const Message got = client.ask("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  EXPECT_EQ(got.status(), 503);
  EXPECT_EQ(got.field("Connection"), "close");
  client.finish_sending();
  EXPECT_EQ(client.read_to_end(), WireEnd::eof);
}

TEST(Forward, ConnectIsNoRequestForAResource) {
  Testbed bed(mirror);
  EXPECT_EQ(bed.ask("CONNECT svc.test:443 HTTP/1.1\r\nHost: svc.test:443\r\n\r\n").status(), 405);
  EXPECT_EQ(bed.upstream.connections(), 0);
}

TEST(Forward, WorkersShareThePort) {
  Testbed bed(mirror, [](ProxyOptions& o) { o.workers = 2; });
  std::vector<Wire> clients;
  clients.reserve(32);
  for (int i = 0; i < 32; ++i) clients.push_back(bed.client());
  for (int round = 0; round < 3; ++round) {
    for (Wire& client : clients) ASSERT_EQ(client.ask(get()).status(), 200);
  }
  EXPECT_EQ(bed.event("success"), 96);
}

}  // namespace
}  // namespace quoll::proxy::testing
