#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "quoll/lab/paradox/paradox.h"
#include "quoll/testing/failed_record.h"

namespace quoll::lab::paradox {
namespace {

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
  quoll::testing::expect_failed_record(json, "quoll lab paradox");
}

}  // namespace
}  // namespace quoll::lab::paradox
