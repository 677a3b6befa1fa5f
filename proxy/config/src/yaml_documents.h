// The documents of a YAML text, by where each begins, without building any: YAML::LoadAll makes empty ones for ever of
// a text whose outermost level begins with a comma.
//
// Thread-safe: a free function. Throws what yaml-cpp does.
#pragma once

#include <yaml-cpp/mark.h>

#include <string>
#include <vector>

namespace quoll::proxy {

struct YamlDocuments {
  std::vector<YAML::Mark> begins;  // of those that are not empty
  bool first_is_empty = true;
  bool stuck = false;  // nothing can be read from here on, though there is text
  YAML::Mark stuck_at;
};
YamlDocuments find_documents(const std::string& text);

}  // namespace quoll::proxy
