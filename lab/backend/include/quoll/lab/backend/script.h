// Script: a timeline of modes, for a backend that is healthy, dies and recovers by the clock.
//
//   # a comment
//   10s healthy
//   10s healthy 40ms..80ms    # a delay of its own
//   20s fail 503              # a status of its own
//   10s slow 3x               # a factor of its own
//   5s  answer 50%            # a failure rate of its own
//   5s  hang
//   loop                      # optional, last: start again; without it the command line's behaviour follows
//
// Thread-compatible: a plain value.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "quoll/base/result.h"
#include "quoll/lab/backend/behaviour.h"

namespace quoll::lab::backend {

struct Step {
  Duration length{};  // 1 ms to 24 h
  Change change;
  std::string text;  // the line, without comment and surrounding blanks
};

struct Script {
  static constexpr std::size_t kMaxSteps = 10'000;

  std::vector<Step> steps;
  bool loop = false;

  // Every faulty line is named with its number, one fault a line of the message.
  static Result<Script> parse(std::string_view text);

  struct Position {
    std::size_t step = 0;
    Duration ends{};  // since the script's start
  };
  // Where the script stands after so much time; nothing once it is over.
  std::optional<Position> at(Duration elapsed) const;
};

}  // namespace quoll::lab::backend
