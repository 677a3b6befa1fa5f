// The reader against a decoder that sees the whole body at once, on bodies that are right, wrong by a byte, or cut.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "quoll/http/body.h"
#include "quoll/http/write.h"

namespace quoll::http {
namespace {

struct Outcome {
  std::string content;
  std::string error;
  std::size_t consumed = 0;
  bool done = false;

  bool operator==(const Outcome&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Outcome& o) {
  return out << o.content.size() << " bytes of content, error '" << o.error << "', consumed " << o.consumed
             << (o.done ? ", done" : "");
}

// Feeds the bytes in pieces that end at the cuts (ascending); each piece is offered until it is used up.
Outcome read_in_pieces(BodyReader reader, std::string_view bytes, const std::vector<std::size_t>& cuts) {
  Outcome out;
  std::size_t cut = 0;
  while (!reader.done() && out.consumed < bytes.size()) {
    while (cut < cuts.size() && cuts[cut] <= out.consumed) ++cut;
    const std::size_t end = cut < cuts.size() ? cuts[cut] : bytes.size();
    const auto piece = reader.next(std::span(bytes.data() + out.consumed, end - out.consumed));
    if (!piece) {
      out.error = piece.error().code;
      return out;
    }
    RC_ASSERT(piece->consumed > 0 || piece->done);
    RC_ASSERT(piece->consumed <= end - out.consumed);
    RC_ASSERT(piece->data.size() <= piece->consumed);
    RC_ASSERT(piece->done == reader.done());
    out.content.append(piece->data.data(), piece->data.size());
    out.consumed += piece->consumed;
    RC_ASSERT(reader.received() == out.content.size());
  }
  out.done = reader.done();
  return out;
}

// The naive decoder: RFC 9112 section 7.1 by string search. Empty when the body is malformed or not all there.
struct Decoded {
  std::string content;
  std::size_t length = 0;
};
std::optional<Decoded> decode(std::string_view bytes) {
  Decoded out;
  for (;;) {
    const std::size_t eol = bytes.find("\r\n", out.length);
    if (eol == std::string_view::npos) return std::nullopt;
    std::string line(bytes.substr(out.length, eol - out.length));
    for (const char c : line) {
      if (c != '\t' && (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)) return std::nullopt;
    }
    std::size_t digits = 0;
    while (digits < line.size() && std::isxdigit(static_cast<unsigned char>(line[digits])) != 0) ++digits;
    const std::size_t after = line.find_first_not_of(" \t", digits);
    if (digits == 0 || digits > 16 || line.size() + 2 > Limits{}.chunk_line_bytes) return std::nullopt;
    if (after != std::string::npos && line[after] != ';') return std::nullopt;
    const std::uint64_t size = std::strtoull(line.substr(0, digits).c_str(), nullptr, 16);
    out.length = eol + 2;
    if (size == 0) break;
    if (size > bytes.size() - out.length || bytes.substr(out.length + size, 2) != "\r\n") return std::nullopt;
    out.content += bytes.substr(out.length, size);
    out.length += size + 2;
  }
  for (;;) {
    const std::size_t eol = bytes.find("\r\n", out.length);
    if (eol == std::string_view::npos) return std::nullopt;
    const std::string_view line = bytes.substr(out.length, eol - out.length);
    out.length = eol + 2;
    if (line.empty()) return out;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return std::nullopt;
    for (const char c : line.substr(colon)) {
      if (c != '\t' && (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)) return std::nullopt;
    }
  }
}

std::string generate_body() {
  std::string out;
  const auto chunks = *rc::gen::inRange(0, 5);
  for (int i = 0; i < chunks; ++i) {
    const auto content = *rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::arbitrary<char>()));
    std::array<char, kChunkHeaderBytes> buffer;
    std::string header(format_chunk_header(buffer, content.size()));
    header.insert(header.size() - 2, *rc::gen::element<std::string>("", "", " ", ";a", " ;a=\"b\"", "\t; x = y;z"));
    header.insert(0, *rc::gen::element<std::string>("", "", "0", "000"));
    out += header + content + std::string(kChunkEnd);
  }
  out += *rc::gen::element<std::string>("0\r\n", "000\r\n", "0;last\r\n");
  out += *rc::gen::element<std::string>("", "", "X-Sum: 1\r\n", "A:\r\nB: \x80 c\r\n");
  return out + "\r\n";
}

std::vector<std::size_t> generate_cuts(std::size_t size) {
  auto cuts = *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(0, size + 1));
  std::sort(cuts.begin(), cuts.end());
  return cuts;
}

