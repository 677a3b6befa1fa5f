// The live view: the whole state of an experiment in one screen, and the plain lines that stand for it elsewhere.
//
// Drawing is pure: a RunRecord and a time in, lines out. Terminal puts them on the screen.
//
// Thread-compatible.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "quoll/lab/demo/model.h"

namespace quoll::lab::demo {

struct Screen {
  std::size_t columns = 80;
  std::size_t rows = 24;
  bool colours = true;
};

// At most `screen.rows` lines of at most `screen.columns` columns. Works from 40 columns and 8 rows on.
std::vector<std::string> draw(const RunRecord& run, Duration now, const Screen& screen);

// Says in plain lines what has happened since it was last asked: phases, marks, changes of state, and one line for
// each tick of the load generator.
class PlainView {
 public:
  std::vector<std::string> news(const RunRecord& run);

 private:
  std::size_t phases_ = 0;
  std::size_t marks_ = 0;
  std::size_t changes_ = 0;
  std::size_t ticks_ = 0;
};

// A terminal's second screen, redrawn in place. The destructor gives the first one back.
class Terminal {
 public:
  // Neither does anything before open().
  ~Terminal() { close(); }
  Terminal() = default;
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  // False when `fd` is no terminal that can be redrawn.
  bool open(int fd);
  void close();
  // Asks the terminal each time, so a resize needs nothing but a redraw.
  Screen screen() const;
  void show(const std::vector<std::string>& lines);

 private:
  int fd_ = -1;
  bool colours_ = true;
  std::size_t last_columns_ = 0;
  std::size_t last_rows_ = 0;
};

}  // namespace quoll::lab::demo
