#include "quoll/lab/demo/system.h"

#include <gtest/gtest.h>

namespace quoll::lab::demo {
namespace {

TEST(System, APartThatDiesAtTheStartIsReportedWithItsLastWords) {
  const StopSignal stop;
  System system({.program = "/bin/false", .verdict = "arrival", .connections = 1, .seed = 1, .stop = stop});
  const auto started = system.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, "part");
  EXPECT_NE(started.error().message.find("backend ended with exit code 1"), std::string::npos)
      << started.error().message;
}

}  // namespace
}  // namespace quoll::lab::demo
