#include "quoll/http/head.h"

#include <boost/beast/http/basic_parser.hpp>
#include <cstring>
#include <optional>

#include "chars.h"
#include "target.h"

namespace quoll::http {
namespace {

namespace beast = boost::beast::http;
using BeastError = boost::system::error_code;
using BeastView = boost::beast::string_view;

std::string_view view(BeastView text) {
  return {text.data(), text.size()};
}

ParseResult bad(unsigned answer, std::string_view code, std::string_view message) {
  return {ParseStatus::bad, 0, answer, code, message};
}

// --- Finding the head's end -----------------------------------------------------------------------------------------

// Goes on where the last call stopped. Complete lines are checked for what Beast would let pass: bare CR or LF, folded
// lines, too many of them. `complete` with `consumed` once the blank line is there. Nothing beyond head_bytes is looked
// at, so that a larger read cannot find another fault than a smaller one.
ParseResult find_end(std::string_view bytes, const Limits& limits, HeadScan& scan, bool request) {
  bytes = bytes.substr(0, limits.head_bytes);
  for (;;) {
    const char* const start = bytes.data() + scan.line_start;
    const std::size_t left = bytes.size() - scan.line_start;
    const char* const newline =
        scan.scanned >= left ? nullptr
                             : static_cast<const char*>(std::memchr(start + scan.scanned, '\n', left - scan.scanned));
    if (newline == nullptr) {
      if (bytes.size() == limits.head_bytes) return bad(431, "head_too_large", "the head is larger than allowed");
      scan.scanned = static_cast<std::uint32_t>(left);
      return {};
    }
    const std::size_t length = static_cast<std::size_t>(newline - start);  // with CR, without LF
    if (length == 0 || std::memchr(start, '\r', length) != newline - 1) {
      return bad(400, "line_ending", "a line of the head does not end with CR LF, or has a CR inside");
    }
    scan.line_start += static_cast<std::uint32_t>(length + 1);
    scan.scanned = 0;
    if (length == 1) {  // a blank line
      if (scan.lines > 0) return {ParseStatus::complete, scan.line_start, 0, {}, {}};
      if (!request || scan.skipped > 0) {
        return bad(400, request ? "request_line" : "status_line", "the message starts with an empty line");
      }
      scan.skipped = scan.line_start;
      continue;
    }
    if (scan.lines > 0 && is_space(*start)) return bad(400, "obs_fold", "a header field is folded over two lines");
    if (scan.lines > limits.fields) return bad(431, "too_many_fields", "there are more header fields than allowed");
    ++scan.lines;
  }
}

// --- What the fields say --------------------------------------------------------------------------------------------

// Digits that fit 63 bits; nothing else.
std::optional<std::uint64_t> parse_length(std::string_view text) {
  if (text.empty() || text.size() > 19) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
  return value;
}

// What a head's fields mean to the connection and the body, gathered while they are read.
class Meaning {
 public:
  explicit Meaning(const Limits& limits) : connection_options_left_(limits.connection_options) {}

  // False when the field is refused; see fault().
  bool take(beast::field field, std::string_view value) {
    switch (field) {
      case beast::field::content_length:
        return take_content_length(value);
      case beast::field::transfer_encoding:
        return take_transfer_encoding(value);
      case beast::field::connection:
        return take_connection(value);
      case beast::field::host:
        return take_host(value);
      case beast::field::expect:
        if (iequals(value, "100-continue")) expect_continue = true;
        return true;
      default:
        return true;
    }
  }
  const ParseResult& fault() const { return fault_; }

  std::optional<std::uint64_t> content_length;
  std::optional<std::string_view> host;
  bool chunked = false;
  bool close = false;
  bool keep_alive = false;
  bool upgrade = false;
  bool expect_continue = false;
  bool names_fields = false;

 private:
  bool refuse(unsigned answer, std::string_view code, std::string_view message) {
    fault_ = bad(answer, code, message);
    return false;
  }
  bool take_content_length(std::string_view value) {
    if (content_length) return refuse(400, "content_length", "there is more than one Content-Length");
    if (chunked) return refuse(400, "content_length", "there is a Content-Length beside a Transfer-Encoding");
    content_length = parse_length(value);
    if (!content_length) return refuse(400, "content_length", "Content-Length is not a number that fits");
    return true;
  }
  bool take_transfer_encoding(std::string_view value) {
    if (content_length) return refuse(400, "transfer_encoding", "there is a Transfer-Encoding beside a Content-Length");
    if (chunked) return refuse(400, "transfer_encoding", "there is more than one Transfer-Encoding");
    if (!iequals(value, "chunked")) return refuse(501, "transfer_coding", "the only transfer coding is 'chunked'");
    chunked = true;
    return true;
  }
  bool take_connection(std::string_view value) {
    // Beast has refused what is no list of tokens.
    bool too_many = false;
    for_each_member(value, [&](std::string_view option) {
      too_many = too_many || connection_options_left_-- == 0;
      if (iequals(option, "close")) {
        close = true;
      } else if (iequals(option, "keep-alive")) {
        keep_alive = true;
      } else if (iequals(option, "upgrade")) {
        upgrade = true;
      } else {
        names_fields = true;
      }
    });
    if (too_many) return refuse(431, "connection_options", "Connection has more options than allowed");
    return true;
  }
  bool take_host(std::string_view value) {
    if (host) return refuse(400, "host", "there is more than one Host");
    if (!is_authority(value, false)) return refuse(400, "host", "Host is not a host with an optional port");
    host = value;
    return true;
  }

