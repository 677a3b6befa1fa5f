#include "quoll/base/settings.h"

#include <gtest/gtest.h>

#include "quoll/base/faults.h"

namespace quoll::schema {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

enum class Shape : std::uint8_t { round, square };
const char* to_string(Shape shape) {
  return shape == Shape::round ? "round" : "square";
}

struct Inner {
  unsigned size = 4;
  double share = 0.5;

  static void describe(auto&& field) {
    field("size", &Inner::size, within(1, 60'000), "How large.");
    field("share", &Inner::share, schema::share(), "How much of it.");
  }
  Inner resolved() const {
    Inner out = *this;
    out.size = out.size / 2 * 2;
    return out;
  }
};

struct Outer {
  Duration wait = seconds(1);
  DurationRange stall = {milliseconds(1), milliseconds(2)};
  std::uint64_t room = 65536;
  double factor = 0;
  bool fair = true;
  Shape shape = Shape::square;
  std::string name = "me";
  unsigned limit = 0;
  Inner inner = {};
  Inner own = {.size = 9};

  static Value show_limit(const Outer& o) { return o.limit == 0 ? Value("off") : Value(std::uint64_t{o.limit}); }
  static Fault read_limit(Outer& o, std::string_view text) {
    if (text != "off" && text != "7") return "'" + std::string(text) + "' is neither off nor 7";
    o.limit = text == "off" ? 0 : 7;
    return {};
  }

  static void describe(auto&& field) {
    field("wait", &Outer::wait, within(Duration::zero(), seconds(10)).zero_is("for ever"), "How long to wait.");
    field("stall", &Outer::stall, within(milliseconds(1), seconds(1)), "How long it stands still.");
    field("room", &Outer::room, bytes(1024, 1U << 20U), "How much fits in.");
    field("factor", &Outer::factor, within(1.1, 10).zero_is("off"), "Times that.");
    field("fair", &Outer::fair, "Whether it is fair.");
    field("shape", &Outer::shape, words_to(Shape::square), "What it looks like.");
    field("name", &Outer::name, Form{"NAME"}, "What it is called.");
    field("limit", Spelled<Outer>{{"N|off"}, &Outer::show_limit, &Outer::read_limit}, "How many.");
    field("inner", &Outer::inner, "Another.");
    field("", &Outer::own, "Fields of its own.");
  }
};

const Settings<Outer>& all() {
  return settings_of<Outer>();
}

std::string shown(const Outer& outer, std::string_view name) {
  return text_of(all().find(name)->show_at(&outer));
}

std::string fault(std::string_view name, std::string_view text) {
  Outer outer;
  const auto applied = all().apply(outer, name, text);
  return applied ? "" : applied.error().message;
}

TEST(Settings, AreNamedAfterTheirSectionsInTheOrderOfTheStruct) {
  EXPECT_EQ(all().names(), (std::vector<std::string>{"wait", "stall", "room", "factor", "fair", "shape", "name",
                                                     "limit", "inner.size", "inner.share", "size", "share"}));
  EXPECT_EQ(all().find("inner.size")->section(), "inner");
  EXPECT_EQ(all().find("none"), nullptr);
  EXPECT_EQ(all().find("wait")->short_about(), "How long to wait");
}

TEST(Settings, WhatIsReadIsShown) {
  Outer outer;
  for (const auto& [name, text] : std::vector<std::pair<const char*, const char*>>{{"wait", "250ms"},
                                                                                   {"stall", "5ms..7ms"},
                                                                                   {"factor", "2.5"},
                                                                                   {"fair", "false"},
                                                                                   {"shape", "round"},
                                                                                   {"name", "you"},
                                                                                   {"limit", "7"},
                                                                                   {"inner.size", "7"},
                                                                                   {"inner.share", "0.25"},
                                                                                   {"size", "3"}}) {
    EXPECT_NE(shown(outer, name), text);
    ASSERT_TRUE(all().apply(outer, name, text)) << name;
    EXPECT_EQ(shown(outer, name), text);
  }
  EXPECT_EQ(outer.inner.size, 7U);
  EXPECT_EQ(outer.own.size, 3U);
}

TEST(Settings, SharesSizesAndSwitchesHaveAnotherSpelling) {
  Outer outer;
  ASSERT_TRUE(all().apply(outer, "inner.share", "20%"));
  EXPECT_EQ(outer.inner.share, 0.2);
  ASSERT_TRUE(all().apply(outer, "room", "64KiB"));
  EXPECT_EQ(outer.room, 65536U);
  ASSERT_TRUE(all().apply(outer, "fair", "off"));
  EXPECT_FALSE(outer.fair);
}

TEST(Settings, AFaultNamesTheSettingTheTextAndWhatWouldBeRight) {
  EXPECT_EQ(fault("factor", "1e"), "factor: '1e' is not a number");
  EXPECT_EQ(fault("factor", "nan"), "factor: 'nan' is not a number");
  EXPECT_EQ(fault("factor", "5%"), "factor: '5%' is not a number");
  EXPECT_EQ(fault("inner.share", "half"), "inner.share: 'half' is not a share; write 50% or 0.5");
  EXPECT_EQ(fault("inner.size", "-1"), "inner.size: '-1' is not a whole number");
  EXPECT_EQ(fault("room", "99999999999GiB"),
            "room: '99999999999GiB' is not a whole number; write one, or a size such as 64KiB");
  EXPECT_EQ(fault("fair", "yes"), "fair: 'yes' is not true or false");
  EXPECT_EQ(fault("shape", "flat"), "shape: 'flat' is not one of round, square");
  EXPECT_EQ(fault("name", ""), "name: must not be empty");
  EXPECT_EQ(fault("limit", "8"), "limit: '8' is neither off nor 7");
  EXPECT_EQ(fault("wait", "1").rfind("wait: ", 0), 0U);
}

TEST(Settings, AMisspeltNameIsAnsweredWithTheNearest) {
  EXPECT_EQ(fault("inner.shar", "1"), "inner.shar: there is no such setting; did you mean inner.share?");
  EXPECT_EQ(fault("wiat", "1s"), "wiat: there is no such setting; did you mean wait?");
  EXPECT_EQ(fault("iner.size", "1"), "iner.size: there is no such setting; did you mean inner.size?");
  EXPECT_EQ(fault("other.stall", "1"), "other.stall: there is no such setting; did you mean stall?");
  EXPECT_EQ(fault("xyz", "1"), "xyz: there is no such setting");
  EXPECT_EQ(fault("", "1"), ": there is no such setting");
  EXPECT_EQ(fault(std::string(100'000, 'w'), "1").find("did you mean"), std::string::npos);
}

TEST(Settings, SayTheirDefaultsAndRanges) {
  const auto said = [](const char* name) {
    const Setting& setting = *all().find(name);
    return setting.standard_text() + ": " + setting.allowed();
  };
  EXPECT_EQ(said("wait"), "1s: 0 (for ever) to 10s");
  EXPECT_EQ(said("stall"), "1ms..2ms: 1ms to 1s");
  EXPECT_EQ(said("room"), "65,536: 1024 to 1,048,576");
  EXPECT_EQ(said("factor"), "off: 0 (off), 1.1 to 10");
  EXPECT_EQ(said("fair"), "true: true, false");
  EXPECT_EQ(said("shape"), "square: round|square");
  EXPECT_EQ(said("limit"), "off: N|off");
  EXPECT_EQ(said("inner.share"), "0.5: above 0, at most 1");
  EXPECT_EQ(said("size"), "9: 1 to 60,000") << "the owner's default";
}

TEST(Settings, ATableHasARowForEachAndOneForASection) {
  const std::string table = table_of(all().list(), all().sections());
  EXPECT_NE(table.find("\n| `factor` | off | 0 (off), 1.1 to 10 | Times that. |\n"), std::string::npos) << table;
  EXPECT_NE(table.find("\n| `limit` | off | N\\|off | How many. |\n"), std::string::npos) << table;
  EXPECT_NE(table.find("\n| `inner.*` | size 4, share 0.5 | | Another. |\n"), std::string::npos) << table;
}

TEST(Settings, SectionsAreResolved) {
  Outer outer;
  outer.inner.size = 7;
  resolve_sections(outer);
  EXPECT_EQ(outer.inner.size, 6U);
  EXPECT_EQ(outer.own.size, 8U);
}

TEST(Faults, OfEachFieldThatIsOutOfItsRange) {
  const auto faults = [](const Outer& outer) {
    Faults all("routes[1].");
    all.check_fields(outer);
    return all.take();
  };
  EXPECT_TRUE(faults({}).empty());
  using Texts = std::vector<std::string>;
  EXPECT_EQ(faults({.wait = seconds(11)}), Texts{"routes[1].wait is 11s; it must be between 0 and 10s"});
  EXPECT_EQ(faults({.stall = {milliseconds(5), seconds(5)}}),
            Texts{"routes[1].stall is 5s; it must be between 1ms and 1s"});
  EXPECT_EQ(faults({.room = 5}), Texts{"routes[1].room is 5; it must be between 1024 and 1048576"});
  EXPECT_EQ(faults({.factor = 1}), Texts{"routes[1].factor is 1; it must be 0 (off) or between 1.1 and 10"});
  EXPECT_EQ(faults({.shape = static_cast<Shape>(2)}), Texts{"routes[1].shape is 2; it must be one of round, square"});
  EXPECT_EQ(faults({.inner = {.share = 0}}), Texts{"routes[1].inner.share is 0; it must be above 0 and at most 1"});
  EXPECT_EQ(faults({.own = {.size = 0}}), Texts{"routes[1].size is 0; it must be between 1 and 60000"});
}

}  // namespace
}  // namespace quoll::schema
