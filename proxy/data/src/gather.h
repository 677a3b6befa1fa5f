// Gather: pieces of a body for one sendmsg, with the framing they need, over the buffer that they were read into.
//
// Loop-confined.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "quoll/http/body.h"
#include "quoll/http/write.h"
#include "quoll/proxy/data/buffer.h"

namespace quoll::proxy {

// Pieces for one sendmsg: a head, runs of a body, chunk framing. The views stay valid until they are written.
class Gather {
 public:
  static constexpr std::size_t kRuns = 8;
  // A shorter run is moved up to the one before it: a system call for every 8 chunks of one byte would let a peer buy
  // a hundred times the CPU time for its bytes.
  static constexpr std::size_t kTiny = 512;

  void add(std::string_view bytes) {
    if (!bytes.empty()) pieces_[count_++] = {const_cast<char*>(bytes.data()), bytes.size()};  // sendmsg only reads
  }
  // All runs between two calls of clear() are of one buffer, in its order.
  void add_run(std::span<const char> data, bool chunked) {
    if (data.empty()) return;
    if (runs_ > 0 && data.size() <= kTiny) return extend_run(data, chunked);
    if (chunked) add(http::format_chunk_header(headers_[runs_], data.size()));
    run_ = count_;
    add({data.data(), data.size()});
    if (chunked) add(http::kChunkEnd);
    ++runs_;
  }
  // `trailers` are made the last chunk with those that may be passed on.
  void add_last_chunk(std::string& trailers) {
    if (trailers.empty()) return add(http::kLastChunk);
    trailers = http::format_last_chunk(trailers);
    add(trailers);
  }
  bool full() const { return runs_ == kRuns; }
  std::span<iovec> pieces() { return {pieces_.data(), count_}; }
  void clear() { count_ = runs_ = 0; }

 private:
  // Over the framing between the two, which has been consumed.
  void extend_run(std::span<const char> data, bool chunked) {
    iovec& run = pieces_[run_];
    std::memmove(static_cast<char*>(run.iov_base) + run.iov_len, data.data(), data.size());
    run.iov_len += data.size();
    if (!chunked) return;
    const std::string_view header = http::format_chunk_header(headers_[runs_ - 1], run.iov_len);
    pieces_[run_ - 1] = {const_cast<char*>(header.data()), header.size()};
  }

  std::array<iovec, 3 * kRuns + 2> pieces_;
  std::array<std::array<char, http::kChunkHeaderBytes>, kRuns> headers_;
  std::size_t count_ = 0;
  std::size_t runs_ = 0;
  std::size_t run_ = 0;  // the last run's place in pieces_
};

// Moves runs of a body from a buffer into the gather until either is used up. False when the body is malformed.
inline bool collect(http::BodyReader& body, Buffer& from, bool chunked, Gather& gather, std::size_t& bytes) {
  while (!body.done() && !from.empty() && !gather.full()) {
    const auto piece = body.next(from.readable());
    if (!piece) return false;
    gather.add_run(piece->data, chunked);
    bytes += piece->data.size();
    from.consume(piece->consumed);
  }
  return true;
}

}  // namespace quoll::proxy
