#include "quoll/lab/backend/truth.h"

#include <gtest/gtest.h>

namespace quoll::lab::backend {
namespace {

TEST(TruthLog, KeepsTheNewestAndCountsTheRest) {
  TruthLog log(3);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(log.add({.id = std::to_string(i)}), static_cast<std::uint64_t>(i));
  EXPECT_EQ(log.first(), 2U);
  EXPECT_EQ(log.next(), 5U);
  EXPECT_EQ(log.dropped(), 2U);
  EXPECT_EQ(log.find(1), nullptr);
  EXPECT_EQ(log.find(2)->id, "2");
  EXPECT_EQ(log.find(5), nullptr);
}

TEST(TruthLog, ClearingReusesNoNumberAndIsNotALoss) {
  TruthLog log(10);
  log.add({.id = "a"});
  EXPECT_EQ(log.clear(), 1U);
  EXPECT_EQ(log.dropped(), 0U);
  EXPECT_EQ(log.find(0), nullptr);
  EXPECT_EQ(log.add({.id = "b"}), 1U);
}

TEST(TruthLog, WritesNullForWhatNeverHappened) {
  TruthLog log(10);
  const TimePoint received{Duration(1'000)};
  log.add({.id = "x-1", .received = received, .planned = std::chrono::microseconds(1500), .mode = Mode::hang});
  std::string out;
  log.append_json(0, out);
  EXPECT_EQ(out,
            "{\"seq\":0,\"id\":\"x-1\",\"received_ns\":1000,\"sending_ns\":null,\"answered_ns\":null,"
            "\"planned_ms\":1.500,\"status\":0,\"mode\":\"hang\",\"end\":\"pending\"}\n");
  TruthRecord* record = log.find(0);
  record->sending = TimePoint(Duration(2'000));
  record->answered = TimePoint(Duration(2'500));
  record->status = 200;
  record->end = End::answered;
  out.clear();
  log.append_json(0, out);
  EXPECT_NE(out.find("\"sending_ns\":2000,\"answered_ns\":2500"), std::string::npos);
  EXPECT_NE(out.find("\"status\":200,\"mode\":\"hang\",\"end\":\"answered\""), std::string::npos);
}

}  // namespace
}  // namespace quoll::lab::backend
