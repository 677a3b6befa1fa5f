// Writing heads and chunk framing, and the small formats around them. The caller owns the output string and reuses
// it, so that its capacity is paid for once.
//
//   append_request_line(out, "GET", head.path);
//   append_end_to_end_fields(out, head.fields, head.connection_names_fields);
//   append_framing(out, Framing::chunked);      // only where the forwarded fields do not already say it
//   append_head_end(out);
//
// Nothing here can be made to emit a line break inside a field: `append_field` replaces CR, LF and NUL by a space, and
// the forwarded fields were checked when they were parsed.
//
// Thread-safe: free functions without state.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "quoll/base/time.h"
#include "quoll/http/head.h"

namespace quoll::http {

// "GET /path HTTP/1.1\r\n". Method and target must be clean: parsed ones are; check others with is_token and
// is_origin_target.
void append_request_line(std::string& out, std::string_view method, std::string_view target);
// "HTTP/1.1 200 OK\r\n". An empty reason means the standard phrase.
void append_status_line(std::string& out, unsigned status, std::string_view reason = {});
void append_field(std::string& out, std::string_view name, std::string_view value);
void append_field(std::string& out, std::string_view name, std::uint64_t value);
// The same for what is known to be clean: because it was parsed, or made of nothing else.
inline void append_clean_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}
// Content-Length, Transfer-Encoding: chunked, nothing, or (until_close) Connection: close.
void append_framing(std::string& out, Framing framing, std::uint64_t content_length = 0);
// The blank line.
void append_head_end(std::string& out);

// Fields that concern one connection only and that a proxy does not pass on (RFC 9110 section 7.6.1): Connection,
// Keep-Alive, Proxy-Connection, Proxy-Authenticate, Proxy-Authorization, TE, Trailer (to be passed on where the
// trailers are), Transfer-Encoding, Upgrade.
bool is_hop_by_hop(std::string_view name);

// Which fields of one message a proxy passes on: those that are neither hop-by-hop nor named in a Connection field of
// the same message. A peer cannot use Connection to strip Host, Content-Length, Content-Type, Content-Encoding,
// Cache-Control or Authorization.
//
// The Connection fields are read once, when it is made, and kept sorted: what a head costs grows with its bytes, not
// with its fields times its options. `connection_names_fields` as the head says; false makes it free. Valid as long as
// the fields are. Thread-safe once made.
class EndToEnd {
 public:
  EndToEnd(const FieldList& fields, bool connection_names_fields);
  bool operator()(std::string_view name) const;

 private:
  std::vector<std::string_view> named_;  // by size, then by letters, case apart
};

// The same for one field. For several, make one EndToEnd.
bool end_to_end(const FieldList& fields, bool connection_names_fields, std::string_view name);
// Appends every field that passes `end_to_end`, in order, as received, except those named `except` (case-insensitive;
// such as "host" for a proxy that sets its own).
void append_end_to_end_fields(std::string& out, const FieldList& fields, bool connection_names_fields,
                              std::string_view except = {});

// Chunk framing: header, data, kChunkEnd; after the last one, kLastChunk. A chunk of size 0 would end the body, so
// never write one for an empty piece.
inline constexpr std::size_t kChunkHeaderBytes = 18;  // 16 hex digits and CRLF
inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";
// Formats "1f4\r\n" into `buffer`; the view points there. size > 0.
std::string_view format_chunk_header(std::array<char, kChunkHeaderBytes>& buffer, std::uint64_t size);

// Whether a field may come in a trailer section: not what frames, routes, controls or authenticates a message, says how
// to read its content or who has handled it (RFC 9110 section 6.5.1). A recipient that merges trailers into the head
// must not be talked into any of these.
bool may_be_trailer(std::string_view name);
// The last chunk and the trailer section of a body that is passed on: the fields of `trailers` (BodyReader's) that
// may_be_trailer.
std::string format_last_chunk(std::string_view trailers);

// "HTTP/1.1 100 Continue\r\n\r\n".
inline constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

// The standard phrase (RFC 9110 section 15), "Unknown" for codes without one.
std::string_view reason_phrase(unsigned status);

// Whether a text may be written as a request target in origin form: starts with '/', visible ASCII without '#'.
bool is_origin_target(std::string_view target);

// IMF-fixdate (RFC 9110 section 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT". Years 0 to 9999.
inline constexpr std::size_t kHttpDateBytes = 29;
std::string_view format_http_date(std::array<char, kHttpDateBytes>& buffer, WallTime at);

}  // namespace quoll::http
