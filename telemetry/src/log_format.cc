#include "log_format.h"

#include <algorithm>
#include <iterator>

#include "json_text.h"

namespace quoll::telemetry::internal {

namespace {

template <std::size_t N>
std::string_view view(const std::array<char, N>& text) {
  return {text.data(), text.size()};
}

bool is_plain(std::string_view text) {
  return !text.empty() && text.size() <= Log::kMaxFieldBytes && std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < 0x7F && c != '"' && c != '\\' && c != '=';
  });
}

struct ValueWriter {
  fmt::memory_buffer& out;
  bool quote_always;

  void operator()(std::string_view text) const {
    if (quote_always || !is_plain(text)) {
      append_json_string(out, text, Log::kMaxFieldBytes);
    } else {
      append(out, text);
    }
  }
  void operator()(double value) const { append_json_number(out, value); }
  void operator()(std::int64_t value) const { fmt::format_to(std::back_inserter(out), "{}", value); }
  void operator()(std::uint64_t value) const { fmt::format_to(std::back_inserter(out), "{}", value); }
  void operator()(bool value) const { append(out, value ? "true" : "false"); }
  void operator()(const Field::Json& json) const { append(out, json.text); }
};

std::span<const Field> bounded(std::span<const Field> fields) {
  return fields.first(std::min(fields.size(), Log::kMaxFields));
}

}  // namespace

void format_json(fmt::memory_buffer& out, const LogLine& line) {
  const ValueWriter write{out, true};
  const auto key = [&](std::string_view name) {
    out.push_back(',');
    append_json_string(out, name, Log::kMaxFieldBytes);
    out.push_back(':');
  };
  append(out, "{\"ts\":\"");
  append(out, format_rfc3339(line.wall));
  append(out, "\",\"level\":\"");
  append(out, to_string(line.level));
  append(out, "\",\"event\":");
  write(line.event);
  for (const Field& field : bounded(line.fields)) {
    key(field.key());
    std::visit(write, field.value());
  }
  if (line.trace != nullptr) {
    key("trace_id");
    write(view(trace_id_hex(*line.trace)));
    key("span_id");
    write(view(span_id_hex(*line.trace)));
  }
  if (line.suppressed > 0) {
    key("suppressed");
    write(line.suppressed);
  }
  out.push_back('}');
}

void format_text(fmt::memory_buffer& out, const LogLine& line) {
  const ValueWriter write{out, false};
  const auto key = [&](std::string_view name) {
    out.push_back(' ');
    append(out, name);
    out.push_back('=');
  };
  append(out, format_rfc3339(line.wall));
  fmt::format_to(std::back_inserter(out), " {:<5} ", to_string(line.level));
  write(line.event);
  for (const Field& field : bounded(line.fields)) {
    key(field.key());
    std::visit(write, field.value());
  }
  if (line.trace != nullptr) {
    key("trace_id");
    write(view(trace_id_hex(*line.trace)));
    key("span_id");
    write(view(span_id_hex(*line.trace)));
  }
  if (line.suppressed > 0) {
    key("suppressed");
    write(line.suppressed);
  }
}

}  // namespace quoll::telemetry::internal
