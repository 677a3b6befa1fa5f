#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "quoll/base/file.h"
#include "quoll/lab/paradox/paradox.h"

namespace quoll::lab::paradox {
namespace {

using ::testing::HasSubstr;

// The parts are a program that ends at once with 1.
TEST(ParadoxRun, APartThatFailsIsAProblemOfTheRecordAndFailsTheRun) {
  const std::string json = (std::filesystem::temp_directory_path() / "quoll-paradox-run-test.json").string();
  Options options;
  options.choice = {.callers = {Caller::quoll_arrival}, .pressures = {Pressure::none}, .backends = {Backend::steady}};
  options.seed = 7;
  options.json = json;
  options.program = "/bin/false";
  options.command = "quoll lab paradox";
  EXPECT_EQ(run(options), 1);
  const auto text = read_file(json, 1U << 20U);
  std::filesystem::remove(json);
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_THAT(*text, HasSubstr("\"ok\":false"));
  EXPECT_THAT(*text, HasSubstr("backend ended with exit code 1"));
  EXPECT_THAT(*text, HasSubstr("\"seed\":7,\"command\":\"quoll lab paradox\""));
  EXPECT_THAT(*text, ::testing::ContainsRegex("\"cores\":[1-9]"));
}

}  // namespace
}  // namespace quoll::lab::paradox
