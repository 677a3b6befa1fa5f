#include "quoll/http/body.h"

#include <algorithm>

#include "chars.h"

namespace quoll::http {
namespace {

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

BodyReader::BodyReader(Framing framing, std::uint64_t content_length, const Limits& limits)
    : body_limit_(limits.body_bytes),
      chunk_line_limit_(static_cast<std::uint32_t>(limits.chunk_line_bytes)),
      trailer_limit_(static_cast<std::uint32_t>(limits.trailer_bytes)),
      trailer_fields_limit_(static_cast<std::uint16_t>(limits.trailer_fields)) {
  switch (framing) {
    case Framing::none:
      break;
    case Framing::length:
      remaining_ = content_length;
      state_ = content_length == 0 ? State::done : State::length;
      break;
    case Framing::chunked:
      state_ = State::chunk_size_first;
      break;
    case Framing::until_close:
      state_ = State::until_close;
      break;
  }
}

Result<BodyReader::Piece> BodyReader::next(std::span<const char> input) {
  switch (state_) {
    case State::done:
      return Piece{0, {}, true};
    case State::failed:
      return Error{"the body was malformed", "incomplete"};
    case State::length:
    case State::until_close:
    case State::chunk_data:
      return next_run(input);
    default:
      return next_chunked(input);
  }
}

// Content without framing in between: as much as the input and the body hold.
Result<BodyReader::Piece> BodyReader::next_run(std::span<const char> input) {
  const bool bounded = state_ != State::until_close;
  const std::uint64_t n = bounded ? std::min<std::uint64_t>(input.size(), remaining_) : input.size();
  if (n > body_limit_ - received_) return fail("body_too_large", "the body is larger than allowed");
  received_ += n;
  Piece piece{static_cast<std::size_t>(n), input.first(static_cast<std::size_t>(n)), false};
  if (!bounded) return piece;
  remaining_ -= n;
  if (remaining_ == 0) state_ = state_ == State::length ? State::done : State::chunk_data_cr;
  piece.done = state_ == State::done;
  return piece;
}

// Chunk framing, byte by byte, up to the next content; then that content.
Result<BodyReader::Piece> BodyReader::next_chunked(std::span<const char> input) {
  std::size_t used = 0;
  while (used < input.size()) {
    if (state_ == State::chunk_data) {
      auto run = next_run(input.subspan(used));
      if (run) run->consumed += used;
      return run;
    }
    const State before = state_;
    if (!step(input[used])) {
      switch (before) {
        case State::chunk_size_first:
        case State::chunk_size:
          return fail("chunk_size", "a chunk's size is not a hexadecimal number that fits");
        case State::chunk_space:
        case State::chunk_extension:
        case State::chunk_line_lf:
          return fail("chunk_line", "the line with a chunk's size is malformed or too long");
        case State::chunk_data_cr:
        case State::chunk_data_lf:
          return fail("chunk_end", "a chunk does not end where its size says");
        default:
          return fail("trailer", "the trailer is malformed or too large");
      }
    }
    ++used;
    if (state_ == State::done) break;
  }
  return Piece{used, {}, state_ == State::done};
}

bool BodyReader::step(char c) {
  switch (state_) {
    case State::chunk_size_first:
    case State::chunk_size:
    case State::chunk_space:
    case State::chunk_extension:
    case State::chunk_line_lf:
      return step_size(c);
    case State::chunk_data_cr:
      state_ = State::chunk_data_lf;
      return c == '\r';
    case State::chunk_data_lf:
      state_ = State::chunk_size_first;
      return c == '\n';
    default:
      return step_trailer(c);
  }
}

bool BodyReader::step_size(char c) {
  if (state_ == State::chunk_size_first) {
    remaining_ = 0;
    digits_ = 0;
    line_bytes_ = 0;
  }
  if (++line_bytes_ > chunk_line_limit_) {
    state_ = State::chunk_extension;
    return false;
  }
  if (state_ == State::chunk_line_lf) {
    if (c != '\n') return false;
    line_bytes_ = 0;
    state_ = remaining_ == 0 ? State::trailer_start : State::chunk_data;
    return true;
  }
  if (state_ == State::chunk_size_first || state_ == State::chunk_size) {
    const int digit = hex_value(c);
    if (digit >= 0) {
      if (++digits_ > 16 || remaining_ >> 59U != 0) return false;
      remaining_ = remaining_ << 4U | static_cast<std::uint64_t>(digit);
      state_ = State::chunk_size;
      return true;
    }
    if (state_ == State::chunk_size_first) return false;
  }
  if (c == '\r') {
    state_ = State::chunk_line_lf;
    return true;
  }
  if (state_ == State::chunk_extension) return is_field_char(c);
  // After the size: white space, then an extension.
  if (c == ';') {
    state_ = State::chunk_extension;
    return true;
  }
  if (!is_space(c)) return false;
  state_ = State::chunk_space;
  return true;
}

bool BodyReader::step_trailer(char c) {
  if (state_ == State::end_lf) {
    state_ = State::done;
    return c == '\n';
  }
  if (state_ == State::trailer_start && c == '\r') {
    state_ = State::end_lf;
    return true;
  }
  if (++line_bytes_ > trailer_limit_) return false;
  switch (state_) {
    case State::trailer_start:
      if (++trailer_fields_ > trailer_fields_limit_) return false;
      state_ = State::trailer_name;
      return is_token_char(c);
    case State::trailer_name:
      if (c == ':') {
        state_ = State::trailer_value;
        return true;
      }
      return is_token_char(c);
    case State::trailer_value:
      if (c == '\r') {
        state_ = State::trailer_lf;
        return true;
      }
      return is_field_char(c);
    default:  // trailer_lf
      state_ = State::trailer_start;
      return c == '\n';
  }
}

Result<void> BodyReader::finish_at_close() {
  if (state_ == State::done) return {};
  if (state_ == State::until_close) {
    state_ = State::done;
    return {};
  }
  return fail("incomplete", "the connection closed before the body's end");
}

Error BodyReader::fail(const char* code, const char* message) {
  state_ = State::failed;
  return Error{message, code};
}

}  // namespace quoll::http
