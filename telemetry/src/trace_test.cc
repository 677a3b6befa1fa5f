#include "quoll/telemetry/trace.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace quoll::telemetry {
namespace {

constexpr std::string_view kExample = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

std::string formatted(const TraceContext& context) {
  const auto text = format_traceparent(context);
  return {text.data(), text.size()};
}

TEST(Traceparent, TheRecommendationsExampleIsReadAndWrittenBack) {
  const auto context = parse_traceparent(kExample);
  ASSERT_TRUE(context);
  EXPECT_TRUE(context->sampled());
  EXPECT_EQ(context->trace_id[0], 0x4B);
  EXPECT_EQ(context->span_id[7], 0xB7);
  EXPECT_EQ(formatted(*context), kExample);
}

TEST(Traceparent, WhatIsNotExactlyTheFormIsRefused) {
  const struct {
    const char* text;
    const char* why;
  } cases[] = {
      {"", "too short"},
      {"00", "too short"},
      {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0", "too short"},
      {" 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0", "bad version"},
      {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-011", "too long for version 00"},
      {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-xy", "too long for version 00"},
      {"01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01xy", "no '-' after the flags"},
      {"00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "trace id is not hex"},  // upper case
      {"00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01", "trace id is not hex"},
      {"00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01", "a '-' is missing"},
      {"00-00000000000000000000000000000000-00f067aa0ba902b7-01", "trace id is all zeros"},
      {"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", "parent id is all zeros"},
      {"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "bad version"},
  };
  for (const auto& [text, why] : cases) {
    const auto read = parse_traceparent(text);
    ASSERT_FALSE(read) << text;
    EXPECT_NE(read.error().message.find(why), std::string::npos) << text << ": " << read.error().message;
  }
}

TEST(Traceparent, ALaterVersionIsReadByItsFirstFields) {
  const auto context = parse_traceparent("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-comes");
  ASSERT_TRUE(context);
  EXPECT_EQ(formatted(*context), kExample);
}

TEST(Traceparent, FlagsThatWeDoNotKnowAreDropped) {
  const auto context = parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff");
  ASSERT_TRUE(context);
  EXPECT_EQ(formatted(*context), kExample);
}

TEST(Traceparent, AChildKeepsTheTraceAndHasASpanOfItsOwn) {
  Rng rng(7);
  const TraceContext parent = new_trace(rng, true);
  const TraceContext child = child_of(parent, rng);
  EXPECT_EQ(child.trace_id, parent.trace_id);
  EXPECT_NE(child.span_id, parent.span_id);
  EXPECT_TRUE(child.sampled());
  EXPECT_EQ(trace_id_hex(child), trace_id_hex(parent));
}

RC_GTEST_PROP(Traceparent, EveryNewTraceIsReadBack, (std::uint64_t seed, bool sampled)) {
  Rng rng(seed);
  const TraceContext context = new_trace(rng, sampled);
  const auto read = parse_traceparent(formatted(context));
  RC_ASSERT(read.has_value());
  RC_ASSERT(*read == context);
}

RC_GTEST_PROP(Traceparent, NoChangeOfOneCharacterIsReadAsSomethingElse, ()) {
  std::string text(kExample);
  const auto at = *rc::gen::inRange<std::size_t>(3, text.size());
  text[at] = *rc::gen::arbitrary<char>();
  const auto read = parse_traceparent(text);
  // Bits of the flags other than "sampled" are not kept.
  if (read && at < 53) RC_ASSERT(formatted(*read) == text);
}

}  // namespace
}  // namespace quoll::telemetry
