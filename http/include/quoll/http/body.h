// BodyReader: finds the end of a body and strips its framing, piece by piece, without copying.
//
//   BodyReader body(head.framing, head.content_length, limits);
//   while (!body.done()) {
//     auto piece = body.next(bytes);      // whatever has been received, in any split
//     if (!piece) ...                     // malformed: close the connection
//     use(piece->data);                   // a view into `bytes`; may be empty
//     bytes = bytes.subspan(piece->consumed);
//     if (bytes.empty() && !body.done()) read more
//   }
//
// `next` makes progress on every call with input: it consumes something, or the body is done. It stops after one run
// of data, so it is called until the input is used up; it never consumes bytes after the body's end. Chunked bodies
// (RFC 9112 section 7.1) are read strictly: CRLF only, sizes of 1 to 16 hex digits that fit 63 bits, extensions and
// trailers checked for control bytes and dropped unless keep_trailers() wants them, all within Limits.
//
// A body larger than Limits::body_bytes is refused as soon as that is known: before the first byte of a length or of a
// chunk that goes beyond.
//
// Errors carry a code: chunk_size, chunk_line, chunk_end, trailer, incomplete (400) or body_too_large (413). After an
// error the reader stays failed and repeats it.
//
// Thread-compatible; at most 64 bytes, no heap but for the text of an error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "quoll/base/result.h"
#include "quoll/http/head.h"

namespace quoll::http {

class BodyReader {
 public:
  struct Piece {
    std::size_t consumed = 0;    // bytes of the input that are used up, framing included
    std::span<const char> data;  // content among them: one contiguous run
    bool done = false;           // the body ends here
  };

  BodyReader() = default;  // an empty body
  BodyReader(Framing framing, std::uint64_t content_length, const Limits& limits);

  // Has the fields of a trailer section appended to `into`, which outlives the reader's use, as they come: each with
  // its CRLF, at most Limits::trailer_bytes in all but for the line ends. They are complete once done(). Pass them on
  // with format_last_chunk(). Null: they are dropped.
  void keep_trailers(std::string* into) { trailers_ = into; }

  Result<Piece> next(std::span<const char> input);

  // The peer closed: fine when done, the end of a body that is framed by the close, an error ("incomplete") otherwise.
  Result<void> finish_at_close();

  bool done() const { return state_ == State::done; }
  // Content bytes delivered so far.
  std::uint64_t received() const { return received_; }
  // Bytes known to be still to come: of the body with Framing::length, of the current chunk when chunked.
  std::uint64_t remaining() const { return remaining_; }

 private:
  enum class State : std::uint8_t {
    done,
    length,
    until_close,
    chunk_size_first,
    chunk_size,
    chunk_space,
    chunk_extension,
    chunk_line_lf,
    chunk_data,
    chunk_data_cr,
    chunk_data_lf,
    trailer_start,
    trailer_name,
    trailer_value,
    trailer_lf,
    end_lf,
    failed,
  };

  struct Failure {
    const char* code;
    const char* message;
  };
  static const Failure kTooLarge;
  static const Failure kIncomplete;

  Result<Piece> next_run(std::span<const char> input);
  Result<Piece> next_chunked(std::span<const char> input);
  // One byte of chunk framing; false when it is not allowed there.
  bool step(char c);
  bool step_size(char c);
  bool step_trailer(char c);
  static const Failure& framing_failure(State state);
  Error fail(const Failure& failure);

  State state_ = State::done;
  std::uint8_t digits_ = 0;
  std::uint16_t trailer_fields_ = 0;
  std::uint32_t line_bytes_ = 0;
  std::uint64_t remaining_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t body_limit_ = 0;
  std::uint32_t chunk_line_limit_ = 0;
  std::uint32_t trailer_limit_ = 0;
  std::uint16_t trailer_fields_limit_ = 0;
  const Failure* failure_ = nullptr;  // set with State::failed
  std::string* trailers_ = nullptr;
};

}  // namespace quoll::http
