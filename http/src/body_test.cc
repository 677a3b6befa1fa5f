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
