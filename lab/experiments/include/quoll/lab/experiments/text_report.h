// The end of an experiment as text: what each phase saw, what the circuit did, the checks, and what it ran on.
//
// Thread-safe: free functions.
#pragma once

#include <string>
#include <vector>

#include "quoll/lab/experiments/model.h"

namespace quoll::lab::experiments {

// Lines without newlines, within 80 columns for a run of usual size.
std::vector<std::string> text_report(const RunRecord& run, bool colours);
// The whole result as one JSON object (docs in report_html.h), without a newline.
std::string to_json(const RunRecord& run);

}  // namespace quoll::lab::experiments
