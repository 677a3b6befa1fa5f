#include "quoll/lab/harness/request_log.h"

#include <gtest/gtest.h>

#include "quoll/lab/harness/spread.h"

namespace quoll::lab::harness {
namespace {

using std::chrono::milliseconds;

TEST(Spread, PercentilesAreByTheNearestRank) {
  std::vector<Duration> values;
  for (int i = 100; i >= 1; --i) values.emplace_back(milliseconds(i));
  const Spread spread = spread_of(values);
  EXPECT_EQ(spread.p50, milliseconds(50));
  EXPECT_EQ(spread.p99, milliseconds(99));
  EXPECT_EQ(spread.max, milliseconds(100));
  EXPECT_EQ(spread_of({}).count, 0U);
}

TEST(RequestLog, IsReadWithItsGaps) {
  const auto log = parse_request_log(
      "id,connection,intended_ns,sent_ns,first_byte_ns,done_ns,status,fallback,error\n"
      "c-1,1,5,10,20,30,200,none,\n"
      "c-2,,5,,,30,,,unsent\n");
  ASSERT_TRUE(log) << log.error().message;
  ASSERT_EQ(log->size(), 2U);
  EXPECT_EQ(log->at(0).sent, TimePoint(Duration(10)));
  EXPECT_EQ(log->at(0).status, 200U);
  EXPECT_FALSE(log->at(1).sent.has_value());
  EXPECT_EQ(log->at(1).error, "unsent");
}

TEST(RequestLog, LineThatIsNoneIsQuoted) {
  const auto log = parse_request_log("header\nc-1,1,x,y,z,w,200,none,\n");
  ASSERT_FALSE(log);
  EXPECT_NE(log.error().message.find("c-1,1,x"), std::string::npos);
}

}  // namespace
}  // namespace quoll::lab::harness
