#include "quoll/net/stall_monitor.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace quoll::net {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

TEST(SchedstatParser, TheSecondFieldIsTheWait) {
  EXPECT_EQ(parse_schedstat_wait("123456 789 42\n"), nanoseconds(789));
  EXPECT_EQ(parse_schedstat_wait("0 0 0\n"), nanoseconds(0));
}

TEST(SchedstatParser, AnythingElseIsNothing) {
  for (const char* text : {"", "\n", "123", "123 x 4", "123 -4 5", "1 99999999999999999999 2"}) {
    EXPECT_EQ(parse_schedstat_wait(text), std::nullopt) << text;
  }
}

TEST(CgroupStatParser, BothVersionsInTheirOwnUnits) {
  EXPECT_EQ(parse_cgroup_throttled("usage_usec 5\nnr_throttled 3\nthrottled_usec 1500\n"), microseconds(1500));
  EXPECT_EQ(parse_cgroup_throttled("nr_periods 7\nnr_throttled 3\nthrottled_time 1500\n"), nanoseconds(1500));
}

TEST(CgroupStatParser, WithoutALimitThereIsNothingToRead) {
  EXPECT_EQ(parse_cgroup_throttled(""), std::nullopt);
  EXPECT_EQ(parse_cgroup_throttled("usage_usec 5\nuser_usec 3\n"), std::nullopt);
  EXPECT_EQ(parse_cgroup_throttled("throttled_usec\n"), std::nullopt);
}

TEST(CgroupStatParser, ACounterThatDoesNotFitIsRefused) {
  EXPECT_EQ(parse_cgroup_throttled("throttled_usec 9223372036854775807\n"), std::nullopt);
}

TEST(StealParser, TheEighthNumberOfTheFirstLineInTicks) {
  const std::string_view text = "cpu  10 20 30 40 50 60 70 80 90 100\ncpu0 1 2 3 4 5 6 7 8 9 10\n";
  EXPECT_EQ(parse_steal(text, 100), milliseconds(800));
  EXPECT_EQ(parse_steal(text, 1000), milliseconds(80));
}

TEST(StealParser, OldKernelsAndOddTicksAreRefused) {
  EXPECT_EQ(parse_steal("", 100), std::nullopt);
  EXPECT_EQ(parse_steal("cpu 1 2 3 4\n", 100), std::nullopt);
  EXPECT_EQ(parse_steal("cpu0 1 2 3 4 5 6 7 8 9\n", 100), std::nullopt);
  EXPECT_EQ(parse_steal("cpu 1 2 3 4 5 6 7 8 9\n", 0), std::nullopt);
  EXPECT_EQ(parse_steal("cpu 1 2 3 4 5 6 7 9223372036854775807 9\n", 100), std::nullopt);
}

TEST(CgroupPathParser, Version2IsTheEmptyController) {
  const auto got = parse_cgroup_path("0::/system.slice/quoll.service\n");
  ASSERT_TRUE(got.has_value());
  EXPECT_TRUE(got->v2);
  EXPECT_EQ(got->path, "/system.slice/quoll.service");
}

TEST(CgroupPathParser, WhereBothAreMountedVersion1HasTheCpu) {
  const auto got = parse_cgroup_path("12:memory:/m\n4:cpu,cpuacct:/limited\n0::/unified\n");
  ASSERT_TRUE(got.has_value());
  EXPECT_FALSE(got->v2);
  EXPECT_EQ(got->path, "/limited");
}

TEST(CgroupPathParser, AColonMayBePartOfThePath) {
  const auto got = parse_cgroup_path("0::/a:b\n");
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->path, "/a:b");
}

TEST(CgroupPathParser, NothingUsableIsNothing) {
  EXPECT_FALSE(parse_cgroup_path("").has_value());
  EXPECT_FALSE(parse_cgroup_path("garbage\n1:memory:/m\n").has_value());
}

RC_GTEST_PROP(StallParsers, NoTextBreaksThem, ()) {
  const auto text = *rc::gen::oneOf(
      rc::gen::string<std::string>(),
      rc::gen::container<std::string>(rc::gen::element(' ', '\n', ':', '0', '9', '-', 'c', 'p', 'u', '/', ',')));
  for (const std::string& whole : {text, "throttled_usec " + text, "cpu " + text, "0::" + text}) {
    const auto wait = parse_schedstat_wait(whole);
    RC_ASSERT(wait.value_or(Duration::zero()) >= Duration::zero());
    const auto throttled = parse_cgroup_throttled(whole);
    RC_ASSERT(throttled.value_or(Duration::zero()) >= Duration::zero());
    const auto steal = parse_steal(whole, 100);
    RC_ASSERT(steal.value_or(Duration::zero()) >= Duration::zero());
    static_cast<void>(parse_cgroup_path(whole));
  }
}

