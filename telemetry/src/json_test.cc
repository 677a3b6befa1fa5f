#include "quoll/telemetry/json.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace quoll::telemetry {
namespace {

TEST(JsonWriter, CommasStandBetweenValuesAtEveryDepth) {
  std::string text;
  JsonWriter(text)
      .begin_object()
      .member("a", 1)
      .key("b")
      .begin_array()
      .value(2U)
      .begin_object()
      .end_object()
      .begin_array()
      .end_array()
      .null()
      .end_array()
      .member("c", true)
      .end_object();
  EXPECT_EQ(text, R"({"a":1,"b":[2,{},[],null],"c":true})");
}

TEST(JsonWriter, TextCannotLeaveItsQuotes) {
  EXPECT_EQ(json_object([](JsonWriter& w) { w.member("a\"b", "back\\slash, \"quote\"\n\x01 caf\xc3\xa9 \xff"); }),
            "{\"a\\\"b\":\"back\\\\slash, \\\"quote\\\"\\n\\u0001 caf\xc3\xa9 ?\"}");
}

TEST(JsonWriter, NumbersReadAsPeopleWriteThem) {
  EXPECT_EQ(json_object([](JsonWriter& w) {
              w.member("half", 0.5).member("big", std::numeric_limits<std::uint64_t>::max()).member("none", 0.0 / 0.0);
              w.member("minus", -3).key("fixed").fixed(1.5, 3).key("never").fixed(1 / 0.0, 1);
            }),
            R"({"half":0.5,"big":18446744073709551615,"none":null,"minus":-3,"fixed":1.500,"never":null})");
}

TEST(JsonWriter, NothingIsNull) {
  EXPECT_EQ(json_object([](JsonWriter& w) {
              w.member("a", std::optional<int>()).member("b", std::optional<std::string>("x"));
            }),
            R"({"a":null,"b":"x"})");
}

}  // namespace
}  // namespace quoll::telemetry
