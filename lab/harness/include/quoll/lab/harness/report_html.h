// The HTML report: one file that needs nothing else, with the result as JSON inside and the charts drawn from it by
// the page's own script. It makes no request and works from a disk, on a phone, in light and dark.
//
// assets/report.css is the look of every report, assets/chart.js draws charts that share one time axis, and a script
// of the experiment's own folder chooses the charts and tables.
//
// Thread-safe: a free function.
#pragma once

#include <string>
#include <string_view>

namespace quoll::lab::harness {

// json: the result, one object. script: the experiment's script, which finds the result in `data`.
std::string html_page(std::string_view title, std::string_view json, std::string_view script);

}  // namespace quoll::lab::harness
