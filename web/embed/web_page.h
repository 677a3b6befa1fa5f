// The live page's files, as bytes in the binary. web/build.cmake writes their definitions.
//
// Thread-safe: constants.
#pragma once

#include <span>
#include <string_view>

namespace quoll::web {

struct File {
  std::string_view path;  // as the browser asks for it: "/dashboard", "/dashboard/app.js"
  std::string_view content_type;
  std::string_view bytes;
};

// Empty when the page could not be built.
std::span<const File> files();
// Why, for people; empty when the page is there.
std::string_view missing();

}  // namespace quoll::web
