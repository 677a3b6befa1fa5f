#include "quoll/http/repair.h"

#include <optional>

#include "chars.h"

namespace quoll::http {
namespace {

constexpr std::string_view kEnd = "\r\n";

// Calls visit(name, value, line's start, line's end) for each field of a head whose lines end with CR LF.
template <typename Visit>
void for_each_field(const std::string& head, Visit visit) {
  std::size_t start = head.find(kEnd) + kEnd.size();
  while (start < head.size()) {
    const std::size_t end = head.find(kEnd, start) + kEnd.size();
    const std::string_view line = std::string_view(head).substr(start, end - kEnd.size() - start);
    const std::size_t colon = line.find(':');
    if (colon != line.npos) visit(line.substr(0, colon), trim(line.substr(colon + 1)), start, end);
    start = end;
  }
}

// All but the first, if they say the same. Others are for the parser to refuse.
void merge_content_lengths(std::string& head) {
  std::optional<std::string> length;
  bool equal = true;
  std::size_t members = 0;
  std::string merged = head.substr(0, head.find(kEnd) + kEnd.size());
  for_each_field(head, [&](std::string_view name, std::string_view value, std::size_t start, std::size_t end) {
    if (!iequals(name, "content-length")) {
      merged.append(head, start, end - start);
      return;
    }
    if (value.empty()) equal = false;
    for_each_member(value, [&](std::string_view member) {
      ++members;
      if (!length) {
        length.emplace(member);
        merged.append(name).append(": ").append(member).append(kEnd);
      }
      equal = equal && *length == member;
    });
  });
  if (members > 1 && equal) head = merged.append(kEnd);
}

void end_old_framing(std::string& head) {
  constexpr std::string_view kOld = "HTTP/1.0 ";
  if (!head.starts_with(kOld)) return;
  bool coded = false;
  for_each_field(head, [&](std::string_view name, std::string_view, std::size_t, std::size_t) {
    coded = coded || iequals(name, "transfer-encoding");
  });
  if (!coded) return;
  head[kOld.size() - 2] = '1';
  head.insert(head.size() - kEnd.size(), "Connection: close\r\n");
}

}  // namespace

ParseResult repair_response_head(std::string_view bytes, const Limits& limits, RepairScan& scan, std::string& out) {
  bytes = bytes.substr(0, limits.head_bytes);
  for (;;) {
    const std::size_t newline = bytes.find('\n', scan.line_start + scan.scanned);
    if (newline == bytes.npos) {
      if (bytes.size() == limits.head_bytes) {
        return {ParseStatus::bad, 0, 431, "head_too_large", "the head is larger than allowed"};
      }
      scan.scanned = static_cast<std::uint32_t>(bytes.size()) - scan.line_start;
      return {};
    }
    std::string_view line = bytes.substr(scan.line_start, newline - scan.line_start);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const bool first_field = out.find(kEnd) + kEnd.size() >= out.size();
    scan.line_start = static_cast<std::uint32_t>(newline + 1);
    scan.scanned = 0;
    if (!line.empty() && is_space(line.front()) && !first_field) {
      out.resize(out.size() - kEnd.size());
      out.append(1, ' ').append(trim(line)).append(kEnd);
      continue;
    }
    out.append(line).append(kEnd);
    if (!line.empty()) continue;
    merge_content_lengths(out);
    end_old_framing(out);
    return {ParseStatus::complete, newline + 1, 0, {}, {}};
  }
}

}  // namespace quoll::http
