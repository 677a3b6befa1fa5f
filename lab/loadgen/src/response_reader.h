// ResponseReader: from the bytes of one connection to the end of the answer at hand.
//
// Heads and bodies are read by http/; this adds what is needed between two reads: the part of a head that has come, and
// the interim (1xx) answers that are skipped.
//
// Loop-confined. The parsed head with its views is the caller's, one for many readers: it is used during one call only.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "quoll/http/body.h"
#include "quoll/http/head.h"
#include "quoll/lab/loadgen/report.h"

namespace quoll::lab::loadgen {

class ResponseReader {
 public:
  enum class Step { more, complete, bad };

  // Before each answer.
  void start();
  // Takes bytes as they were received; `used` is how many of them belong to this answer. `head` is scratch.
  Step feed(std::span<const char> bytes, std::string_view method, http::ResponseHead& head, std::size_t& used);
  // The peer has closed: the answer is complete if that is how its body ends.
  bool complete_at_close();

  // Valid after `complete`.
  unsigned status() const { return status_; }
  Fallback fallback() const { return fallback_; }
  bool keep_alive() const { return keep_alive_; }
  // Valid after `bad`; static.
  std::string_view complaint() const { return complaint_; }

 private:
  Step feed_head(std::string_view bytes, std::string_view method, http::ResponseHead& head, std::size_t& used);
  Step feed_body(std::span<const char> bytes, std::size_t& used);

  bool in_body_ = false;
  bool keep_alive_ = false;
  Fallback fallback_ = Fallback::none;
  unsigned status_ = 0;
  http::HeadScan scan_;
  http::BodyReader body_;
  std::string partial_;  // what came of a head before this call
  std::string_view complaint_;
};

}  // namespace quoll::lab::loadgen
