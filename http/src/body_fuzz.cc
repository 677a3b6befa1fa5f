// Any bytes as a body: the verdict and the content do not depend on the split, each call makes progress and stays in
// its input, and the content written as chunks reads back.
//
// The first byte chooses the split, the framing and the limits.
//
// Run: cmake --preset fuzz && cmake --build build/fuzz --target body_fuzz &&
//   build/fuzz/http/body_fuzz -dict=http/src/http_fuzz.dict -max_len=1024 -max_total_time=60
#include <algorithm>
#include <array>
#include <string>

#include "fuzz.h"
#include "quoll/http/body.h"
#include "quoll/http/write.h"

namespace quoll::http {
namespace {

struct Read {
  std::string content;
  std::string error;
  std::size_t consumed = 0;
  bool done = false;
};

// Feeds `bytes` in pieces; in one when there are none.
Read read(BodyReader reader, std::string_view bytes, Pieces* pieces) {
  Read out;
  while (out.consumed < bytes.size() && !reader.done()) {
    const std::string_view part = bytes.substr(out.consumed, pieces == nullptr ? bytes.size() : pieces->next());
    const auto piece = reader.next(part);
    if (!piece) {
      out.error = piece.error().code;
      QUOLL_FUZZ_CHECK(!out.error.empty() && !reader.done());
      QUOLL_FUZZ_CHECK(!reader.next(part) && !reader.finish_at_close());
      return out;
    }
    QUOLL_FUZZ_CHECK(piece->consumed <= part.size() && (piece->consumed > 0 || piece->done));
    QUOLL_FUZZ_CHECK(piece->done == reader.done());
    const std::string_view data(piece->data.data(), piece->data.size());
    QUOLL_FUZZ_CHECK(inside(data, part.substr(0, piece->consumed)));
    out.content += data;
    out.consumed += piece->consumed;
    QUOLL_FUZZ_CHECK(reader.received() == out.content.size());
  }
  out.done = reader.done();
  return out;
}

void check_round_trip(const std::string& content, Pieces& pieces) {
  std::string wire;
  for (std::size_t at = 0; at < content.size();) {
    const std::size_t n = std::min(content.size() - at, pieces.next());
    std::array<char, kChunkHeaderBytes> header;
    wire.append(format_chunk_header(header, n)).append(content, at, n).append(kChunkEnd);
    at += n;
  }
  wire += kLastChunk;
  const Read again = read(BodyReader(Framing::chunked, 0, {}), wire, &pieces);
  QUOLL_FUZZ_CHECK(again.done && again.consumed == wire.size() && again.content == content);
}

void check(std::uint8_t choice, std::string_view bytes) {
  // Mostly chunked, where there is something to find.
  constexpr std::array<Framing, 8> kFramings = {Framing::chunked, Framing::chunked,    Framing::chunked,
                                                Framing::length,  Framing::chunked,    Framing::chunked,
                                                Framing::none,    Framing::until_close};
  Limits limits;
  if (choice % 2 == 1) {
    limits.body_bytes = 40;
    limits.chunk_line_bytes = 24;
    limits.trailer_bytes = 30;
    limits.trailer_fields = 2;
  }
  const BodyReader reader(kFramings[choice / 2 % kFramings.size()], choice, limits);
  const Read whole = read(reader, bytes, nullptr);
  Pieces pieces(choice);
  const Read parts = read(reader, bytes, &pieces);
  QUOLL_FUZZ_CHECK(whole.error == parts.error && whole.done == parts.done);
  if (!whole.error.empty()) return;
  QUOLL_FUZZ_CHECK(whole.content == parts.content && whole.consumed == parts.consumed);
  QUOLL_FUZZ_CHECK(whole.content.size() <= limits.body_bytes);
  check_round_trip(whole.content, pieces);
}

}  // namespace
}  // namespace quoll::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  quoll::http::check(data[0], {reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