// A root directory of our own, with the files that the monitor reads.
class StallMonitorTest : public ::testing::Test {
 protected:
  StallMonitorTest() {
    std::string name = (std::filesystem::temp_directory_path() / "quoll-stall-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
  }
  ~StallMonitorTest() override { std::filesystem::remove_all(root_); }

  void put(const std::string& path, const std::string& text) const {
    const std::filesystem::path whole = root_ + path;
    std::filesystem::create_directories(whole.parent_path());
    std::ofstream(whole) << text;
  }
  void thread_waited(const std::string& id, int ns) const {
    put("/proc/self/task/" + id + "/schedstat", "1 " + std::to_string(ns) + " 1\n");
  }
  void end_thread(const std::string& id) const { std::filesystem::remove_all(root_ + "/proc/self/task/" + id); }

  std::string root_;
};

TEST_F(StallMonitorTest, WithoutAnyFileAllTotalsAreZero) {
  StallMonitor monitor(root_);
  const StallTotals got = monitor.sample();
  EXPECT_EQ(got.run_queue, Duration::zero());
  EXPECT_EQ(got.throttled, Duration::zero());
  EXPECT_EQ(got.steal, Duration::zero());
}

TEST_F(StallMonitorTest, TotalsCountFromTheMonitorsConstruction) {
  thread_waited("1", 1000);
  thread_waited("2", 500);
  StallMonitor monitor(root_);
  EXPECT_EQ(monitor.sample().run_queue, nanoseconds(0));
  thread_waited("1", 1010);
  thread_waited("2", 505);
  EXPECT_EQ(monitor.sample().run_queue, nanoseconds(15));
}

TEST_F(StallMonitorTest, ANewThreadCountsFromItsStart) {
  thread_waited("1", 1000);
  StallMonitor monitor(root_);
  thread_waited("2", 70);
  EXPECT_EQ(monitor.sample().run_queue, nanoseconds(70));
}

// The bug: the total was the largest sum over the living threads, and stood still after one had ended.
TEST_F(StallMonitorTest, AThreadsEndTakesNothingFromTheTotalAndDoesNotFreezeIt) {
  thread_waited("1", 1000);
  thread_waited("2", 100'000);
  StallMonitor monitor(root_);
  thread_waited("2", 100'005);
  EXPECT_EQ(monitor.sample().run_queue, nanoseconds(5));
  end_thread("2");
  EXPECT_EQ(monitor.sample().run_queue, nanoseconds(5));
  thread_waited("1", 1030);
  EXPECT_EQ(monitor.sample().run_queue, nanoseconds(35));
}

TEST_F(StallMonitorTest, AThreadThatGotTheIdOfAnEndedOneCountsWhole) {
  thread_waited("7", 1000);
  StallMonitor monitor(root_);
  thread_waited("7", 40);
  EXPECT_EQ(monitor.sample().run_queue, nanoseconds(40));
}

TEST_F(StallMonitorTest, Version2ReadsItsOwnGroup) {
  put("/proc/self/cgroup", "0::/app\n");
  put("/sys/fs/cgroup/app/cpu.stat", "throttled_usec 10\n");
  StallMonitor monitor(root_);
  put("/sys/fs/cgroup/app/cpu.stat", "throttled_usec 60\n");
  EXPECT_EQ(monitor.sample().throttled, microseconds(50));
}

TEST_F(StallMonitorTest, InAContainerTheMountsRootIsTheGroup) {
  put("/proc/self/cgroup", "0::/host/path/that/is/not/mounted\n");
  put("/sys/fs/cgroup/cpu.stat", "throttled_usec 0\n");
  StallMonitor monitor(root_);
  put("/sys/fs/cgroup/cpu.stat", "throttled_usec 25\n");
  EXPECT_EQ(monitor.sample().throttled, microseconds(25));
}

TEST_F(StallMonitorTest, Version1ReadsTheCpuController) {
  put("/proc/self/cgroup", "5:cpu,cpuacct:/app\n1:name=systemd:/app\n");
  put("/sys/fs/cgroup/cpu/app/cpu.stat", "throttled_time 100\n");
  StallMonitor monitor(root_);
  put("/sys/fs/cgroup/cpu/app/cpu.stat", "throttled_time 350\n");
  EXPECT_EQ(monitor.sample().throttled, nanoseconds(250));
}

TEST_F(StallMonitorTest, ACounterThatFallsDoesNotMakeATotalFall) {
  put("/proc/self/cgroup", "0::/app\n");
  put("/sys/fs/cgroup/app/cpu.stat", "throttled_usec 10\n");
  StallMonitor monitor(root_);
  put("/sys/fs/cgroup/app/cpu.stat", "throttled_usec 60\n");
  EXPECT_EQ(monitor.sample().throttled, microseconds(50));
  put("/sys/fs/cgroup/app/cpu.stat", "throttled_usec 5\n");
  EXPECT_EQ(monitor.sample().throttled, microseconds(50));
}

TEST_F(StallMonitorTest, StealIsThatOfTheMachine) {
  const auto ticks = ::sysconf(_SC_CLK_TCK);
  put("/proc/stat", "cpu  1 1 1 1 1 1 1 0 0 0\n");
  StallMonitor monitor(root_);
  put("/proc/stat", "cpu  1 1 1 1 1 1 1 " + std::to_string(ticks) + " 0 0\n");
  EXPECT_EQ(monitor.sample().steal, seconds(1));
}

TEST(StallMonitor, TheRealRootCanBeRead) {
  StallMonitor monitor;
  const StallTotals got = monitor.sample();
  EXPECT_GE(got.run_queue, Duration::zero());
  EXPECT_GE(got.throttled, Duration::zero());
  EXPECT_GE(got.steal, Duration::zero());
}

}  // namespace
}  // namespace quoll::net
