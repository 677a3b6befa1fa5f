// Reading and writing a whole file that a person named: a configuration, a script, a trace, a report.
//
// Only a regular file is read, and no more of it than the caller's bound: a directory reads as nothing, a device never
// ends, a pipe may wait for ever.
//
// Thread-safe: free functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "quoll/base/result.h"

namespace quoll {

// The file's bytes. The error's code is "file"; its message names the file, what is wrong with it and what would be
// right. `most`: in bytes; a larger file is refused, not cut.
Result<std::string> read_file(const std::string& path, std::size_t most);

// Writes beside the file's place and moves it there, so that a reader never finds half a file; a device or a
// pipe is written to. The error's code is "file"; its message names the file.
Result<void> write_file(const std::string& path, std::string_view text);

}  // namespace quoll
