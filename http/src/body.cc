#include "quoll/http/body.h"

#include <algorithm>
#include <limits>

#include "chars.h"

namespace quoll::http {
namespace {

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// A limit as the reader keeps it: one below the type's largest, so that a counter passes it before it wraps.
template <typename T>
T clamped(std::size_t limit) {
  return static_cast<T>(std::min<std::size_t>(limit, std::numeric_limits<T>::max() - 1));
}

}  // namespace

constexpr BodyReader::Failure BodyReader::kTooLarge{"body_too_large", "the body is larger than allowed"};
constexpr BodyReader::Failure BodyReader::kIncomplete{"incomplete", "the connection closed before the body's end"};

BodyReader::BodyReader(Framing framing, std::uint64_t content_length, const Limits& limits)
    : body_limit_(limits.body_bytes),
      chunk_line_limit_(clamped<std::uint32_t>(limits.chunk_line_bytes)),
      trailer_limit_(clamped<std::uint32_t>(limits.trailer_bytes)),
      trailer_fields_limit_(clamped<std::uint16_t>(limits.trailer_fields)) {
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
      return Error{failure_->message, failure_->code};
    case State::length:
    case State::until_close:
    case State::chunk_data:
      return next_run(input);
    default:
      return next_chunked(input);
  }
}

// Content without framing in between: as much as the input and the body hold. A run whose length is announced is
// refused before its first byte, so that the bytes delivered do not depend on how they were split.
Result<BodyReader::Piece> BodyReader::next_run(std::span<const char> input) {
  const bool bounded = state_ != State::until_close;
  const std::uint64_t n = bounded ? std::min<std::uint64_t>(input.size(), remaining_) : input.size();
  if ((bounded ? remaining_ : n) > body_limit_ - received_) return fail(kTooLarge);
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
    const char c = input[used];
    if (!step(c)) return fail(framing_failure(before));
    ++used;
    if (before >= State::trailer_start) {
      if (state_ == State::done) break;
      if (trailers_ != nullptr && state_ != State::end_lf) *trailers_ += c;
    }
  }
  return Piece{used, {}, state_ == State::done};
}

// What is wrong with a byte that is not allowed in this state.
const BodyReader::Failure& BodyReader::framing_failure(State state) {
  static constexpr Failure kSize{"chunk_size", "a chunk's size is not a hexadecimal number that fits"};
  static constexpr Failure kLine{"chunk_line", "the line with a chunk's size is malformed or too long"};
  static constexpr Failure kEnd{"chunk_end", "a chunk does not end where its size says"};
  static constexpr Failure kTrailer{"trailer", "the trailer is malformed or too large"};
  switch (state) {
    case State::chunk_size_first:
    case State::chunk_size:
      return kSize;
    case State::chunk_space:
    case State::chunk_extension:
    case State::chunk_line_lf:
      return kLine;
    case State::chunk_data_cr:
    case State::chunk_data_lf:
      return kEnd;
    default:
      return kTrailer;
  }
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
  if (++line_bytes_ > chunk_line_limit_) return false;
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
  return state_ == State::failed ? fail(*failure_) : fail(kIncomplete);
}

Error BodyReader::fail(const Failure& failure) {
  state_ = State::failed;
  failure_ = &failure;
  return Error{failure.message, failure.code};
}

}  // namespace quoll::http
