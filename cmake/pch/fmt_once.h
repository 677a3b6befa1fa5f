// fmt, without a copy of its formatter in each file that formats into an iterator: fmt 9 declares the template and
// leaves it to every file to instantiate, 1.5 s each. libfmt has it. Reached through the precompiled headers only.
#pragma once

#include <fmt/format.h>

namespace fmt::detail {
extern template void vformat_to<char>(buffer<char>&, basic_string_view<char>,
                                      basic_format_args<FMT_BUFFER_CONTEXT(char)>, locale_ref);
}  // namespace fmt::detail