  std::size_t connection_options_left_;
  ParseResult fault_;
};

// --- Beast's parser, made to tell what it reads ---------------------------------------------------------------------

template <bool kRequest>
class Parser final : public beast::basic_parser<kRequest> {
 public:
  Parser(FieldList& fields, const Limits& limits)
      : meaning(limits), fields_(fields), target_limit_(limits.target_bytes) {
    this->header_limit(std::numeric_limits<std::uint32_t>::max());
    this->body_limit(boost::none);
    if constexpr (!kRequest) this->skip(true);
  }

  // Over a whole head. The result is `bad`, or `complete` with nothing consumed.
  ParseResult run(std::string_view head) {
    BeastError error;
    this->put({head.data(), head.size()}, error);
    if (meaning.fault().bad()) return meaning.fault();
    if (refused_.bad()) return refused_;
    if (error == beast::error::bad_version) return wrong_version(head);
    if (error) return translate(error);
    return {ParseStatus::complete, 0, 0, {}, {}};
  }

  Meaning meaning;
  std::string_view method;
  std::string_view target;
  std::string_view reason;
  unsigned status = 0;
  std::uint8_t minor_version = 1;

 private:
  // Another version of HTTP, or no HTTP at all.
  static ParseResult wrong_version(std::string_view head) {
    const std::string_view line = head.substr(0, head.find('\r'));
    std::string_view version = line.substr(0, 8);
    if constexpr (kRequest) version = line.substr(line.rfind(' ') + 1);
    const bool http = version.size() == 8 && version.substr(0, 5) == "HTTP/" && is_digit(version[5]) &&
                      version[6] == '.' && is_digit(version[7]);
    if (http && version != "HTTP/1.0" && version != "HTTP/1.1") {
      return bad(505, "version", "the version is not HTTP/1.0 or HTTP/1.1");
    }
    return malformed_start();
  }
  static ParseResult malformed_start() {
    if constexpr (kRequest) return bad(400, "request_line", "the request line is malformed");
    return bad(400, "status_line", "the status line is malformed");
  }
  static ParseResult translate(const BeastError& error) {
    if (error == beast::error::bad_target) return bad(400, "target", "the request target is malformed");
    if (error == beast::error::bad_field) return bad(400, "field_name", "a header field's name is malformed");
    if (error == beast::error::bad_value) return bad(400, "field_value", "a header field's value is malformed");
    if (error == beast::error::bad_line_ending) return bad(400, "line_ending", "a line does not end with CR LF");
    if (error == beast::error::bad_content_length || error == beast::error::multiple_content_length) {
      return bad(400, "content_length", "Content-Length is not one number that fits");
    }
    if (error == beast::error::bad_transfer_encoding) {
      return bad(400, "transfer_encoding", "Transfer-Encoding is repeated or beside a Content-Length");
    }
    return malformed_start();
  }

  void on_request_impl(beast::verb, BeastView m, BeastView t, int version, BeastError& error) override {
    method = view(m);
    target = view(t);
    minor_version = static_cast<std::uint8_t>(version - 10);
    if (target.size() > target_limit_) {
      refused_ = bad(414, "target_too_long", "the request target is longer than allowed");
      error = beast::error::bad_target;
    }
  }
  void on_response_impl(int code, BeastView r, int version, BeastError& error) override {
    status = static_cast<unsigned>(code);
    reason = view(r);
    minor_version = static_cast<std::uint8_t>(version - 10);
    if (status < 100) error = beast::error::bad_status;
  }
  void on_field_impl(beast::field field, BeastView name, BeastView value, BeastError& error) override {
    const std::string_view text = view(value);
    if (meaning.take(field, text)) {
      fields_.add(view(name), text);
    } else {
      error = beast::error::bad_value;
    }
  }
  void on_header_impl(BeastError&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, BeastError&) override {}
  std::size_t on_body_impl(BeastView body, BeastError&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, BeastView, BeastError&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, BeastView body, BeastError&) override { return body.size(); }
  void on_finish_impl(BeastError&) override {}

