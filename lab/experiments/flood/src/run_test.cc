#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "quoll/base/file.h"
#include "quoll/lab/flood/flood.h"

namespace quoll::lab::flood {
namespace {

using ::testing::HasSubstr;

// The parts are a program that ends at once with 1.
TEST(FloodRun, APartThatFailsIsAProblemOfTheRecordAndFailsTheRun) {
  const std::string json = (std::filesystem::temp_directory_path() / "quoll-flood-run-test.json").string();
  const harness::RunOptions options{
      .quick = true, .seed = 7, .json = json, .program = "/bin/false", .command = "quoll lab flood"};
  EXPECT_EQ(run(options), 1);
  const auto text = read_file(json, 1U << 20U);
  std::filesystem::remove(json);
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_THAT(*text, HasSubstr("\"ok\":false"));
  EXPECT_THAT(*text, HasSubstr("backend ended with exit code 1"));
  EXPECT_THAT(*text, HasSubstr("\"seed\":7,\"command\":\"quoll lab flood\""));
  EXPECT_THAT(*text, ::testing::ContainsRegex("\"cores\":[1-9]"));
}

}  // namespace
}  // namespace quoll::lab::flood
