// What an experiment's record says of a run whose parts are a program that ends at once with 1.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "quoll/base/file.h"

namespace quoll::testing {

// Reads the record at `json` and removes it. It was made with seed 7 and `command`.
inline void expect_failed_record(const std::string& json, const std::string& command) {
  using ::testing::HasSubstr;
  const auto text = read_file(json, 1U << 20U);
  std::filesystem::remove(json);
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_THAT(*text, HasSubstr("\"ok\":false"));
  EXPECT_THAT(*text, HasSubstr("backend ended with exit code 1"));
  EXPECT_THAT(*text, HasSubstr("\"seed\":7,\"command\":\"" + command + "\""));
  EXPECT_THAT(*text, ::testing::ContainsRegex("\"cores\":[1-9]"));
}

}  // namespace quoll::testing
