#include "quoll/http/repair.h"

#include <gtest/gtest.h>

#include <tuple>

namespace quoll::http {
namespace {

// The repaired head of bytes that come in two parts.
std::string repaired(const std::string& bytes, std::size_t cut = 0) {
  RepairScan scan;
  std::string out;
  ParseResult got = repair_response_head(std::string_view(bytes).substr(0, cut), {}, scan, out);
  EXPECT_EQ(got.status, ParseStatus::need_more);
  got = repair_response_head(bytes, {}, scan, out);
  EXPECT_TRUE(got.complete()) << bytes;
  EXPECT_EQ(got.consumed, bytes.size());
  return out;
}

TEST(Repair, MendsWhatRfc9112LetsARecipientMend) {
  using Case = std::pair<std::string, std::string>;
  for (const auto& [bytes, head] :
       {Case{"HTTP/1.1 200 OK\nA: b\n\n", "HTTP/1.1 200 OK\r\nA: b\r\n\r\n"},
        Case{"HTTP/1.1 200 OK\r\nA: b\n\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n\r\n"},
        Case{"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\td\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b c d\r\n\r\n"},
        Case{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\ncontent-length: 5\r\n\r\n",
             "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\n\r\n"},
        Case{"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"},
        Case{"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"},
        Case{"HTTP/1.1 200 OK\r\nA: b\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n\r\n"},
        Case{"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n"}}) {
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) EXPECT_EQ(repaired(bytes, cut), head);
  }
}

TEST(Repair, LeavesToTheParserWhatNobodyCanMend) {
  for (const std::string bytes : {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
                                  "HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n",
                                  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length:\r\n\r\n",
                                  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
                                  "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
                                  "HTTP/1.1 200 OK\r\n folded: status\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n",
                                  "HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "\n\n", "garbage\n\n"}) {
    RepairScan scan;
    std::string out;
    const ParseResult got = repair_response_head(bytes, {}, scan, out);
    ASSERT_TRUE(got.complete()) << bytes;
    HeadScan head_scan;
    ResponseHead head;
    EXPECT_TRUE(parse_response(out, {}, "GET", head_scan, head).bad()) << bytes;
  }
}

TEST(Repair, IsBounded) {
  RepairScan scan;
  std::string out;
  Limits limits;
  limits.head_bytes = 300;
  EXPECT_EQ(repair_response_head("HTTP/1.1 200 OK\n" + std::string(400, 'x'), limits, scan, out).code,
            "head_too_large");
}

}  // namespace
}  // namespace quoll::http
