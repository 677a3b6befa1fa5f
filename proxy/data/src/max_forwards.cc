#include "max_forwards.h"

#include <algorithm>
#include <charconv>

#include "quoll/http/write.h"

namespace quoll::proxy {
namespace {

// More than any path of proxies is long. A larger number means as much.
constexpr std::uint32_t kMost = 1'000'000;

std::optional<std::uint32_t> parse(std::string_view text) {
  const bool digits =
      !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) return std::nullopt;
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() ? std::min(value, kMost) : kMost;
}

bool secret(std::string_view name) {
  return http::iequals(name, "authorization") || http::iequals(name, "proxy-authorization") ||
         http::iequals(name, "cookie") || http::iequals(name, "cookie2");
}

}  // namespace

void MaxForwards::read(const http::RequestHead& request) {
  for (const http::Field& field : request.fields) {
    if (!http::iequals(field.name, "max-forwards")) continue;
    const bool again = left_.has_value();
    left_ = parse(field.value);
    malformed_ = again || !left_;
    if (malformed_) return left_.reset();
  }
}

PageAnswer answer_as_recipient(const http::RequestHead& request) {
  PageAnswer out;
  if (request.method == "OPTIONS") {
    out.content_type.clear();
    out.fields = kAllow;
    return out;
  }
  out.content_type = "message/http";
  out.body.append(request.method).append(1, ' ').append(request.target);
  out.body += request.minor_version == 0 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n";
  for (const http::Field& field : request.fields) {
    if (!secret(field.name)) http::append_field(out.body, field.name, field.value);
  }
  http::append_head_end(out.body);
  return out;
}

}  // namespace quoll::proxy
