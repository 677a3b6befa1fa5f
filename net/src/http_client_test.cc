#include "quoll/net/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "quoll/testing/scripted_server.h"

namespace quoll::net {
namespace {

using ::testing::HasSubstr;
using testing::ListeningPort;
using testing::Message;
using testing::ScriptedServer;
using ::testing::StartsWith;
using testing::Wire;

constexpr HttpClientOptions kPatient{.timeout = std::chrono::seconds(20)};

// One answer, then the end of the connection.
ScriptedServer::Script once(std::string answer) {
  return [answer](Wire& wire, int) {
    (void)wire.read_request();
    wire.send(answer);
  };
}

HttpClient client_of(const ScriptedServer& server, const HttpClientOptions& options = kPatient) {
  return {"127.0.0.1", server.port(), options};
}

// The error of GET /path.
Error error_of(const ScriptedServer& server, const HttpClientOptions& options = kPatient) {
  const auto got = client_of(server, options).get("/path");
  return got ? Error{"no fault"} : got.error();
}

TEST(HttpClient, ReadsBodiesByLengthChunkedAndUntilClose) {
  for (const char* answer : {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
                             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
                             "HTTP/1.0 200 OK\r\n\r\nhello"}) {
    const ScriptedServer server(once(answer));
    const auto got = client_of(server).get("/x");
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(got->status, 200U);
    EXPECT_EQ(got->body, "hello");
  }
}

TEST(HttpClient, InterimAnswersAreNotTheAnswer) {
  const ScriptedServer server(
      once("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
           "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  EXPECT_EQ(client_of(server).get_ok("/").value(), "ok");
}

TEST(HttpClient, AskForAnAnswerOfTheHostAndTheEndOfTheConnection) {
  Message seen;
  ScriptedServer server([&seen](Wire& wire, int) {
    seen = wire.read_request();
    wire.send("HTTP/1.1 204 No Content\r\n\r\n");
  });
  const auto got = client_of(server).get("/health?x=1");
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->status, 204U);
  server.stop();
  EXPECT_EQ(seen.line(), "GET /health?x=1 HTTP/1.1");
  EXPECT_EQ(seen.field("Host"), "127.0.0.1:" + std::to_string(server.port()));
  EXPECT_EQ(seen.field("Connection"), "close");
  EXPECT_EQ(seen.field("Content-Length"), "");
}

TEST(HttpClient, APostCarriesItsJsonAndItsLengthAlsoOfNothing) {
  for (const std::string body : {R"({"mode":"hang"})", ""}) {
    Message seen;
    ScriptedServer server([&seen](Wire& wire, int) {
      seen = wire.read_request();
      wire.send("HTTP/1.1 204 No Content\r\n\r\n");
    });
    ASSERT_TRUE(client_of(server).post("/control", body));
    server.stop();
    EXPECT_EQ(seen.line(), "POST /control HTTP/1.1");
    EXPECT_EQ(seen.field("Content-Length"), std::to_string(body.size()));
    EXPECT_EQ(seen.field("Content-Type"), body.empty() ? "" : "application/json");
    EXPECT_EQ(seen.body, body);
  }
}

TEST(HttpClient, ErrorsNameTheUrlAndTellTheirKindsApart) {
  std::uint16_t nobody = 0;
  {
    const ListeningPort gone;
    nobody = gone.port();
  }
  const auto refused = HttpClient("127.0.0.1", nobody, kPatient).get("/health");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "connect");
  EXPECT_EQ(refused.error().message, "GET http://127.0.0.1:" + std::to_string(nobody) + "/health: Connection refused");
  const auto nowhere = HttpClient("no-such-host.invalid", 80, kPatient).get("/");
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, "resolve");
  const auto missing =
      client_of(ScriptedServer(once("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope"))).get_ok("/");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, "status");
  EXPECT_THAT(missing.error().message, HasSubstr("404: nope"));
}

TEST(HttpClient, WhatIsNoWholeAnswerIsAProtocolError) {
  for (const char* answer : {"what?\r\n\r\n", "", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
                             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    const ScriptedServer server(once(answer));
    const Error error = error_of(server);
    EXPECT_EQ(error.code, "protocol") << answer << ": " << error.message;
    EXPECT_THAT(error.message, StartsWith("GET " + server.url("/path") + ": "));
  }
}

TEST(HttpClient, AnAnswerAboveTheLimitIsRefused) {
  const ScriptedServer server(once("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"));
  EXPECT_EQ(error_of(server, {.timeout = std::chrono::seconds(20), .most_bytes = 4}).code, "protocol");
}

TEST(HttpClient, ASilentServerIsATimeoutAndAStopEndsTheWait) {
  const ScriptedServer silent([](Wire& wire, int) { wire.read_to_end(); });
  EXPECT_EQ(error_of(silent, {.timeout = std::chrono::milliseconds(30)}).code, "timeout");
  StopSignal stop;
  const ScriptedServer asks([&stop](Wire& wire, int) {
    stop.request();
    wire.read_to_end();
  });
  EXPECT_EQ(error_of(asks, {.timeout = std::chrono::seconds(20), .stop = &stop}).code, "stopped");
  EXPECT_EQ(error_of(silent, {.timeout = std::chrono::seconds(20), .stop = &stop}).code, "stopped");
}

TEST(HttpClient, AnAddressOfVersion6StandsInBrackets) {
  EXPECT_EQ(HttpClient("::1", 80).url("/x"), "http://[::1]:80/x");
}

}  // namespace
}  // namespace quoll::net
