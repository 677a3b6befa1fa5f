// Faults in options, worded alike in all kinds. Private to this module.
#pragma once

#include <string>
#include <vector>

#include "quoll/base/duration_range.h"
#include "quoll/base/result.h"
#include "quoll/lab/pressure/run.h"

namespace quoll::lab::pressure {

void check_range(std::vector<std::string>& faults, const char* name, const DurationRange& range, Duration low,
                 Duration high);
void check_length(std::vector<std::string>& faults, const RunLength& length);
void check_number(std::vector<std::string>& faults, const char* name, double value, double low, double high);
// "bad_options" with every fault on a line of its own, or nothing.
Result<void> to_result(const std::vector<std::string>& faults);

// "what: Permission denied", as "not_permitted" for the errors that mean it, else "system".
Error system_error(const std::string& what, int number);

// The end of a run that started now; far away when it has no length.
TimePoint run_end(const RunLength& length, TimePoint now);

// Whether a process may be pressed: it exists, and is neither this one nor 1.
Result<void> check_process(int pid);

}  // namespace quoll::lab::pressure
