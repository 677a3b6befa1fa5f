#include "quoll/http/body.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <string>

#include "quoll/http/write.h"

namespace quoll::http {
namespace {

struct Read {
  std::string content;
  std::string error;
  std::size_t consumed = 0;
  bool done = false;
};

// Feeds `bytes` in pieces of at most `step`.
Read read_all(BodyReader reader, std::string_view bytes, std::size_t step) {
  Read out;
  while (!reader.done() && out.consumed < bytes.size()) {
    const auto part = bytes.substr(out.consumed, step);
    const auto piece = reader.next({part.data(), part.size()});
    if (!piece) {
      out.error = piece.error().code;
      return out;
    }
    EXPECT_TRUE(piece->consumed > 0 || piece->done);
    out.content.append(piece->data.data(), piece->data.size());
    out.consumed += piece->consumed;
  }
  out.done = reader.done();
  return out;
}

TEST(BodyReader, LengthEndsAtItsLastByte) {
  const Read read = read_all(BodyReader(Framing::length, 3, {}), "abcdef", 100);
  EXPECT_EQ(read.content, "abc");
  EXPECT_EQ(read.consumed, 3U);
  EXPECT_TRUE(read.done);
}

TEST(BodyReader, UntilCloseEndsAtTheClose) {
  BodyReader reader(Framing::until_close, 0, {});
  ASSERT_TRUE(reader.next(std::span("abc", 3)).has_value());
  EXPECT_FALSE(reader.done());
  EXPECT_TRUE(reader.finish_at_close().has_value());
  EXPECT_TRUE(reader.done());
}

TEST(BodyReader, ShortBodyIsIncompleteAtTheClose) {
  BodyReader reader(Framing::length, 5, {});
  ASSERT_TRUE(reader.next(std::span("abc", 3)).has_value());
  const auto end = reader.finish_at_close();
  ASSERT_FALSE(end.has_value());
  EXPECT_EQ(end.error().code, "incomplete");
}

TEST(BodyReader, ChunksExtensionsAndTrailersAreStripped) {
  const std::string bytes = "3;name=\"v\"\r\nabc\r\n0A \r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\nNEXT";
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    const Read read = read_all(BodyReader(Framing::chunked, 0, {}), bytes, step);
    EXPECT_EQ(read.error, "");
    EXPECT_EQ(read.content, "abc0123456789");
    EXPECT_EQ(read.consumed, bytes.size() - 4);
    EXPECT_TRUE(read.done);
  }
}

TEST(BodyReader, MalformedChunksAreNamed) {
  const auto error = [](std::string_view bytes, const Limits& limits = {}) {
    return read_all(BodyReader(Framing::chunked, 0, limits), bytes, 1).error;
  };
  EXPECT_EQ(error("x\r\n"), "chunk_size");
  EXPECT_EQ(error("\r\n"), "chunk_size");
  EXPECT_EQ(error("-1\r\n"), "chunk_size");
  EXPECT_EQ(error("ffffffffffffffff\r\n"), "chunk_size");
  EXPECT_EQ(error("11111111111111111\r\n"), "chunk_size");
  EXPECT_EQ(error("1\nx"), "chunk_size");
  EXPECT_EQ(error("1\rx"), "chunk_line");
  EXPECT_EQ(error("1 x\r\n"), "chunk_line");
  EXPECT_EQ(error("1;" + std::string(300, 'e')), "chunk_line");
  EXPECT_EQ(error("1\r\nabc"), "chunk_end");
  EXPECT_EQ(error("0\r\nbad name: x\r\n\r\n"), "trailer");
  EXPECT_EQ(error("0\r\nX: " + std::string(9000, 't')), "trailer");
  Limits limits;
  limits.body_bytes = 4;
  EXPECT_EQ(error("5\r\nabcde\r\n", limits), "body_too_large");
}

std::string error_of(std::string_view bytes, const Limits& limits) {
  return read_all(BodyReader(Framing::chunked, 0, limits), bytes, bytes.size()).error;
}

TEST(BodyReader, ALimitedBodyMayBeExactlyAsLarge) {
  Limits limits;
  limits.body_bytes = 4;
  EXPECT_EQ(read_all(BodyReader(Framing::chunked, 0, limits), "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n", 2).content, "abcd");
  EXPECT_EQ(error_of("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", limits), "body_too_large");
  EXPECT_TRUE(read_all(BodyReader(Framing::length, 4, limits), "abcd", 1).done);
  EXPECT_EQ(read_all(BodyReader(Framing::until_close, 0, limits), "abcd", 1).error, "");
  EXPECT_EQ(read_all(BodyReader(Framing::until_close, 0, limits), "abcde", 1).error, "body_too_large");
}

TEST(BodyReader, WhatIsAnnouncedAsTooLargeIsRefusedBeforeItsFirstByte) {
  Limits limits;
  limits.body_bytes = 4;
  const Read chunk = read_all(BodyReader(Framing::chunked, 0, limits), "1\r\na\r\n4\r\nbcde", 1);
  EXPECT_EQ(chunk.error, "body_too_large");
  EXPECT_EQ(chunk.content, "a");
  const Read length = read_all(BodyReader(Framing::length, 5, limits), "abcde", 1);
  EXPECT_EQ(length.error, "body_too_large");
  EXPECT_EQ(length.content, "");
}

TEST(BodyReader, AChunkLineMayBeExactlyAsLongAsAllowed) {
  Limits limits;
  limits.chunk_line_bytes = 18;
  EXPECT_EQ(error_of("0000000000000000\r\n\r\n", limits), "");
  EXPECT_EQ(error_of("1;eeeeeeeeeeeeee\r\na\r\n0\r\n\r\n", limits), "");
  EXPECT_EQ(error_of("1;eeeeeeeeeeeeeee\r\na\r\n0\r\n\r\n", limits), "chunk_line");
}

TEST(BodyReader, TrailersMayBeExactlyAsLargeAndAsManyAsAllowed) {
  Limits limits;
  limits.trailer_fields = 2;
  limits.trailer_bytes = 12;
  EXPECT_EQ(error_of("0\r\nA: b\r\nC: d\r\n\r\n", limits), "");
  EXPECT_EQ(error_of("0\r\nA: b\r\nC: de\r\n\r\n", limits), "trailer");
  EXPECT_EQ(error_of("0\r\nA:\r\nB:\r\nC:\r\n\r\n", limits), "trailer");
  // Regression: a limit beyond 16 bits was cut to its low bits.
  limits.trailer_bytes = 8192;
  limits.trailer_fields = 65536;
  EXPECT_EQ(error_of("0\r\nA: b\r\n\r\n", limits), "");
}

TEST(BodyReader, BareLineFeedsNeverEndAnything) {
  EXPECT_EQ(error_of("1\na\r\n0\r\n\r\n", {}), "chunk_size");
  EXPECT_EQ(error_of("1;x\na\r\n0\r\n\r\n", {}), "chunk_line");
  EXPECT_EQ(error_of("1\r\na\n0\r\n\r\n", {}), "chunk_end");
  EXPECT_EQ(error_of("1\r\na\r0\r\n\r\n", {}), "chunk_end");
  EXPECT_EQ(error_of("0\r\nA: b\n\r\n", {}), "trailer");
  EXPECT_EQ(error_of("0\r\n\n", {}), "trailer");
  EXPECT_EQ(error_of("0\r\n\rX", {}), "trailer");
}

TEST(BodyReader, TrailersAreAsStrictAsHeads) {
  EXPECT_EQ(error_of("0\r\nA : b\r\n\r\n", {}), "trailer");
  EXPECT_EQ(error_of("0\r\n: b\r\n\r\n", {}), "trailer");
  EXPECT_EQ(error_of("0\r\nA: b\r\n c\r\n\r\n", {}), "trailer");
  EXPECT_EQ(error_of(std::string_view("0\r\nA: \0\r\n\r\n", 11), {}), "trailer");
  EXPECT_EQ(error_of("0\r\nGET / HTTP/1.1\r\n\r\n", {}), "trailer");
}

TEST(BodyReader, SizesFitSixtyThreeBits) {
  BodyReader reader(Framing::chunked, 0, {});
  ASSERT_TRUE(reader.next(std::span("7fffffffffffffff\r\n", 18)).has_value());
  EXPECT_EQ(reader.remaining(), 0x7fffffffffffffffULL);
  EXPECT_EQ(error_of("8000000000000000\r\n", {}), "chunk_size");
  EXPECT_EQ(error_of("00000000000000001\r\n", {}), "chunk_size");
  EXPECT_EQ(error_of("0x1\r\n", {}), "chunk_size");
}

TEST(BodyReader, AFailureIsRepeatedAndNotReplacedByTheClose) {
  BodyReader reader(Framing::chunked, 0, {});
  ASSERT_FALSE(reader.next(std::span("x", 1)).has_value());
  const auto again = reader.next(std::span("1\r\n", 3));
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, "chunk_size");
  const auto close = reader.finish_at_close();
  ASSERT_FALSE(close.has_value());
  EXPECT_EQ(close.error().code, "chunk_size");
  EXPECT_FALSE(reader.done());
}

