// What stands around every run of an experiment: signals that end it in order, and a folder that goes with it.
//
// Thread-compatible: one of each at a time.
#pragma once

#include <csignal>
#include <cstddef>
#include <string>

#include "quoll/base/time.h"

namespace quoll::lab::experiments {

// Takes SIGINT, SIGTERM and SIGHUP for its lifetime and gives them back.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // Rests for up to `d`; false, at once, once a signal has come.
  static bool rest(Duration d);

 private:
  static constexpr std::size_t kCount = 3;
  struct sigaction before_[kCount] {};
};

// A folder in the system's place for such, readable by everybody, deleted with all that is in it.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  // Empty when it could not be made.
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace quoll::lab::experiments
