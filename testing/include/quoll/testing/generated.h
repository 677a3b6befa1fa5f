// Texts in the repository that the code makes: tables in docs/, the JSON Schema. A test holds them current; with
// QUOLL_UPDATE=1 in the environment it writes them instead (`./dev generate`).
//
// Thread-compatible: reads and writes files, as tests may.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace quoll::testing {

// The repository's root: of the test's environment, or the nearest folder above the current one that looks like it.
inline std::filesystem::path source_root() {
  if (const char* const named = std::getenv("QUOLL_ROOT"); named != nullptr) return named;  // NOLINT: no thread yet
  std::filesystem::path at = std::filesystem::current_path();
  while (!std::filesystem::exists(at / "docs/ARCHITECTURE.md") && at.has_relative_path()) at = at.parent_path();
  return at;
}

namespace internal {

inline std::string read_all(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path << " cannot be read";
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void compare_or_write(const std::filesystem::path& path, const std::string& committed, const std::string& made) {
  const char* const update = std::getenv("QUOLL_UPDATE");  // NOLINT: no thread yet
  if (update != nullptr && *update == '1') {
    std::ofstream(path, std::ios::binary) << made;
    return;
  }
  EXPECT_EQ(committed, made) << path << " is not what the code says; run ./dev generate";
}

}  // namespace internal

// `file` is below the root, and all of it is `text`.
inline void expect_generated_file(const std::string& file, const std::string& text) {
  const std::filesystem::path path = source_root() / file;
  internal::compare_or_write(path, std::filesystem::exists(path) ? internal::read_all(path) : "", text);
}

// `text` is what stands in the page between the lines "<!-- generated: NAME -->" and "<!-- end of NAME -->".
inline void expect_generated(const std::string& page, const std::string& name, const std::string& text) {
  const std::filesystem::path path = source_root() / page;
  const std::string committed = internal::read_all(path);
  const std::string begin = "<!-- generated: " + name + " -->\n";
  const std::size_t from = committed.find(begin);
  const std::size_t to = committed.find("<!-- end of " + name + " -->", from);
  ASSERT_TRUE(from != std::string::npos && to != std::string::npos) << page << " has no place for " << name;
  std::string made = committed;
  made.replace(from + begin.size(), to - from - begin.size(), text);
  internal::compare_or_write(path, committed, made);
}

}  // namespace quoll::testing
