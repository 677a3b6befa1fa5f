#include "quoll/base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace quoll {
namespace {

class File : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "quoll-file-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string put(const std::string& text) const {
    std::ofstream(folder_ + "/f", std::ios::binary) << text;
    return folder_ + "/f";
  }
  static std::string fault(const std::string& path, std::size_t most = 100) {
    const auto read = read_file(path, most);
    if (read) return "";
    EXPECT_EQ(read.error().code, "file");
    return read.error().message;
  }

  std::string folder_;
};

TEST_F(File, IsReadWholeUpToTheBoundAndRefusedBeyond) {
  for (const std::size_t size : {0U, 1U, 65'535U, 65'536U, 65'537U, 300'000U}) {
    std::string text(size, 'x');
    if (size > 2) text[1] = '\0';
    const std::string path = put(text);
    const auto read = read_file(path, size);
    ASSERT_TRUE(read.has_value()) << read.error().message;
    EXPECT_TRUE(*read == text) << size;
    if (size == 0) continue;
    EXPECT_EQ(fault(path, size - 1).find("cannot read '" + path + "': it is larger than "), 0U);
  }
  EXPECT_NE(fault(put(std::string((2U << 20U) + 1, 'x')), 2U << 20U).find("larger than 2 MiB"), std::string::npos);
  EXPECT_GT(read_file("/proc/self/status", 1U << 20U)->size(), 0U) << "a file whose size is said to be 0";
}

TEST_F(File, WhatIsNoRegularFileIsNamed) {
  EXPECT_NE(fault(folder_).find("it is a directory; give a regular file"), std::string::npos);
  EXPECT_NE(fault("/dev/zero").find("it is a device; give a regular file"), std::string::npos);
  const std::string pipe = folder_ + "/pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_NE(fault(pipe).find("it is a pipe; give a regular file"), std::string::npos) << "and it does not wait";
  EXPECT_NE(fault(folder_ + "/none").find("No such file or directory"), std::string::npos);
  EXPECT_NE(fault("").find("No such file or directory"), std::string::npos);
  const std::string path = put("x");
  EXPECT_NE(fault(path + std::string("\0y", 2)).find("Invalid argument"), std::string::npos);
  if (::geteuid() != 0) {
    ASSERT_EQ(::chmod(path.c_str(), 0), 0);
    EXPECT_NE(fault(path).find("Permission denied"), std::string::npos);
  }
}

TEST_F(File, IsWrittenWholeOverAnOlderOneAndLeavesNothingBeside) {
  const std::string path = put("old and longer");
  ASSERT_TRUE(write_file(path, "new"));
  EXPECT_EQ(read_file(path, 100).value(), "new");
  const auto entries = std::filesystem::directory_iterator(folder_);
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);
}

TEST_F(File, WhatIsNoFileIsWrittenToAndStaysWhatItIs) {
  ASSERT_TRUE(write_file("/dev/null", "text"));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
  EXPECT_FALSE(std::filesystem::exists("/dev/null.part"));
}

TEST_F(File, AFileThatCannotBeWrittenIsAnErrorThatNamesIt) {
  const auto written = write_file("/nonexistent/report.html", "x");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, "file");
  EXPECT_NE(written.error().message.find("cannot write /nonexistent/report.html: No such file"), std::string::npos)
      << written.error().message;
}

}  // namespace
}  // namespace quoll
