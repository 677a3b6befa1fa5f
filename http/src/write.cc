#include "quoll/http/write.h"

#include <algorithm>
#include <boost/beast/http/status.hpp>
#include <charconv>
#include <ctime>

#include "chars.h"

namespace quoll::http {
namespace {

void append_number(std::string& out, std::uint64_t value, int base = 10) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, base);
  out.append(digits.data(), end.ptr);
}

// Fields that a Connection field of the same message cannot strip: doing so would change what the message means.
bool is_protected(std::string_view name) {
  return iequals(name, "host") || iequals(name, "content-length") || iequals(name, "content-type") ||
         iequals(name, "content-encoding") || iequals(name, "cache-control") || iequals(name, "authorization");
}

// An order of names in which those that differ in case only are equal.
bool before(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return a.size() < b.size();
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [](char x, char y) { return to_lower(x) < to_lower(y); });
}

}  // namespace

void append_request_line(std::string& out, std::string_view method, std::string_view target) {
  out.append(method).append(1, ' ').append(target).append(" HTTP/1.1\r\n");
}

void append_status_line(std::string& out, unsigned status, std::string_view reason) {
  out += "HTTP/1.1 ";
  append_number(out, status);
  out += ' ';
  out += reason.empty() ? reason_phrase(status) : reason;
  out += "\r\n";
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value);
  for (const char bad : {'\r', '\n', '\0'}) {  // each would end the field or the message
    if (value.find(bad) == value.npos) continue;
    std::replace(out.end() - static_cast<std::ptrdiff_t>(value.size()), out.end(), bad, ' ');
  }
  out += "\r\n";
}

void append_field(std::string& out, std::string_view name, std::uint64_t value) {
  out.append(name).append(": ");
  append_number(out, value);
  out += "\r\n";
}

void append_framing(std::string& out, Framing framing, std::uint64_t content_length) {
  switch (framing) {
    case Framing::none:
      return;
    case Framing::length:
      return append_field(out, "Content-Length", content_length);
    case Framing::chunked:
      out += "Transfer-Encoding: chunked\r\n";
      return;
    case Framing::until_close:
      out += "Connection: close\r\n";
      return;
  }
}

void append_head_end(std::string& out) {
  out += "\r\n";
}

bool is_hop_by_hop(std::string_view name) {
  // By length first: most names are settled by that.
  switch (name.size()) {
    case 2:
      return iequals(name, "te");
    case 7:
      return iequals(name, "trailer") || iequals(name, "upgrade");
    case 10:
      return iequals(name, "connection") || iequals(name, "keep-alive");
    case 16:
      return iequals(name, "proxy-connection");
    case 17:
      return iequals(name, "transfer-encoding");
    case 18:
      return iequals(name, "proxy-authenticate");
    case 19:
      return iequals(name, "proxy-authorization");
    default:
      return false;
  }
}

EndToEnd::EndToEnd(const FieldList& fields, bool connection_names_fields) {
  if (!connection_names_fields) return;
  for (const Field& field : fields) {
    if (!iequals(field.name, "connection")) continue;
    for_each_member(field.value, [&](std::string_view member) { named_.push_back(member); });
  }
  std::sort(named_.begin(), named_.end(), before);
}

bool EndToEnd::operator()(std::string_view name) const {
  if (is_hop_by_hop(name)) return false;
  if (named_.empty() || is_protected(name)) return true;
  return !std::binary_search(named_.begin(), named_.end(), name, before);
}

bool end_to_end(const FieldList& fields, bool connection_names_fields, std::string_view name) {
  return EndToEnd(fields, connection_names_fields)(name);
}

void append_end_to_end_fields(std::string& out, const FieldList& fields, bool connection_names_fields,
                              std::string_view except) {
  const EndToEnd passes(fields, connection_names_fields);
  for (const Field& field : fields) {
    if (!except.empty() && iequals(field.name, except)) continue;
    if (!passes(field.name)) continue;
    append_clean_field(out, field.name, field.value);
  }
}

std::string_view format_chunk_header(std::array<char, kChunkHeaderBytes>& buffer, std::uint64_t size) {
  auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size() - 2, size, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  return {buffer.data(), static_cast<std::size_t>(end - buffer.data())};
}

bool may_be_trailer(std::string_view name) {
  static constexpr std::array<std::string_view, 37> kNever = {"age",
                                                              "authorization",
                                                              "cache-control",
                                                              "connection",
                                                              "content-encoding",
                                                              "content-length",
                                                              "content-range",
                                                              "content-type",
                                                              "cookie",
                                                              "date",
                                                              "expect",
                                                              "expires",
                                                              "forwarded",
                                                              "host",
                                                              "if-match",
                                                              "if-modified-since",
                                                              "if-none-match",
                                                              "if-range",
                                                              "if-unmodified-since",
                                                              "keep-alive",
                                                              "location",
                                                              "max-forwards",
                                                              "pragma",
                                                              "proxy-authenticate",
                                                              "proxy-authorization",
                                                              "proxy-connection",
                                                              "range",
                                                              "retry-after",
                                                              "set-cookie",
                                                              "te",
                                                              "trailer",
                                                              "transfer-encoding",
                                                              "upgrade",
                                                              "vary",
                                                              "via",
                                                              "www-authenticate",
                                                              "proxy-status"};
  const auto same = [&](std::string_view never) { return iequals(name, never); };
  constexpr std::string_view kHops = "x-forwarded-";
  return std::none_of(kNever.begin(), kNever.end(), same) && !iequals(name.substr(0, kHops.size()), kHops);
}

std::string format_last_chunk(std::string_view trailers) {
  std::string out = "0\r\n";
  while (!trailers.empty()) {
    const std::size_t end = trailers.find('\n');
    const std::string_view line = trailers.substr(0, end == trailers.npos ? end : end + 1);
    if (may_be_trailer(line.substr(0, line.find(':')))) out += line;
    trailers.remove_prefix(line.size());
  }
  return out += kChunkEnd;
}

std::string_view reason_phrase(unsigned status) {
  const auto known = boost::beast::http::int_to_status(status);
  if (known == boost::beast::http::status::unknown) return "Unknown";
  const auto text = boost::beast::http::obsolete_reason(known);
  return {text.data(), text.size()};
}

bool is_origin_target(std::string_view target) {
  if (target.empty() || target.front() != '/') return false;
  for (const char c : target) {
    if (!is_target_char(c)) return false;
  }
  return true;
}

std::string_view format_http_date(std::array<char, kHttpDateBytes>& buffer, WallTime at) {
  constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
  std::tm t{};
  ::gmtime_r(&seconds, &t);
  char* p = buffer.data();
  const auto text = [&](std::string_view s) {
    for (const char c : s) *p++ = c;
  };
  const auto digits = [&](int value, int count) {
    for (int i = count - 1; i >= 0; --i, value /= 10) p[i] = static_cast<char>('0' + value % 10);
    p += count;
  };
  text(kDays[static_cast<std::size_t>(t.tm_wday)]);
  text(", ");
  digits(t.tm_mday, 2);
  text(" ");
  text(kMonths[static_cast<std::size_t>(t.tm_mon)]);
  text(" ");
  digits(t.tm_year + 1900, 4);
  text(" ");
  digits(t.tm_hour, 2);
  text(":");
  digits(t.tm_min, 2);
  text(":");
  digits(t.tm_sec, 2);
  text(" GMT");
  return {buffer.data(), buffer.size()};
}

}  // namespace quoll::http
