#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "quoll/lab/timeouts/timeouts.h"
#include "quoll/testing/failed_record.h"

namespace quoll::lab::timeouts {
namespace {

// The parts are a program that ends at once with 1.
TEST(TimeoutsRun, APartThatFailsIsAProblemOfTheRecordAndFailsTheRun) {
  const std::string json = (std::filesystem::temp_directory_path() / "quoll-timeouts-run-test.json").string();
  const harness::RunOptions options{
      .quick = true, .seed = 7, .json = json, .program = "/bin/false", .command = "quoll lab timeouts"};
  EXPECT_EQ(run(options), 1);
  quoll::testing::expect_failed_record(json, "quoll lab timeouts");
}

}  // namespace
}  // namespace quoll::lab::timeouts
