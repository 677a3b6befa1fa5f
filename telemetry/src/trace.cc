#include "quoll/telemetry/trace.h"

#include <cstring>

namespace quoll::telemetry {

namespace {

constexpr std::string_view kDigits = "0123456789abcdef";
constexpr std::size_t kTraceAt = 3;
constexpr std::size_t kSpanAt = 36;
constexpr std::size_t kFlagsAt = 53;

Error malformed(const char* what) {
  return {std::string("traceparent: ") + what + "; a valid one is 00-<32 hex>-<16 hex>-<2 hex> in lower case",
          "bad_traceparent"};
}

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// False for anything but lower-case hex.
bool read_hex(std::string_view text, std::uint8_t* out) {
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]);
    const int low = digit(text[i + 1]);
    if (high < 0 || low < 0) return false;
    out[i / 2] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return true;
}

// "00" to "ff".
constexpr auto kPairs = [] {
  std::array<std::array<char, 2>, 256> out{};
  for (std::size_t byte = 0; byte < out.size(); ++byte) out[byte] = {kDigits[byte >> 4U], kDigits[byte & 0x0FU]};
  return out;
}();

char* write_hex(const std::uint8_t* bytes, std::size_t count, char* out) {
  for (std::size_t i = 0; i < count; ++i, out += 2) std::memcpy(out, kPairs[bytes[i]].data(), 2);
  return out;
}

template <std::size_t N>
bool all_zero(const std::array<std::uint8_t, N>& id) {
  static_assert(N % 8 == 0);
  std::uint64_t any = 0;
  for (std::size_t i = 0; i < N; i += 8) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, id.data() + i, sizeof bits);
    any |= bits;
  }
  return any == 0;
}

template <std::size_t N>
void randomise(std::array<std::uint8_t, N>& id, Rng& rng) {
  do {
    for (std::size_t i = 0; i < N; i += 8) {
      const std::uint64_t bits = rng.next();
      std::memcpy(id.data() + i, &bits, sizeof bits);
    }
  } while (all_zero(id));
}

}  // namespace

Result<TraceContext> parse_traceparent(std::string_view text) {
  if (text.size() < kTraceparentSize) return malformed("too short");
  std::uint8_t version = 0;
  if (!read_hex(text.substr(0, 2), &version) || version == 0xFF) return malformed("bad version");
  if (version == 0 && text.size() != kTraceparentSize) return malformed("too long for version 00");
  if (text.size() > kTraceparentSize && text[kTraceparentSize] != '-') return malformed("no '-' after the flags");
  if (text[kTraceAt - 1] != '-' || text[kSpanAt - 1] != '-' || text[kFlagsAt - 1] != '-') {
    return malformed("a '-' is missing");
  }
  TraceContext context;
  if (!read_hex(text.substr(kTraceAt, 32), context.trace_id.data())) return malformed("trace id is not hex");
  if (!read_hex(text.substr(kSpanAt, 16), context.span_id.data())) return malformed("parent id is not hex");
  if (!read_hex(text.substr(kFlagsAt, 2), &context.flags)) return malformed("flags are not hex");
  if (all_zero(context.trace_id)) return malformed("trace id is all zeros");
  if (all_zero(context.span_id)) return malformed("parent id is all zeros");
  context.flags &= TraceContext::kSampled;
  return context;
}

std::array<char, kTraceparentSize> format_traceparent(const TraceContext& context) {
  std::array<char, kTraceparentSize> text{};
  char* out = text.data();
  *out++ = '0';
  *out++ = '0';
  *out++ = '-';
  out = write_hex(context.trace_id.data(), context.trace_id.size(), out);
  *out++ = '-';
  out = write_hex(context.span_id.data(), context.span_id.size(), out);
  *out++ = '-';
  write_hex(&context.flags, 1, out);
  return text;
}

std::array<char, 32> trace_id_hex(const TraceContext& context) {
  std::array<char, 32> text{};
  write_hex(context.trace_id.data(), context.trace_id.size(), text.data());
  return text;
}

std::array<char, 16> span_id_hex(const TraceContext& context) {
  std::array<char, 16> text{};
  write_hex(context.span_id.data(), context.span_id.size(), text.data());
  return text;
}

TraceContext new_trace(Rng& rng, bool sampled) {
  TraceContext context;
  randomise(context.trace_id, rng);
  randomise(context.span_id, rng);
  context.flags = sampled ? TraceContext::kSampled : 0;
  return context;
}

TraceContext child_of(const TraceContext& parent, Rng& rng) {
  TraceContext context = parent;
  do {
    randomise(context.span_id, rng);
  } while (context.span_id == parent.span_id);
  return context;
}

}  // namespace quoll::telemetry
