// What reading a head or a body costs. Goal: 200 to 400 ns for a small head. More than half of its instructions are
// Beast's, which reads the fields byte by byte and looks up their names; finding the head's end first is a seventh.
//
// Run: build/release/http/quoll_http_bench --benchmark_repetitions=5
// On a noisy machine take the minimum, or count instructions:
//   valgrind --tool=callgrind --toggle-collect='*parse_request*' quoll_http_bench --benchmark_filter=RequestHead
#include <benchmark/benchmark.h>

#include <array>
#include <string>

#include "quoll/http/body.h"
#include "quoll/http/head.h"
#include "quoll/http/write.h"

namespace quoll::http {
namespace {

constexpr std::string_view kRequest =
    "GET /api/data?id=42 HTTP/1.1\r\nHost: localhost:3000\r\nUser-Agent: wrk/4.1.0\r\nAccept: */*\r\n"
    "Accept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n\r\n";
constexpr std::string_view kResponse =
    "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: quoll-backend\r\n"
    "Content-Type: application/json\r\nContent-Length: 27\r\nX-Request-Id: 0af7651916cd43dd\r\n\r\n";

void RequestHeadSmall(benchmark::State& state) {
  const Limits limits;
  RequestHead head;
  for ([[maybe_unused]] auto _ : state) {
    HeadScan scan;
    benchmark::DoNotOptimize(parse_request(kRequest, limits, scan, head));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * kRequest.size()));
}
BENCHMARK(RequestHeadSmall);

// A browser's head: 14 fields, long values.
void RequestHeadBrowser(benchmark::State& state) {
  std::string bytes = "GET /assets/app.js?v=20240101 HTTP/1.1\r\nHost: shop.example.org\r\nConnection: keep-alive\r\n";
  for (int i = 0; i < 11; ++i) {
    bytes += "X-Field-" + std::to_string(i) + ": " + std::string(48, 'v') + "\r\n";
  }
  bytes += "Cookie: " + std::string(400, 'c') + "\r\n\r\n";
  const Limits limits;
  RequestHead head;
  for ([[maybe_unused]] auto _ : state) {
    HeadScan scan;
    benchmark::DoNotOptimize(parse_request(bytes, limits, scan, head));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes.size()));
}
BENCHMARK(RequestHeadBrowser);

void ResponseHeadSmall(benchmark::State& state) {
  const Limits limits;
  ResponseHead head;
  for ([[maybe_unused]] auto _ : state) {
    HeadScan scan;
    benchmark::DoNotOptimize(parse_response(kResponse, limits, "GET", scan, head));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * kResponse.size()));
}
BENCHMARK(ResponseHeadSmall);

// What a proxy writes for each request it passes on.
void WriteRequestHead(benchmark::State& state) {
  RequestHead head;
  HeadScan scan;
  static_cast<void>(parse_request(kRequest, Limits{}, scan, head));
  std::string out;
  for ([[maybe_unused]] auto _ : state) {
    out.clear();
    append_request_line(out, head.method, head.path);
    append_end_to_end_fields(out, head.fields, head.connection_names_fields);
    append_head_end(out);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(WriteRequestHead);

void read_body(benchmark::State& state, Framing framing, const std::string& wire, std::size_t content) {
  const Limits limits;
  for ([[maybe_unused]] auto _ : state) {
    BodyReader reader(framing, content, limits);
    std::span<const char> left(wire);
    while (!reader.done()) {
      const auto piece = reader.next(left);
      left = left.subspan(piece->consumed);
      benchmark::DoNotOptimize(piece->data.data());
    }
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * wire.size()));
}

void BodyLength(benchmark::State& state) {
  read_body(state, Framing::length, std::string(1024, 'x'), 1024);
}
BENCHMARK(BodyLength);

// Chunks of `range` bytes, 16 of them, in one buffer.
void BodyChunked(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  std::string wire;
  for (int i = 0; i < 16; ++i) {
    std::array<char, kChunkHeaderBytes> header;
    wire.append(format_chunk_header(header, size)).append(size, 'x').append(kChunkEnd);
  }
  wire += kLastChunk;
  read_body(state, Framing::chunked, wire, 0);
}
BENCHMARK(BodyChunked)->Arg(16)->Arg(4096);

}  // namespace
}  // namespace quoll::http
