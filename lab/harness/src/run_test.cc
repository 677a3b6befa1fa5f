#include "quoll/lab/harness/run.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace quoll::lab::harness {
namespace {

TEST(Run, TheExitCodeTellsAClaimThatFailedAndAnInterruption) {
  const RunOptions options{.seed = 7, .program = "/bin/false", .command = "quoll lab test"};
  Record record;
  harness::Run run("test", options, record);
  ASSERT_TRUE(run.ready());
  EXPECT_EQ(record.seed, 7U);
  EXPECT_EQ(record.command, "quoll lab test");
  EXPECT_GE(record.environment.cores, 1U);
  EXPECT_EQ(run.finish(true, "{}", ""), 0);
  EXPECT_EQ(run.finish(false, "{}", ""), 1);
  EXPECT_TRUE(run.failed("cell", {"it ended", "part"})) << "the next cell may still run";
  EXPECT_EQ(record.problems, std::vector<std::string>{"cell: it ended"});
  EXPECT_FALSE(record.interrupted);
  EXPECT_FALSE(run.failed("cell", stopped_error()));
  EXPECT_EQ(run.finish(true, "{}", ""), 130);
}

TEST(Run, AReportThatCannotBeWrittenFailsIt) {
  const RunOptions options{.report = "/nonexistent/report.html"};
  Record record;
  harness::Run run("test", options, record);
  EXPECT_EQ(run.finish(true, "{}", "page"), 1);
}

TEST(Run, ItsFolderGoesWithIt) {
  std::string scratch;
  {
    const RunOptions options;
    Record record;
    const harness::Run run("test", options, record);
    scratch = run.context().scratch;
    EXPECT_TRUE(std::filesystem::is_directory(scratch));
  }
  EXPECT_FALSE(std::filesystem::exists(scratch));
}

}  // namespace
}  // namespace quoll::lab::harness
