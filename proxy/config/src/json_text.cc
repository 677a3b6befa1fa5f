#include "quoll/proxy/config/json_text.h"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <cmath>

namespace quoll::proxy {
namespace {

namespace json = boost::json;

constexpr std::size_t kLine = 110;

void append(std::string& out, const json::value& value, std::size_t indent);

// Writes members between brackets, on one line if that is short enough.
template <typename Members, typename Write>
void append_members(std::string& out, const Members& members, char open, char close, std::size_t indent, Write write) {
  std::string flat;
  for (const auto& member : members) {
    if (!flat.empty()) flat += ", ";
    write(flat, member, indent);
  }
  if (flat.size() + indent <= kLine && flat.find('\n') == std::string::npos) {
    out += open + flat + close;
    return;
  }
  out += open;
  const char* separator = "\n";
  for (const auto& member : members) {
    out += separator;
    out.append(indent + 2, ' ');
    write(out, member, indent + 2);
    separator = ",\n";
  }
  out += '\n';
  out.append(indent, ' ');
  out += close;
}

void append(std::string& out, const json::value& value, std::size_t indent) {
  switch (value.kind()) {
    case json::kind::object:
      append_members(out, value.get_object(), '{', '}', indent,
                     [](std::string& to, const json::key_value_pair& member, std::size_t depth) {
                       to += json::serialize(json::string(member.key()));
                       to += ": ";
                       append(to, member.value(), depth);
                     });
      return;
    case json::kind::array:
      append_members(out, value.get_array(), '[', ']', indent, append);
      return;
    case json::kind::double_:
      out += std::isfinite(value.get_double()) ? fmt::format("{}", value.get_double()) : "null";
      return;
    default:
      out += json::serialize(value);
  }
}

}  // namespace

std::string json_text(const json::value& value) {
  std::string out;
  append(out, value, 0);
  out += '\n';
  return out;
}

}  // namespace quoll::proxy
