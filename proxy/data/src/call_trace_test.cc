#include "call_trace.h"

#include "scripted_plane.h"

namespace quoll::proxy::testing {
namespace {

constexpr std::string_view kTrace = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr std::string_view kSpan = "00f067aa0ba902b7";
const std::string kParent = "00-" + std::string(kTrace) + "-" + std::string(kSpan) + "-00";

// The values of a field in the heads that the upstream was sent.
std::vector<std::string> values(const std::vector<std::string>& heads, const std::string& name) {
  std::vector<std::string> out;
  for (const std::string& head : heads) {
    for (std::size_t at = head.find("\r\n" + name + ": "); at != head.npos;
         at = head.find("\r\n" + name + ": ", at + 1)) {
      const std::size_t from = at + name.size() + 4;
      out.push_back(head.substr(from, head.find("\r\n", from) - from));
    }
  }
  return out;
}

// What the upstream is sent for one request with these fields; the first `failing` answers are 503.
std::vector<std::string> heads_for(TraceKind kind, const std::string& fields, int failing = 0) {
  ScriptedPlane plane([&](ProxyOptions& o) {
    o.trace = kind;
    o.policies.retries = 3;
    o.breaker.minimum_volume = 100;
  });
  std::vector<std::string> heads;
  plane.upstream.on_connect = [&](OtherEnd& far, int) {
    far.on_received = [&](OtherEnd& to) {
      const std::string head = take_request(to);
      if (head.empty()) return;
      heads.push_back(head);
      to.send(answer(static_cast<int>(heads.size()) <= failing ? 503 : 200, ""));
    };
  };
  OtherEnd& client = plane.ask(get("/", fields));
  plane.loop.advance(std::chrono::seconds(5));
  EXPECT_TRUE(client.received.starts_with("HTTP/1.1 200")) << client.received;
  return heads;
}

TEST(CallTrace, AClientsTraceGoesOnWithASpanForEachAttempt) {
  for (const TraceKind kind : {TraceKind::create, TraceKind::continue_only}) {
    const auto heads = heads_for(kind, "traceparent: " + kParent + "\r\ntracestate: a=1\r\n", 2);
    const auto parents = values(heads, "traceparent");
    ASSERT_EQ(parents.size(), 3U);
    for (const std::string& parent : parents) {
      const auto context = telemetry::parse_traceparent(parent);
      ASSERT_TRUE(context) << parent;
      const auto id = telemetry::trace_id_hex(*context);
      EXPECT_EQ(std::string_view(id.data(), id.size()), kTrace);
      EXPECT_FALSE(context->sampled()) << "as the client has it";
      EXPECT_EQ(parent.find(kSpan), parent.npos) << "a span of its own";
    }
    EXPECT_NE(parents[0], parents[1]);
    EXPECT_NE(parents[1], parents[2]);
    EXPECT_EQ(values(heads, "tracestate"), std::vector<std::string>(3, "a=1"));
  }
}

TEST(CallTrace, WithoutOneATraceBeginsHereOrNone) {
  const auto begun = values(heads_for(TraceKind::create, "", 1), "traceparent");
  ASSERT_EQ(begun.size(), 2U);
  const auto first = telemetry::parse_traceparent(begun[0]);
  const auto second = telemetry::parse_traceparent(begun[1]);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->trace_id, second->trace_id);
  EXPECT_NE(first->span_id, second->span_id);
  EXPECT_TRUE(first->sampled());
  EXPECT_TRUE(values(heads_for(TraceKind::continue_only, ""), "traceparent").empty());
}

TEST(CallTrace, OneThatCannotBeReadCountsAsAbsentWithItsState) {
  for (const std::string& bad :
       {std::string("traceparent: 00-xyz\r\n"), "traceparent: " + kParent + "\r\ntraceparent: " + kParent + "\r\n",
        "Traceparent: ff" + kParent.substr(2) + "\r\n"}) {
    const auto dropped = heads_for(TraceKind::continue_only, bad + "tracestate: a=1\r\n");
    EXPECT_TRUE(values(dropped, "traceparent").empty()) << bad;
    EXPECT_TRUE(values(dropped, "Traceparent").empty()) << bad;
    EXPECT_TRUE(values(dropped, "tracestate").empty()) << bad;
    EXPECT_EQ(values(heads_for(TraceKind::create, bad), "traceparent").size(), 1U) << bad;
  }
}

TEST(CallTrace, TheLogNamesTheCallThatOpenedTheCircuit) {
  ScriptedPlane plane([](ProxyOptions& o) { o.breaker.minimum_volume = 1; });
  plane.upstream.fails_with = ECONNREFUSED;
  plane.ask(get("/", "traceparent: " + kParent + "\r\n"));
  const auto lines = plane.lines(1);
  ASSERT_FALSE(lines.empty());
  EXPECT_NE(lines[0].find("circuit_state"), std::string::npos) << lines[0];
  EXPECT_NE(lines[0].find("\"trace_id\":\"" + std::string(kTrace) + "\""), std::string::npos) << lines[0];
}

TEST(CallTrace, OffPassesTheFieldsAsTheyAre) {
  const auto heads = heads_for(TraceKind::off, "traceparent: nonsense\r\ntracestate: a=1\r\n");
  EXPECT_EQ(values(heads, "traceparent"), std::vector<std::string>{"nonsense"});
  EXPECT_EQ(values(heads, "tracestate"), std::vector<std::string>{"a=1"});
}

}  // namespace
}  // namespace quoll::proxy::testing
