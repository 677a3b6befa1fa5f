// The paradox's result in words, tables and JSON. Every sentence is made from the numbers.
//
// Thread-safe: free functions.
#pragma once

#include <string>
#include <vector>

#include "quoll/lab/paradox/record.h"

namespace quoll::lab::paradox {

// A cell's result, in one to three sentences.
std::string sentence(const CellRecord& cell, const Group& group);
// A cell that has just ended, in one line.
std::string cell_line(const CellRecord& cell);
// A group's table; at most 80 columns for counts below a million.
std::vector<std::string> group_table(const GroupRecord& group);

// The claims about Quoll, with the cells that show otherwise. Claims that the run holds no cell for are left out.
std::vector<harness::Claim> claims(const Record& run);
// The end of a run: the callers' totals, the claims, and what it ran on.
std::vector<std::string> closing(const Record& run);

// One object, without a newline.
std::string to_json(const Record& run);
// The self-contained HTML report.
std::string page(const Record& run);

}  // namespace quoll::lab::paradox