TEST(BodyReader, NothingIsConsumedAfterTheEnd) {
  for (const Framing framing : {Framing::none, Framing::length}) {
    BodyReader reader(framing, 0, {});
    EXPECT_TRUE(reader.done());
    const auto piece = reader.next(std::span("next", 4));
    ASSERT_TRUE(piece.has_value());
    EXPECT_EQ(piece->consumed, 0U);
    EXPECT_TRUE(piece->done);
    EXPECT_TRUE(reader.finish_at_close().has_value());
  }
}

TEST(BodyReader, KeepsTheTrailersThatItIsAskedFor) {
  const std::string_view bytes = "1\r\na\r\n0\r\nA: b\r\nC:\r\n\r\n";
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    std::string trailers;
    BodyReader body(Framing::chunked, 0, {});
    body.keep_trailers(&trailers);
    for (std::string_view part : {bytes.substr(0, cut), bytes.substr(cut)}) {
      while (!part.empty()) part.remove_prefix(body.next(part)->consumed);
    }
    EXPECT_TRUE(body.done());
    EXPECT_EQ(trailers, "A: b\r\nC:\r\n") << cut;
  }
}

static_assert(sizeof(BodyReader) <= 64, "body.h promises it: one cache line in each connection");

RC_GTEST_PROP(BodyReader, ReadsBackWhatTheWriterFramed, ()) {
  const auto parts = *rc::gen::container<std::vector<std::string>>(rc::gen::nonEmpty<std::string>());
  std::string wire;
  std::string content;
  for (const std::string& part : parts) {
    std::array<char, kChunkHeaderBytes> header;
    wire += format_chunk_header(header, part.size());
    wire += part;
    wire += kChunkEnd;
    content += part;
  }
  wire += kLastChunk;
  const Read read = read_all(BodyReader(Framing::chunked, 0, {}), wire + "rest", *rc::gen::inRange(1, 50));
  RC_ASSERT(read.error.empty());
  RC_ASSERT(read.done);
  RC_ASSERT(read.content == content);
  RC_ASSERT(read.consumed == wire.size());
}

}  // namespace
}  // namespace quoll::http
