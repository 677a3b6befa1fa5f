// Bodies stream through the proxy in both directions, at any length, and end early without harm.
#include <array>

#include "quoll/base/rng.h"
#include "quoll/http/write.h"
#include "testbed.h"

namespace quoll::proxy::testing {
namespace {

constexpr std::size_t kLong = 64U << 20U;

std::string pattern(std::size_t from, std::size_t bytes) {
  std::string out(bytes, '\0');
  for (std::size_t i = 0; i < bytes; ++i) out[i] = static_cast<char>('a' + (from + i) / 7 % 26);
  return out;
}

// Reads `bytes` of the pattern; how many were as they should be.
std::size_t read_pattern(Wire& wire, std::size_t bytes) {
  std::size_t at = 0;
  while (at < bytes) {
    const std::size_t step = std::min<std::size_t>(bytes - at, 1U << 18U);
    const std::string got = wire.read_exactly(step);
    if (got != pattern(at, got.size())) return at;
    at += got.size();
    if (got.size() < step) break;
  }
  return at;
}
void send_pattern(Wire& wire, std::size_t bytes) {
  for (std::size_t at = 0; at < bytes;) {
    const std::size_t step = std::min<std::size_t>(bytes - at, 1U << 18U);
    if (!wire.send(pattern(at, step))) return;
    at += step;
  }
}
std::string head(std::string_view line, std::size_t bytes) {
  return std::string(line) + "\r\nHost: h\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n";
}

// In chunks, most of them tiny, some with an extension.
std::string chunked(std::string_view body, std::uint64_t seed) {
  Rng rng(seed);
  std::string out;
  while (!body.empty()) {
    const std::size_t most = rng.uniform_int(0, 7) == 0 ? 6000 : 40;
    const std::string_view run = body.substr(0, rng.uniform_int(1, most));
    std::array<char, http::kChunkHeaderBytes> header;
    std::string line(http::format_chunk_header(header, run.size()));
    if (rng.uniform_int(0, 3) == 0) line.insert(line.size() - 2, ";a=b");
    out.append(line).append(run).append(http::kChunkEnd);
    body.remove_prefix(run.size());
  }
  return out + std::string(http::kLastChunk);
}

TEST(BodyStream, ALongAnswerArrivesWhole) {
  Testbed bed([](Wire& wire, int) {
    wire.read_request();
    wire.send(head("HTTP/1.1 200 OK", kLong));
    send_pattern(wire, kLong);
  });
  Wire client = bed.client();
  ASSERT_TRUE(client.send(get()));
  EXPECT_EQ(client.read_head().field("Content-Length"), std::to_string(kLong));
  EXPECT_EQ(read_pattern(client, kLong), kLong);
  EXPECT_EQ(bed.event("success"), 1);
}

TEST(BodyStream, ALongRequestArrivesWhole) {
  std::atomic<std::size_t> good{0};
  Testbed bed([&](Wire& wire, int) {
    wire.read_head();
    good = read_pattern(wire, kLong);
    wire.send(answer(200, "thanks"));
    wire.read_to_end();
  });
  Wire client = bed.client();
  ASSERT_TRUE(client.send(head("POST / HTTP/1.1", kLong)));
  send_pattern(client, kLong);
  EXPECT_EQ(client.read_answer().body, "thanks");
  EXPECT_EQ(good, kLong);
}

// Runs of a few bytes are joined before they are sent on: a piece more, a piece less or one out of order would show.
TEST(BodyStream, ChunksOfAnySizeArriveInOrderInBothDirections) {
  Testbed bed([](Wire& wire, int) {
    while (true) {
      const Message request = wire.read_request();
      if (!request.whole) return;
      const std::string framed = chunked(request.body, 11);
      if (!wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + framed)) return;
    }
  });
  const std::string body = pattern(0, 200'000);
  const std::string fields = "Host: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  Wire client = bed.client();
  std::string bytes;  // each request right behind the one before it, which must not be touched
  for (const unsigned seed : {1U, 2U, 3U}) bytes += "POST / HTTP/1.1\r\n" + fields + chunked(body, seed);
  std::thread sender([&] { client.send(bytes); });
  for (int i = 0; i < 3; ++i) {
    const Message got = client.read_answer();
    EXPECT_TRUE(got.whole);
    EXPECT_TRUE(got.body == body) << got.body.size();
  }
  sender.join();

  Wire old = bed.client();
  ASSERT_TRUE(old.send("POST / HTTP/1.0\r\nContent-Length: 200000\r\n\r\n" + body));
  const Message got = old.read_answer();
  EXPECT_FALSE(got.chunked);
  EXPECT_TRUE(got.whole && got.body == body) << got.body.size();
}

TEST(BodyStream, AnAnswerMayStreamWhileTheRequestStillDoes) {
  // Far more than all socket buffers hold: a client that does not read while it writes would wait for ever.
  Testbed bed([](Wire& wire, int) {
    wire.read_head();
    wire.send(head("HTTP/1.1 200 OK", kLong));
    for (std::size_t left = kLong; left > 0;) {
      const std::string piece = wire.read_exactly(std::min<std::size_t>(left, 1U << 16U));
      if (piece.empty() || !wire.send(piece)) return;
      left -= piece.size();
    }
    wire.read_to_end();
  });
  Wire client = bed.client();
  ASSERT_TRUE(client.send(head("POST / HTTP/1.1", kLong)));
  std::thread sender([&] { send_pattern(client, kLong); });
  EXPECT_EQ(client.read_head().status(), 200);
  EXPECT_EQ(read_pattern(client, kLong), kLong);
  sender.join();
  EXPECT_EQ(bed.event("success"), 1);
}

TEST(BodyStream, ABodyRefusedEarlyStillHasItsAnswer) {
  for (const bool closes : {false, true}) {
    Testbed bed([&](Wire& wire, int) {
      wire.read_head();
      wire.send(answer(413, "too much", closes ? "Connection: close\r\n" : ""));
      if (closes) wire.finish_sending();
      wire.read_to_end();
    });
    Wire client = bed.client();
    ASSERT_TRUE(client.send(head("POST / HTTP/1.1", 1U << 20U) + std::string(1000, 'x')));
    const Message got = client.read_answer();
    EXPECT_EQ(got.status(), 413);
    EXPECT_EQ(got.body, "too much");
    EXPECT_EQ(bed.event("success"), 1) << "a 4xx is no failure of the upstream";
    client.finish_sending();
    EXPECT_EQ(client.read_to_end(), WireEnd::eof);
  }
}

TEST(BodyStream, AnAnswerIsReadableThoughTheClientKeepsSending) {
  // 8 MiB arrive after the answer: were the connection closed on unread bytes, the answer would be lost to a reset.
  Testbed bed([](Wire& wire, int) {
    wire.read_head();
    wire.send(answer(413, "too much", "Connection: close\r\n"));
    wire.finish_sending();
    wire.read_to_end();
  });
  Wire client = bed.client();
  ASSERT_TRUE(client.send(head("POST / HTTP/1.1", kLong)));
  EXPECT_TRUE(client.send(std::string(8U << 20U, 'x')));
  EXPECT_EQ(client.read_answer().status(), 413);
}

TEST(BodyStream, AnUpstreamThatAnswersWithoutReadingItsRequestIsNotReused) {
  // Bodies around the size that the sockets' buffers hold: one of them has been read from the client, and its last
  // piece waits for the upstream, when the answer is complete. Its connection was once put into the pool in that state.
  std::atomic<int> answered{0};
  std::atomic<int> served{0};
  Testbed bed([&](Wire& wire, int) {
    for (;;) {
      const Message request = wire.read_head();
      const int nth = served++;
      if (!wire.send(answer(200, "ok"))) return;
      eventually([&] { return answered > nth; });  // unread until then: the sender's write has to wait
      const std::size_t bytes = std::strtoull(request.field("Content-Length").c_str(), nullptr, 10);
      if (request.head.empty() || read_pattern(wire, bytes) != bytes) return;
    }
  });
  for (std::size_t bytes = 1U << 16U; bytes <= (4U << 20U); bytes += 1U << 16U) {
    Wire each = bed.client();
    std::thread sender([&] {
      if (each.send(head("POST / HTTP/1.1", bytes))) send_pattern(each, bytes);
    });
    EXPECT_EQ(each.read_answer().body, "ok") << bytes;
    ++answered;
    sender.join();
  }
  EXPECT_EQ(bed.event("success"), 64);
  EXPECT_EQ(bed.event("failure"), 0);
}

TEST(BodyStream, AClientThatLeavesMidRequestIsNobodysFailure) {
  std::atomic<int> ended{0};
  Testbed bed([&](Wire& wire, int) {
    wire.read_head();
    wire.read_to_end();
    ++ended;
  });
  for (const bool reset : {false, true}) {
    Wire client = bed.client();
    ASSERT_TRUE(client.send(head("POST / HTTP/1.1", 1000) + "half"));
    EXPECT_TRUE(eventually([&] { return bed.upstream.connections() == (reset ? 2 : 1); }));
    if (reset) client.reset();
  }
  EXPECT_TRUE(eventually([&] { return bed.attempts("cancelled") == 2; }));
  EXPECT_TRUE(eventually([&] { return ended == 2; })) << "the upstream is let go";
  EXPECT_EQ(bed.event("failure") + bed.event("timeout") + bed.event("success"), 0);
}

TEST(BodyStream, AClientThatLeavesWhileBothBodiesStreamIsNobodysFailure) {
  Testbed bed([&](Wire& wire, int) {
    wire.read_head();
    wire.send(head("HTTP/1.1 200 OK", 1000) + "some");
    wire.read_to_end();
  });
  Wire client = bed.client();
  ASSERT_TRUE(client.send(head("POST / HTTP/1.1", 1000) + "half"));
  EXPECT_EQ(client.read_head().status(), 200);
  client.reset();
  EXPECT_TRUE(eventually([&] { return bed.attempts("cancelled") == 1; }));
  EXPECT_EQ(bed.event("failure") + bed.event("timeout") + bed.event("success"), 0);
}

TEST(BodyStream, AClientThatLeavesMidAnswerIsNobodysFailure) {
  Testbed bed([&](Wire& wire, int) {
    wire.read_head();
    wire.send(head("HTTP/1.1 200 OK", kLong));
    send_pattern(wire, kLong);
  });
  Wire client = bed.client();
  ASSERT_TRUE(client.send(get()));
  EXPECT_EQ(client.read_exactly(100000).size(), 100000U);
  client.reset();
  EXPECT_TRUE(eventually([&] { return bed.attempts("cancelled") == 1; }));
  EXPECT_EQ(bed.event("failure") + bed.event("timeout") + bed.event("success"), 0);
}

TEST(BodyStream, AMalformedBodyIsTheClientsFault) {
  Testbed bed([&](Wire& wire, int) { wire.read_to_end(); });
  const std::string chunked = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const bool at_once : {true, false}) {
    Wire client = bed.client();
    ASSERT_TRUE(client.send(chunked + (at_once ? "zz\r\n" : "3\r\nabc\r\n")));
    if (!at_once) {
      EXPECT_TRUE(eventually([&] { return bed.upstream.connections() == 2; }));
      ASSERT_TRUE(client.send("oops\r\n"));
    }
    EXPECT_EQ(client.read_answer().status(), 400);
    EXPECT_EQ(client.read_to_end(), WireEnd::eof);
  }
  EXPECT_TRUE(eventually([&] { return bed.attempts("cancelled") == 2; }));
  EXPECT_EQ(bed.event("failure") + bed.event("timeout") + bed.event("success"), 0);
}

TEST(BodyStream, ABodyThatNobodyWantedDoesNotSpoilTheConnection) {
  Testbed bed(always(answer(200, "ok")));
  EXPECT_EQ(bed.control("/circuits/default/open").status(), 200);
  Wire client = bed.client();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(client.ask(post("/", std::string(20000, 'x'))).status(), 503);
  }
  EXPECT_EQ(client.ask(get()).field("Quoll-Fallback"), "open");
  const Message got = client.ask(head("POST / HTTP/1.1", 1U << 20U));
  EXPECT_EQ(got.field("Connection"), "close");
}

}  // namespace
}  // namespace quoll::proxy::testing
