// The HTML report: one file that needs nothing else, with the result as JSON inside and the charts drawn from it by
// the page's own script. It makes no request and works from a disk, on a phone, in light and dark.
//
// assets/report.css is the look of every report, assets/chart.js draws charts that share one time axis, and a script
// per experiment (assets/lab.js) says what is shown; a further experiment brings a script of its own.
//
// Thread-safe: free functions.
#pragma once

#include <string>
#include <string_view>

#include "quoll/base/result.h"

namespace quoll::lab::experiments {

// json: the result, one object. script: the experiment's script, which finds the result in `data`.
std::string html_page(std::string_view title, std::string_view json, std::string_view script);
// The report of `quoll lab`; json as to_json(RunRecord) makes it.
std::string lab_page(std::string_view json);

// Writes it beside its place and moves it there, so that no half report is ever read. Errors: "file".
Result<void> write_file(const std::string& path, std::string_view text);

}  // namespace quoll::lab::experiments
