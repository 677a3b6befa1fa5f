#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "quoll/lab/demo/live_view.h"

namespace quoll::lab::demo {

namespace {

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = ::write(fd, text.data(), text.size());
    if (wrote > 0) {
      text.remove_prefix(static_cast<std::size_t>(wrote));
    } else if (errno != EINTR) {
      return;  // a terminal that is gone: the run goes on without
    }
  }
}

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

bool Terminal::open(int fd) {
  const std::string_view kind = variable("TERM");
  if (::isatty(fd) == 0 || kind.empty() || kind == "dumb") return false;
  colours_ = variable("NO_COLOR").empty();
  fd_ = fd;
  write_all(fd_, "\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J");
  return true;
}

void Terminal::close() {
  if (fd_ < 0) return;
  write_all(fd_, "\x1b[?25h\x1b[?1049l");
  fd_ = -1;
}

Screen Terminal::screen() const {
  Screen screen;
  screen.colours = colours_;
  winsize size{};
  if (fd_ >= 0 && ::ioctl(fd_, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
    screen.columns = size.ws_col;
    screen.rows = size.ws_row;
  }
  return screen;
}

void Terminal::show(const std::vector<std::string>& lines) {
  if (fd_ < 0) return;
  const Screen now = screen();
  std::string out = "\x1b[H";
  if (now.columns != last_columns_ || now.rows != last_rows_) out += "\x1b[2J";
  last_columns_ = now.columns;
  last_rows_ = now.rows;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out += "\r\n";
    out += lines[i] + "\x1b[K";
  }
  out += "\x1b[J";
  write_all(fd_, out);
}

}  // namespace quoll::lab::demo