  FieldList& fields_;
  std::size_t target_limit_;
  ParseResult refused_;
};

}  // namespace

void RequestHead::clear() {
  fields.clear();
  method = target = host = path = {};
  content_length = 0;
  framing = Framing::none;
  form = TargetForm::origin;
  minor_version = 1;
  keep_alive = true;
  expect_continue = upgrade = connection_names_fields = false;
}

void RequestHead::rebase(const char* from, const char* to) {
  method = rebased(method, from, to);
  // "http://host" has no path: then `path` is static.
  const bool no_path = form == TargetForm::absolute && host.data() + host.size() == target.data() + target.size();
  if (!no_path) path = rebased(path, from, to);
  host = rebased(host, from, to);
  target = rebased(target, from, to);
  fields.rebase(from, to);
}

void ResponseHead::clear() {
  fields.clear();
  status = 0;
  reason = {};
  content_length = 0;
  framing = Framing::none;
  minor_version = 1;
  keep_alive = true;
  connection_names_fields = false;
}

void ResponseHead::rebase(const char* from, const char* to) {
  reason = rebased(reason, from, to);
  fields.rebase(from, to);
}

ParseResult parse_request(std::string_view bytes, const Limits& limits, HeadScan& scan, RequestHead& out) {
  const ParseResult end = find_end(bytes, limits, scan, true);
  if (!end.complete()) return end;
  out.clear();
  Parser<true> parser(out.fields, limits);
  ParseResult result = parser.run(bytes.substr(scan.skipped, end.consumed - scan.skipped));
  if (!result.complete()) return result;

  out.method = parser.method;
  out.target = parser.target;
  out.minor_version = parser.minor_version;
  const Meaning& meaning = parser.meaning;
  const bool http11 = out.minor_version >= 1;
  const std::string_view fault = read_target(out);
  if (!fault.empty()) return bad(400, "target", fault);
  if (http11 && !meaning.host) return bad(400, "host", "HTTP/1.1 needs a Host");
  if (out.host.empty()) out.host = meaning.host.value_or(std::string_view());

  if (meaning.chunked && !http11) return bad(400, "transfer_encoding", "HTTP/1.0 has no Transfer-Encoding");
  if (meaning.chunked) {
    out.framing = Framing::chunked;
  } else if (meaning.content_length.value_or(0) > 0) {
    if (*meaning.content_length > limits.body_bytes) {
      return bad(413, "body_too_large", "the body is larger than allowed");
    }
    out.framing = Framing::length;
    out.content_length = *meaning.content_length;
  }
  out.keep_alive = !meaning.close && (http11 || meaning.keep_alive);
  out.expect_continue = http11 && meaning.expect_continue;
  out.upgrade = http11 && meaning.upgrade;
  out.connection_names_fields = meaning.names_fields;
  result.consumed = end.consumed;
  return result;
}

ParseResult parse_response(std::string_view bytes, const Limits& limits, std::string_view request_method,
                           HeadScan& scan, ResponseHead& out) {
  const ParseResult end = find_end(bytes, limits, scan, false);
  if (!end.complete()) return end;
  out.clear();
  Parser<false> parser(out.fields, limits);
  ParseResult result = parser.run(bytes.substr(0, end.consumed));
  if (!result.complete()) return result;

  out.status = parser.status;
  out.reason = parser.reason;
  out.minor_version = parser.minor_version;
  const Meaning& meaning = parser.meaning;
  const bool http11 = out.minor_version >= 1;
  out.keep_alive = !meaning.close && (http11 || meaning.keep_alive);
  out.connection_names_fields = meaning.names_fields;
  if (meaning.chunked && !http11) return bad(400, "transfer_encoding", "HTTP/1.0 has no Transfer-Encoding");

  // RFC 9112 section 6.3, in its order.
  if (out.status < 200 && (meaning.chunked || meaning.content_length.value_or(0) > 0)) {
    return bad(400, "interim_body", "an interim response announces a body");
  }
  const bool connected = request_method == "CONNECT" && out.status >= 200 && out.status < 300;
  if (request_method == "HEAD" || out.status < 200 || out.status == 204 || out.status == 304 || connected) {
    out.framing = Framing::none;
    // A server that announces a body where none can be may well send it: that must not be read as the next response.
    if (out.status == 204 && (meaning.chunked || meaning.content_length.value_or(0) > 0)) out.keep_alive = false;
  } else if (meaning.chunked) {
    out.framing = Framing::chunked;
  } else if (meaning.content_length) {
    if (*meaning.content_length > limits.body_bytes) {
      return bad(413, "body_too_large", "the body is larger than allowed");
    }
    out.content_length = *meaning.content_length;
    out.framing = out.content_length == 0 ? Framing::none : Framing::length;
  } else {
    out.framing = Framing::until_close;
    out.keep_alive = false;
  }
  result.consumed = end.consumed;
  return result;
}

}  // namespace quoll::http
