// Any bytes as a configuration file, and any bytes as settings on the command line, on the reader that the proxy has.
//
// A file that is taken is valid, prints as one that is read back to the same, and has no name that the JSON Schema does
// not know; one that is refused is told so line by line, each with the file's name. Text that a setting takes is shown
// as text that it takes again.
//
// Run: cmake --preset fuzz && cmake --build build/fuzz --target config_fuzz &&
//   build/fuzz/proxy/config/config_fuzz -dict=proxy/config/src/config_fuzz.dict -max_len=2048 -max_total_time=60
#include <boost/json/serialize.hpp>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "quoll/base/settings.h"
#include "quoll/proxy/config/config_file.h"
#include "quoll/proxy/config/config_json.h"
#include "quoll/proxy/config/json_schema.h"

#define QUOLL_FUZZ_CHECK(condition) \
  do {                              \
    if (!(condition)) std::abort(); \
  } while (false)

namespace quoll::proxy {
namespace {

void check_faults(const std::string& faults) {
  QUOLL_FUZZ_CHECK(!faults.empty() && faults.size() < 1U << 20U);
  for (std::size_t at = 0; at < faults.size();) {
    QUOLL_FUZZ_CHECK(faults.compare(at, 7, "q.yaml:") == 0);
    const std::size_t end = faults.find('\n', at);
    at = end == std::string::npos ? faults.size() : end + 1;
  }
}

void check_file(const std::string& text) {
  const auto read = read_config(text, "q.yaml");
  if (!read) return check_faults(read.error().message);
  QUOLL_FUZZ_CHECK(read->validate().empty());
  QUOLL_FUZZ_CHECK(read->resolved().validate().empty());
  const std::string printed = config_yaml(*read);
  const auto again = read_config(printed, "printed");
  QUOLL_FUZZ_CHECK(again.has_value());
  QUOLL_FUZZ_CHECK(config_yaml(*again) == printed);
  const std::string shown = boost::json::serialize(config_json(*read));
  QUOLL_FUZZ_CHECK(shown == boost::json::serialize(config_json(*again)));
}

// "name=text" a line.
void check_settings(std::string_view text) {
  ProxyOptions options;
  const auto& settings = schema::settings_of<ProxyOptions>();
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t equals = std::min(line.find('='), line.size());
    const std::string_view name = line.substr(0, equals);
    const auto applied = apply_setting(options, name, line.substr(std::min(equals + 1, line.size())));
    if (!applied) {
      QUOLL_FUZZ_CHECK(applied.error().message.compare(0, name.size(), name) == 0);
      continue;
    }
    const std::string shown = schema::text_of(settings.find(name)->show_at(&options));
    ProxyOptions other;
    QUOLL_FUZZ_CHECK(apply_setting(other, name, shown).has_value());
    QUOLL_FUZZ_CHECK(schema::text_of(settings.find(name)->show_at(&other)) == shown);
  }
  for (const std::string& fault : options.validate()) QUOLL_FUZZ_CHECK(!fault.empty());
}

}  // namespace
}  // namespace quoll::proxy

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);  // NOLINT: bytes are text here
  if (data[0] % 2 == 0) {
    quoll::proxy::check_file(text);
  } else {
    quoll::proxy::check_settings(text);
  }
  return 0;
}
