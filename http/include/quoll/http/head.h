// Parsing the heads of HTTP/1.0 and HTTP/1.1 messages (RFC 9110, RFC 9112): bytes in, a head out.
//
// The caller collects bytes in one contiguous buffer and calls `parse_request` or `parse_response` with everything it
// has, from the head's first byte, until the answer is complete or bad. A HeadScan carries what earlier calls have
// already looked at, so a peer that sends one byte at a time costs linear, not quadratic, work; use a fresh one for
// each message. Nothing is copied: the head's views point into the caller's buffer. No call allocates, except for the
// fields beyond FieldList::kInlineFields the first time an owner meets so many.
//
// Strict on purpose: two parsers that read one message differently are how requests are smuggled past a proxy. Where
// RFC 9112 lets a recipient repair, this one refuses: obs-fold, bare CR or LF, white space before a colon, control
// bytes, more than one Content-Length, Content-Length beside Transfer-Encoding, any transfer coding but `chunked`,
// Transfer-Encoding in HTTP/1.0, a missing, repeated or malformed Host, fragments and non-ASCII bytes in a target. The
// one repair: a single empty line before a request, which old clients send after a body.
//
// The grammar is checked by Boost.Beast's basic_parser; what it accepts beyond the above is refused here. The verdict
// never depends on how the bytes were split. Bytes after the head are not looked at.
//
// Thread-safe: free functions; a head and a scan belong to their caller.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "quoll/base/schema.h"
#include "quoll/http/fields.h"

namespace quoll::http {

// Bounds on what a peer may send. Exceeding one is an error, never a silent cut.
struct Limits {
  // The whole head with its blank line, and the empty line that may come before a request. Default 64 KiB, range 256 B
  // to 1 GiB: a reader needs that much buffer and no more.
  std::size_t head_bytes = 65536;
  // Header fields. Default 100, range 1 to 10,000.
  std::size_t fields = 100;
  // The request target. Default 16 KiB.
  std::size_t target_bytes = 16384;
  // The body, once decoded. Default unlimited, for a proxy streams; a server that keeps bodies sets it.
  std::uint64_t body_bytes = std::numeric_limits<std::uint64_t>::max();
  // One chunk's size line with its extensions. Default 256 B, range 18 B to 64 KiB.
  std::size_t chunk_line_bytes = 256;
  // All trailer fields of one chunked body together, and their number.
  std::size_t trailer_bytes = 8192;
  std::size_t trailer_fields = 32;
  // Members of all Connection fields of a head together, repeated ones counted. Default 64: real peers send one or two.
  std::size_t connection_options = 64;

  // What may be configured, within narrower ranges: what is usual for a server.
  static void describe(auto&& field) {
    field("head_bytes", &Limits::head_bytes, schema::bytes(1024, 1U << 20U), "A head as a whole.");
    field("fields", &Limits::fields, schema::within(1, 10'000), "Header fields of a head.");
    field("target_bytes", &Limits::target_bytes, schema::bytes(16, 1U << 20U), "The request's target.");
  }
};

// How the end of a body is found (RFC 9112 section 6.3).
enum class Framing : std::uint8_t { none, length, chunked, until_close };

// The forms of a request target (RFC 9112 section 3.2): "/path?query", "http://host/path", "host:port" (CONNECT only),
// "*" (OPTIONS only).
enum class TargetForm : std::uint8_t { origin, absolute, authority, asterisk };

struct RequestHead {
  std::string_view method;
  std::string_view target;  // as received
  // Where the request is meant to go, "host" or "host:port": the target's authority in absolute and authority form
  // (which overrides Host, RFC 9112 section 3.2.2), else the Host field. Empty only in HTTP/1.0 without a Host.
  std::string_view host;
  // The path with its query, to be sent on in origin form: "/" when an absolute target has none ("*" with OPTIONS, RFC
  // 9112 section 3.2.4), "*" for asterisk, empty for CONNECT. An absolute target without a path but with a query
  // ("http://h?q") is refused.
  std::string_view path;
  FieldList fields;
  std::uint64_t content_length = 0;  // with Framing::length
  Framing framing = Framing::none;   // none, length or chunked. Content-Length: 0 is none
  TargetForm form = TargetForm::origin;
  std::uint8_t minor_version = 1;  // 0 or 1
  // What the client wants for its connection after this exchange.
  bool keep_alive = true;
  bool expect_continue = false;  // Expect: 100-continue, from an HTTP/1.1 client
  // Connection names Upgrade, in HTTP/1.1: hop-by-hop, dropped unless the caller supports it.
  bool upgrade = false;
  // Connection names fields that must not be forwarded; see end_to_end() in write.h.
  bool connection_names_fields = false;

  void clear();
  // The bytes were copied from `from` to `to`: every view moves along.
  void rebase(const char* from, const char* to);
};

struct ResponseHead {
  unsigned status = 0;  // 100 to 999
  std::string_view reason;
  FieldList fields;
  std::uint64_t content_length = 0;  // with Framing::length
  Framing framing = Framing::none;
  std::uint8_t minor_version = 1;
  // The connection can carry another exchange after this body. Never after a 204 that announces a body all the same.
  bool keep_alive = true;
  bool connection_names_fields = false;

  bool interim() const { return status >= 100 && status < 200 && status != 101; }
  void clear();
  void rebase(const char* from, const char* to);
};

enum class ParseStatus : std::uint8_t { need_more, complete, bad };

// The outcome of a parse. Everything it points to is static. `code` is a stable word:
//   head_too_large, too_many_fields, connection_options (431), target_too_long (414), body_too_large (413), version
//   (505), transfer_coding (501), and with 400: request_line, status_line, target, field_name, field_value,
//   line_ending, obs_fold, host, content_length, transfer_encoding, interim_body.
struct ParseResult {
  ParseStatus status = ParseStatus::need_more;
  std::size_t consumed = 0;  // when complete: the head's length; a body starts there
  // When bad: the status to answer a request with (for a response: 502, whatever this says), and what was wrong.
  unsigned answer = 0;
  std::string_view code;
  std::string_view message;

  bool complete() const { return status == ParseStatus::complete; }
  bool bad() const { return status == ParseStatus::bad; }
};

// What earlier calls on a growing buffer have established; 16 bytes, nothing to free. `= {}` starts the next message.
struct HeadScan {
  std::uint32_t line_start = 0;  // offset of the line being scanned
  std::uint32_t scanned = 0;     // bytes searched for its end
  std::uint32_t lines = 0;       // complete lines so far
  std::uint32_t skipped = 0;     // the empty line before a request
};

// Parses the head at the start of `bytes`. `out` is filled when complete, and unspecified otherwise.
ParseResult parse_request(std::string_view bytes, const Limits& limits, HeadScan& scan, RequestHead& out);

// As above, for the answer to a request of the given method: HEAD's, 1xx, 204, 304 and a CONNECT's 2xx have no body.
// One call parses one head: after an interim() response comes another.
ParseResult parse_response(std::string_view bytes, const Limits& limits, std::string_view request_method,
                           HeadScan& scan, ResponseHead& out);

}  // namespace quoll::http
