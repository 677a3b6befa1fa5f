// The end of an experiment as text: what each phase saw, what the circuit did, the checks, and what it ran on.
//
// Thread-safe: free functions.
#pragma once

#include <string>
#include <vector>

#include "quoll/lab/demo/model.h"

namespace quoll::lab::demo {

// Lines without newlines, within 80 columns for a run of usual size.
std::vector<std::string> text_report(const RunRecord& run, bool colours);
// The whole result as one JSON object, without a newline.
std::string to_json(const RunRecord& run);
// The self-contained HTML report.
std::string page(const RunRecord& run);

}  // namespace quoll::lab::demo
