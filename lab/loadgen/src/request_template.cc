#include "request_template.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "quoll/http/fields.h"

namespace quoll::lab::loadgen {

void append_id(std::string& out, std::string_view prefix, std::uint64_t number) {
  fmt::format_to(std::back_inserter(out), "{}-{:06}", prefix, number);
}

RequestTemplate::RequestTemplate(const Options& options, const Target& target)
    : method_(options.method), prefix_(options.id_prefix), with_id_(!options.header_id.empty()), body_(options.body) {
  const bool own_host = std::none_of(options.headers.begin(), options.headers.end(),
                                     [](const Header& header) { return http::iequals(header.name, "Host"); });
  std::string& head = before_id_;
  head = method_ + " " + target.path + " HTTP/1.1\r\n";
  if (own_host) head += "Host: " + target.host_header + "\r\n";
  for (const Header& header : options.headers) head += header.name + ": " + header.value + "\r\n";
  if (!options.keep_alive) head += "Connection: close\r\n";
  // A method that usually has a body says so when there is none (RFC 9110 section 8.6).
  const bool expects_body = method_ == "POST" || method_ == "PUT" || method_ == "PATCH";
  if (!body_.empty() || expects_body) head += "Content-Length: " + std::to_string(body_.size()) + "\r\n";
  if (with_id_) {
    head += options.header_id + ": ";
    after_id_ = "\r\n\r\n";
  } else {
    head += "\r\n";
  }
}

std::string_view RequestTemplate::head(std::uint64_t number, std::string& scratch) const {
  if (!with_id_) return before_id_;
  scratch = before_id_;
  append_id(scratch, prefix_, number);
  scratch += after_id_;
  return scratch;
}

}  // namespace quoll::lab::loadgen