RC_GTEST_PROP(BodyProperty, ValidBodiesReadAsTheNaiveDecoderReadsThem, ()) {
  const std::string bytes = generate_body();
  const auto expected = decode(bytes);
  RC_ASSERT(expected.has_value());
  const std::string wire = bytes + *rc::gen::arbitrary<std::string>();
  const Outcome got = read_in_pieces(BodyReader(Framing::chunked, 0, {}), wire, generate_cuts(wire.size()));
  RC_ASSERT(got == (Outcome{expected->content, "", expected->length, true}));
}

RC_GTEST_PROP(BodyProperty, DamagedBodiesAreReadAlikeByBothDecoders, ()) {
  std::string bytes = generate_body();
  const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
  switch (*rc::gen::inRange(0, 3)) {
    case 0:
      bytes[at] = *rc::gen::element('\r', '\n', '0', ';', ' ', '\0', ':', 'f');
      break;
    case 1:
      bytes.erase(at, 1);
      break;
    default:
      bytes.insert(at, 1, *rc::gen::element('\r', '\n', '0', ';', ' ', '\0', ':', 'f'));
  }
  const auto expected = decode(bytes);
  const Outcome got = read_in_pieces(BodyReader(Framing::chunked, 0, {}), bytes, generate_cuts(bytes.size()));
  RC_ASSERT(got.done == expected.has_value());
  if (expected) {
    RC_ASSERT(got.content == expected->content);
    RC_ASSERT(got.consumed == expected->length);
  }
}

RC_GTEST_PROP(BodyProperty, TheOutcomeDoesNotDependOnTheSplit, ()) {
  std::string bytes = generate_body();
  if (*rc::gen::arbitrary<bool>()) bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] = *rc::gen::arbitrary<char>();
  Limits limits;
  limits.body_bytes = *rc::gen::inRange<std::uint64_t>(0, 200);
  limits.chunk_line_bytes = *rc::gen::inRange<std::size_t>(18, 24);
  limits.trailer_bytes = *rc::gen::inRange<std::size_t>(0, 40);
  limits.trailer_fields = *rc::gen::inRange<std::size_t>(0, 3);
  const BodyReader reader(Framing::chunked, 0, limits);
  const Outcome whole = read_in_pieces(reader, bytes, {});
  Outcome split = read_in_pieces(reader, bytes, generate_cuts(bytes.size()));
  // What an error leaves unread is not part of the outcome: framing before the wrong byte may have been taken already.
  if (!whole.error.empty()) split.consumed = whole.consumed;
  RC_ASSERT(split == whole);
}

RC_GTEST_PROP(BodyProperty, ALengthIsCountedExactlyInAnySplit, ()) {
  const auto bytes = *rc::gen::arbitrary<std::string>();
  const auto length = *rc::gen::inRange<std::size_t>(0, bytes.size() + 1);
  const Outcome got = read_in_pieces(BodyReader(Framing::length, length, {}), bytes, generate_cuts(bytes.size()));
  RC_ASSERT(got == (Outcome{bytes.substr(0, length), "", length, true}));
}

RC_GTEST_PROP(BodyProperty, UntilTheCloseEverythingIsContent, ()) {
  const auto bytes = *rc::gen::arbitrary<std::string>();
  const Outcome got = read_in_pieces(BodyReader(Framing::until_close, 0, {}), bytes, generate_cuts(bytes.size()));
  RC_ASSERT(got == (Outcome{bytes, "", bytes.size(), false}));
}

// A cut body is never taken for a whole one, whatever the place.
RC_GTEST_PROP(BodyProperty, ACutBodyIsIncompleteAtTheClose, ()) {
  const std::string bytes = generate_body();
  BodyReader reader(Framing::chunked, 0, {});
  std::string_view rest = std::string_view(bytes).substr(0, *rc::gen::inRange<std::size_t>(0, bytes.size()));
  while (!rest.empty()) {
    const auto piece = reader.next(rest);
    RC_ASSERT(piece.has_value());
    rest.remove_prefix(piece->consumed);
  }
  const auto end = reader.finish_at_close();
  RC_ASSERT(!end.has_value());
  RC_ASSERT(end.error().code == "incomplete");
}

}  // namespace
}  // namespace quoll::http
