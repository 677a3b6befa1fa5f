#include "response_reader.h"

namespace quoll::lab::loadgen {

namespace {

Fallback fallback_of(const http::ResponseHead& head) {
  const auto value = head.fields.find("Quoll-Fallback");
  if (!value) return Fallback::none;
  for (const Fallback known : {Fallback::open, Fallback::timeout, Fallback::error}) {
    if (*value == to_string(known)) return known;
  }
  return Fallback::other;
}

}  // namespace

void ResponseReader::start() {
  in_body_ = false;
  scan_ = {};
  partial_.clear();
}

ResponseReader::Step ResponseReader::feed(std::span<const char> bytes, std::string_view method,
                                          http::ResponseHead& head, std::size_t& used) {
  used = 0;
  while (!in_body_) {
    // An interim answer is over with its head: go on with the bytes behind it.
    const std::span<const char> left = bytes.subspan(used);
    if (left.empty()) return Step::more;
    std::size_t of_head = 0;
    const Step step = feed_head({left.data(), left.size()}, method, head, of_head);
    used += of_head;
    if (step != Step::complete) return step;
  }
  std::size_t of_body = 0;
  const Step step = feed_body(bytes.subspan(used), of_body);
  used += of_body;
  return step;
}

ResponseReader::Step ResponseReader::feed_head(std::string_view bytes, std::string_view method,
                                               http::ResponseHead& head, std::size_t& used) {
  const std::size_t before = partial_.size();
  std::string_view all = bytes;
  if (before > 0) {
    partial_.append(bytes);
    all = partial_;
  }
  const http::ParseResult result = http::parse_response(all, http::Limits{}, method, scan_, head);
  if (result.bad()) {
    complaint_ = result.message;
    return Step::bad;
  }
  if (!result.complete()) {
    if (before == 0) partial_ = bytes;
    used = bytes.size();
    return Step::more;
  }
  used = result.consumed - before;
  scan_ = {};
  if (!head.interim()) {
    in_body_ = true;
    status_ = head.status;
    // After 101 the connection speaks something else.
    keep_alive_ = head.keep_alive && head.status != 101;
    fallback_ = fallback_of(head);
    body_ = http::BodyReader(head.framing, head.content_length, http::Limits{});
  }
  partial_.clear();
  return Step::complete;
}

ResponseReader::Step ResponseReader::feed_body(std::span<const char> bytes, std::size_t& used) {
  while (!body_.done()) {
    if (used == bytes.size()) return Step::more;
    const auto piece = body_.next(bytes.subspan(used));
    if (!piece) {
      complaint_ = "malformed chunked body";
      return Step::bad;
    }
    used += piece->consumed;
  }
  return Step::complete;
}

bool ResponseReader::complete_at_close() {
  keep_alive_ = false;
  return in_body_ && body_.finish_at_close().has_value();
}

}  // namespace quoll::lab::loadgen
