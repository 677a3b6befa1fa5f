// RequestTemplate: the bytes of a request, written once for the whole run; only the id differs between requests.
//
// Thread-safe once constructed: all members are const.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "quoll/lab/loadgen/options.h"
#include "target.h"

namespace quoll::lab::loadgen {

class RequestTemplate {
 public:
  RequestTemplate(const Options& options, const Target& target);

  // The head of the request with this number (from 1). With ids it is put together in `scratch`, which the view
  // points into; without, it is the same for all and `scratch` stays as it is.
  std::string_view head(std::uint64_t number, std::string& scratch) const;
  std::string_view body() const { return body_; }
  std::string_view method() const { return method_; }

 private:
  std::string method_;
  std::string prefix_;
  bool with_id_;
  std::string before_id_;  // all of the head when there are no ids
  std::string after_id_;
  std::string body_;
};

// "quoll-000001": at least six digits.
void append_id(std::string& out, std::string_view prefix, std::uint64_t number);

}  // namespace quoll::lab::loadgen
