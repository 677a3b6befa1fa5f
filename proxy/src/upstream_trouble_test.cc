// Whatever an upstream does, the client gets an answer (or a cut connection, where its head has gone), each call is
// counted once, and the next one works.
#include "testbed.h"

namespace quoll::proxy::testing {
namespace {

using std::chrono::milliseconds;

void fallback_off(ProxyOptions& o) {
  o.fallback = false;
  o.breaker.mode = core::Mode::metrics_only;  // these tests are about single calls
}
void fallback_on(ProxyOptions& o) {
  o.fallback_methods = {};  // all
  o.breaker.mode = core::Mode::metrics_only;
}
void impatient(ProxyOptions& o) {
  fallback_on(o);
  o.timeout = milliseconds(200);
  o.body_gap = milliseconds(200);
}

ScriptedUpstream::Script once(std::string text) {
  return [text = std::move(text)](Wire& wire, int) {
    if (wire.read_request().whole) wire.send(text);
  };
}

Duration since(TimePoint start) {
  return steady_now() - start;
}

TEST(UpstreamTrouble, AnAbsentUpstreamIsAFailure) {
  for (const bool fallback : {true, false}) {
    Testbed bed(once(""), fallback ? fallback_on : fallback_off);
    bed.upstream.stop();
    Wire client = bed.client();
    for (int i = 0; i < 2; ++i) {
      const Message got = client.ask(i == 0 ? get() : post("/", "body"));
      EXPECT_EQ(got.status(), fallback ? 200 : 502);
      EXPECT_EQ(got.field("Quoll-Fallback"), fallback ? "error" : "");
      EXPECT_NE(got.field("Proxy-Status").find("error=connection_refused"), std::string::npos);
      EXPECT_EQ(got.field("Cache-Control"), "no-store");
    }
    EXPECT_EQ(bed.event("failure"), 2);
    EXPECT_EQ(bed.event("fallback"), fallback ? 2 : 0);
  }
}

TEST(UpstreamTrouble, AnUpstreamThatNeverAnswersIsATimeout) {
  for (const bool fallback : {true, false}) {
    Testbed bed([](Wire& wire, int) { wire.read_to_end(); },
                [&](ProxyOptions& o) {
                  impatient(o);
                  o.fallback = fallback;
                });
    Wire client = bed.client();
    const TimePoint start = steady_now();
    const Message got = client.ask(get());
    EXPECT_EQ(got.status(), fallback ? 200 : 504);
    EXPECT_EQ(got.field("Quoll-Fallback"), fallback ? "timeout" : "");
    EXPECT_NE(got.field("Proxy-Status").find("error=http_response_timeout"), std::string::npos);
    EXPECT_GE(since(start), milliseconds(200));
    EXPECT_LT(since(start), milliseconds(1500));
    EXPECT_EQ(client.ask(post("/", "body")).status(), fallback ? 200 : 504);
    EXPECT_EQ(bed.event("timeout"), 2);
    EXPECT_EQ(bed.event("failure"), 0);
  }
}

TEST(UpstreamTrouble, TheTimeoutCountsFromTheEndOfTheRequest) {
  Testbed bed(
      [](Wire& wire, int) {
        if (wire.read_request().whole) wire.send(answer(200, "ok"));
        wire.read_to_end();
      },
      impatient);
  Wire client = bed.client();
  ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n"));
  for (const char* piece : {"a", "b", "c"}) {
    spend(milliseconds(150));  // three of them are longer than the timeout
    ASSERT_TRUE(client.send(piece));
  }
  EXPECT_EQ(client.read_answer().body, "ok");
  EXPECT_EQ(bed.event("success"), 1);
}

// What the upstream sends before it closes, and what it is called.
struct Bad {
  const char* name;
  std::string text;
  const char* error;
};

TEST(UpstreamTrouble, WhatIsNoAnswerIsAFailure) {
  const std::vector<Bad> all = {
      {"closes", "", "connection_terminated"},
      {"dies mid-head", "HTTP/1.1 200 OK\r\nContent-Len", "http_response_incomplete"},
      {"dies after 100", "HTTP/1.1 100 Continue\r\n\r\n", "http_response_incomplete"},
      {"garbage", "\x16\x03\x01\x02 not http at all\r\n\r\n", "http_protocol_error"},
      {"smuggles", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
       "http_protocol_error"},
      {"large head", "HTTP/1.1 200 OK\r\nX: " + std::string(1U << 20U, 'x') + "\r\n\r\n", ""},
      {"unasked 101", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "http_upgrade_failed"},
  };
  for (const Bad& bad : all) {
    for (const bool fallback : {true, false}) {
      Testbed bed(once(bad.text), fallback ? fallback_on : fallback_off);
      Wire client = bed.client();
      const Message got = client.ask(get());
      EXPECT_EQ(got.status(), fallback ? 200 : 502) << bad.name;
      EXPECT_EQ(got.field("Quoll-Fallback"), fallback ? "error" : "") << bad.name;
      EXPECT_NE(got.field("Proxy-Status").find("error=" + std::string(bad.error)), std::string::npos)
          << bad.name << ": " << got.field("Proxy-Status");
      EXPECT_EQ(client.ask(get("/health")).status(), 200) << bad.name;
      EXPECT_EQ(bed.event("failure"), 1) << bad.name;
      EXPECT_EQ(bed.attempts("failure"), 1) << bad.name;
    }
  }
}

TEST(UpstreamTrouble, AResetIsAFailure) {
  Testbed bed(
      [](Wire& wire, int) {
        wire.read_request();
        wire.reset();
      },
      fallback_off);
  Wire client = bed.client();
  EXPECT_EQ(client.ask(get()).status(), 502);
  EXPECT_EQ(client.ask(post("/", "x")).status(), 502);
  EXPECT_EQ(bed.event("failure"), 2);
  EXPECT_EQ(bed.upstream.connections(), 2) << "a new connection is not tried twice";
}

TEST(UpstreamTrouble, ABodyThatEndsEarlyCutsTheClientOff) {
  const std::string length = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart";
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n";
  for (const std::string& text : {length, chunked}) {
    for (const bool reset : {false, true}) {
      Testbed bed(
          [&](Wire& wire, int) {
            wire.read_request();
            wire.send(text);
            if (reset) wire.reset();
          },
          fallback_on);
      Wire client = bed.client();
      const Message got = client.ask(get());
      EXPECT_FALSE(got.whole);
      EXPECT_NE(client.end(), WireEnd::silent) << "it must not be left waiting";
      EXPECT_TRUE(eventually([&] { return bed.event("failure") == 1; }));
      EXPECT_EQ(bed.event("success"), 0);
    }
  }
}

TEST(UpstreamTrouble, ABodyThatPausesTooLongIsATimeout) {
  Testbed bed(
      [](Wire& wire, int) {
        wire.read_request();
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart");
        wire.read_to_end();
      },
      impatient);
  Wire client = bed.client();
  const Message got = client.ask(get());
  EXPECT_EQ(got.body, "part");
  EXPECT_FALSE(got.whole);
  EXPECT_EQ(client.end(), WireEnd::reset);
  EXPECT_EQ(bed.event("timeout"), 1);
}

TEST(UpstreamTrouble, ABodyMayTakeLongerThanTheGapAsLongAsItMoves) {
  Testbed bed(
      [](Wire& wire, int) {
        wire.read_request();
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n");
        for (int i = 0; i < 8; ++i) {
          spend(milliseconds(60));  // less than the gap; eight of them are more
          wire.send("x");
        }
        wire.read_to_end();
      },
      impatient);
  EXPECT_EQ(bed.ask(get()).body, "xxxxxxxx");
}

TEST(UpstreamTrouble, AHeadThatDripsIsATimeout) {
  Testbed bed(
      [](Wire& wire, int) {
        wire.read_request();
        for (const char c : answer(200, std::string(100, 'x'))) {
          if (!wire.send({&c, 1})) return;
          spend(milliseconds(20));
        }
      },
      impatient);
  const TimePoint start = steady_now();
  EXPECT_EQ(bed.ask(get()).field("Quoll-Fallback"), "timeout");
  EXPECT_LT(since(start), milliseconds(1500));
  EXPECT_EQ(bed.event("timeout"), 1);
}

TEST(UpstreamTrouble, EndlessInterimAnswersAreNoWayToKeepACallAlive) {
  Testbed bed(
      [](Wire& wire, int) {
        wire.read_request();
        while (wire.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")) {
        }
      },
      impatient);
  const TimePoint start = steady_now();
  Wire client = bed.client();
  int interim = 0;
  Message got = client.ask(get());
  for (; got.status() == 103; got = client.read_answer()) ++interim;
  EXPECT_LE(interim, 32);
  const std::string fallback = got.field("Quoll-Fallback");
  EXPECT_TRUE(fallback == "timeout" || fallback == "error") << fallback;
  EXPECT_LT(since(start), milliseconds(3000));
}

TEST(UpstreamTrouble, InterimAnswersAreForwardedBut100) {
  Testbed bed(always("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + answer(200, "ok")),
              fallback_on);
  Wire client = bed.client();
  for (const std::string& request : {get(), post("/", "x")}) {
    EXPECT_EQ(client.ask(request).line(), "HTTP/1.1 103 Early Hints");
    EXPECT_EQ(client.read_answer().body, "ok");
  }
  EXPECT_EQ(bed.upstream.connections(), 1);
}

TEST(UpstreamTrouble, A5xxIsAFailureAndPassesOnlyWithTheFallbackOff) {
  for (const bool fallback : {true, false}) {
    Testbed bed(always(answer(503, "own words", "X-Own: 1\r\n")), fallback ? fallback_on : fallback_off);
    Wire client = bed.client();
    for (int i = 0; i < 2; ++i) {
      const Message got = client.ask(get());
      EXPECT_EQ(got.status(), fallback ? 200 : 503);
      EXPECT_EQ(got.field("X-Own"), fallback ? "" : "1");
      EXPECT_EQ(got.body == "own words", !fallback);
      EXPECT_EQ(got.field("Proxy-Status").find("received-status=503") != std::string::npos, fallback);
    }
    EXPECT_EQ(bed.event("failure"), 2);
    EXPECT_EQ(bed.upstream.connections(), 1) << "its connection is as good as before";
  }
}

TEST(UpstreamTrouble, A5xxWhileTheRequestIsStillComingIsAnsweredAtOnce) {
  for (const bool fallback : {true, false}) {
    Testbed bed(
        [](Wire& wire, int) {
          wire.read_head();
          wire.send(answer(503, "busy"));
          wire.read_to_end();
        },
        fallback ? fallback_on : fallback_off);
    Wire client = bed.client();
    const TimePoint start = steady_now();
    std::thread sender([&] {
      if (client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 50000000\r\n\r\n")) {
        client.send(std::string(50'000'000, 'x'));
      }
    });
    const Message got = client.read_answer();
    EXPECT_EQ(got.status(), fallback ? 200 : 503);
    EXPECT_EQ(got.field("Quoll-Fallback"), fallback ? "error" : "");
    EXPECT_LT(since(start), milliseconds(2000));
    client.cut();
    sender.join();
    EXPECT_EQ(bed.event("failure"), 1);
  }
}

TEST(UpstreamTrouble, AnUpstreamThatStopsReadingARequestIsNotWaitedForLong) {
  std::atomic<bool> answered{false};
  Testbed bed([&](Wire&, int) { eventually([&] { return answered.load(); }); }, impatient);
  Wire client = bed.client();
  std::thread sender([&] {
    if (client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 50000000\r\n\r\n")) {
      client.send(std::string(50'000'000, 'x'));
    }
  });
  const TimePoint start = steady_now();
  EXPECT_EQ(client.read_answer().field("Quoll-Fallback"), "timeout");
  EXPECT_LT(since(start), milliseconds(1400));
  answered = true;
  client.cut();
  sender.join();
}

TEST(UpstreamTrouble, AKeptConnectionThatThePeerClosedIsNobodysFailure) {
  // Closed right after the answer: the proxy may or may not have seen it when it sends the next request.
  Testbed bed(once(answer(200, "ok")), fallback_on);
  Wire client = bed.client();
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(client.ask(get()).body, "ok");
    if (i % 2 == 0) {
      EXPECT_EQ(client.ask(get("/health")).status(), 200) << "the loop has turned";
    }
  }
  EXPECT_EQ(bed.event("success"), 40);
  EXPECT_EQ(bed.event("failure"), 0);
  EXPECT_EQ(bed.upstream.connections(), 40);
}

TEST(UpstreamTrouble, ABodyDoesNotMeetAKeptConnectionThatThePeerClosed) {
  // PUT may be sent twice, but its body is gone once it has been read: its connection is looked at like a POST's.
  Testbed bed(once(answer(200, "ok")), fallback_on);
  Wire client = bed.client();
  int calls = 0;
  for (const char* method : {"PUT", "POST", "DELETE"}) {
    for (int i = 0; i < 5; ++i) {
      EXPECT_EQ(client.ask(method + post("/", "body").substr(4)).body, "ok") << method;
      ++calls;
      EXPECT_TRUE(eventually([&] { return bed.upstream.ended() == calls; }));
    }
  }
  EXPECT_EQ(bed.event("failure"), 0);
}

TEST(UpstreamTrouble, AKeptConnectionThatDiesUnderARequestIsReplacedOnce) {
  std::atomic<int> requests{0};
  Testbed bed(
      [&](Wire& wire, int nth) {
        wire.read_request();
        ++requests;
        wire.send(answer(200, "first"));
        if (!wire.read_request().whole) return;
        ++requests;
        if (nth < 2) return;  // closes on the second request
        wire.send(answer(200, "second"));
      },
      fallback_off);
  Wire client = bed.client();
  EXPECT_EQ(client.ask(get()).body, "first");
  EXPECT_EQ(client.ask(get()).body, "first") << "sent again, on a new connection";
  EXPECT_EQ(requests, 3);
  EXPECT_EQ(bed.event("failure"), 0);
  EXPECT_EQ(bed.event("success"), 2);
  EXPECT_EQ(bed.metric("quoll_upstream_resent_total"), 1);

  // A POST is not sent again: nobody knows what the upstream did with it.
  EXPECT_EQ(client.ask(post("/", "x")).status(), 502);
  EXPECT_EQ(requests, 4);
  EXPECT_EQ(bed.event("failure"), 1);
}

TEST(UpstreamTrouble, ALateAnswerIsNotTheNextRequestsAnswer) {
  std::atomic<int> served{0};
  std::atomic<bool> given_up{false};
  std::atomic<bool> sent{false};
  Testbed bed(
      [&](Wire& wire, int) {
        while (wire.read_request().whole) {
          const int n = served++;
          if (n == 0) eventually([&] { return given_up.load(); });
          wire.send(answer(200, std::to_string(n)));
          sent = true;
        }
      },
      impatient);
  Wire client = bed.client();
  EXPECT_EQ(client.ask(get()).field("Quoll-Fallback"), "timeout");
  given_up = true;
  EXPECT_TRUE(eventually([&] { return sent.load(); }));
  EXPECT_EQ(client.ask(get()).body, "1");
}

TEST(UpstreamTrouble, BytesAfterAnAnswerSpoilItsConnection) {
  Testbed bed(always(answer(200, "ok") + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"), fallback_on);
  Wire client = bed.client();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(client.ask(get()).body, "ok");
  EXPECT_EQ(bed.upstream.connections(), 5);
}

TEST(UpstreamTrouble, BytesThatNobodyAskedForAreNoAnswer) {
  // An idle connection's "408" or an attacker's answer: it lies in the socket before the next request is sent.
  std::atomic<int> answered{0};
  std::atomic<int> spoilt{0};
  Testbed bed(
      [&](Wire& wire, int nth) {
        wire.read_request();
        wire.send(answer(200, "ok"));
        eventually([&] { return answered > nth; });
        wire.send(answer(408, "too slow", "Connection: close\r\n"));
        ++spoilt;
        wire.read_to_end();
      },
      fallback_on);
  Wire client = bed.client();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(client.ask(get()).body, "ok");
    ++answered;
    EXPECT_TRUE(eventually([&] { return spoilt == i + 1; }));
  }
}

}  // namespace
}  // namespace quoll::proxy::testing
