// Faults: what is wrong with a command line, collected, so that a person sees it all at once.
//
// Thread-compatible.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "quoll/base/result.h"

namespace quoll::apps {

class Faults {
 public:
  // Stores what was read of an option, or the fault "--delay: ...".
  template <typename T, typename Into>
  void store(const std::string& option, Result<T> read, Into& out) {
    if (read) {
      out = *std::move(read);
    } else {
      add(option + ": " + read.error().message);
    }
  }
  void add(std::string fault) { all_.push_back(std::move(fault)); }

  bool none() const { return all_.empty(); }
  const std::vector<std::string>& all() const { return all_; }
  // One a line, without a last newline.
  std::string text() const {
    std::string out;
    for (const std::string& fault : all_) out += (out.empty() ? "" : "\n") + fault;
    return out;
  }

 private:
  std::vector<std::string> all_;
};

}  // namespace quoll::apps
