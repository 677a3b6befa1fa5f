#include "proxy_protocol.h"

#include <gtest/gtest.h>

#include "scripted_plane.h"

namespace quoll::proxy {
namespace {

using Status = ProxyHeader::Status;

std::string v2(char command, char family, const std::string& rest) {
  std::string out("\r\n\r\n\0\r\nQUIT\n", 12);
  out += command;
  out += family;
  out += static_cast<char>(rest.size() >> 8U);
  out += static_cast<char>(rest.size() & 0xffU);
  return out + rest;
}
const std::string kV4("\x0a\x01\x02\x03\xc0\x00\x02\x01\x30\x39\x01\xbb", 12);

std::string source_of(const ProxyHeader& header) {
  return header.has_source ? net::to_string(header.source) : "none";
}

TEST(ProxyProtocol, SaysTheClientsAddress) {
  std::string v6(16, '\0');
  v6[0] = '\x20';
  v6[1] = '\x01';
  v6[15] = '\x07';
  const std::array<std::pair<std::string, std::string>, 9> cases = {{
      {"PROXY TCP4 10.1.2.3 192.0.2.1 12345 443\r\n", "10.1.2.3:12345"},
      {"PROXY TCP6 2001::7 ::1 1 65535\r\n", "[2001::7]:1"},
      {"PROXY UNKNOWN\r\n", "none"},
      {"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", "none"},
      {v2('\x21', '\x11', kV4), "10.1.2.3:12345"},
      {v2('\x21', '\x11', kV4 + std::string("\x04\x00\x01x", 4)), "10.1.2.3:12345"},
      {v2('\x21', '\x21', v6 + v6 + std::string("\0\x50\0\x50", 4)), "[2001::7]:80"},
      {v2('\x20', '\x00', ""), "none"},
      {v2('\x21', '\x31', std::string(216, 'u')), "none"},
  }};
  for (const auto& [bytes, source] : cases) {
    const ProxyHeader got = parse_proxy_header(bytes + "GET /");
    EXPECT_EQ(got.status, Status::complete) << bytes << got.fault;
    EXPECT_EQ(got.consumed, bytes.size()) << bytes;
    EXPECT_EQ(source_of(got), source) << bytes;
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
      EXPECT_EQ(parse_proxy_header(std::string_view(bytes).substr(0, cut)).status, Status::need_more) << bytes << cut;
    }
  }
}

TEST(ProxyProtocol, RefusesWhatIsNotWhole) {
  for (const std::string& bytes : {
           std::string("GET / HTTP/1.1\r\n"),
           std::string("PROXYTCP4"),
           std::string("proxy TCP4 "),
           std::string("PROXY TCP4 10.1.2.3 192.0.2.1 12345 443\n"),
           std::string("PROXY TCP4 10.1.2.3 192.0.2.1 12345 443\r443\r\n"),
           std::string("PROXY TCP4 10.1.2.3 192.0.2.1 12345\r\n"),
           std::string("PROXY TCP4 10.1.2.3 192.0.2.1 12345 443 1\r\n"),
           std::string("PROXY TCP4 10.1.2.3  12345 443\r\n"),
           std::string("PROXY TCP4 10.1.2.3 192.0.2.1 65536 443\r\n"),
           std::string("PROXY TCP4 10.1.2.3 192.0.2.1 012 443\r\n"),
           std::string("PROXY TCP4 10.1.2.3 192.0.2.1 +1 443\r\n"),
           std::string("PROXY TCP4 10.1.2 192.0.2.1 1 443\r\n"),
           std::string("PROXY TCP4 010.1.2.3 192.0.2.1 1 443\r\n"),
           std::string("PROXY TCP4 ::1 ::1 1 443\r\n"),
           std::string("PROXY TCP6 10.1.2.3 192.0.2.1 1 443\r\n"),
           std::string("PROXY TCP6 fe80::1%lo ::1 1 443\r\n"),
           std::string("PROXY UDP4 10.1.2.3 192.0.2.1 1 443\r\n"),
           "PROXY UNKNOWN " + std::string(100, 'x'),
           v2('\x11', '\x11', kV4),
           v2('\x22', '\x11', kV4),
           v2('\x21', '\x12', kV4),
           v2('\x21', '\x11', kV4.substr(1)),
           v2('\x21', '\x21', kV4),
           v2('\x21', '\x31', kV4),
           v2('\x21', '\x11', std::string(5000, 'x')),
       }) {
    const ProxyHeader got = parse_proxy_header(bytes);
    EXPECT_EQ(got.status, Status::bad) << bytes;
    EXPECT_FALSE(got.fault.empty());
  }
}

TEST(ProxyProtocol, WhatIsWrittenIsReadAgain) {
  using net::asio::ip::make_address;
  for (const auto& [source, destination, read] :
       {std::array<const char*, 3>{"10.1.2.3", "192.0.2.1", "10.1.2.3:7"},
        std::array<const char*, 3>{"2001:db8::1", "::1", "[2001:db8::1]:7"},
        std::array<const char*, 3>{"10.1.2.3", "::1", "[::ffff:10.1.2.3]:7"}}) {
    std::string bytes;
    append_proxy_header(bytes, {make_address(source), 7}, {make_address(destination), 8});
    const ProxyHeader got = parse_proxy_header(bytes);
    EXPECT_EQ(got.status, Status::complete);
    EXPECT_EQ(got.consumed, bytes.size());
    EXPECT_EQ(source_of(got), read);
  }
}

using testing::answer;
using testing::get;
using testing::OtherEnd;
using testing::ScriptedPlane;

void from_the_proxy(ProxyOptions& options) {
  options.proxy_protocol_from = "192.0.2.0/30";
}

TEST(ProxyProtocolIn, NamesTheClientOfAllRequestsOfItsConnection) {
  ScriptedPlane plane(from_the_proxy);
  std::vector<std::string> asked;
  plane.upstream.on_connect = [&](OtherEnd& far, int) {
    far.on_received = [&](OtherEnd& to) {
      for (std::string head = testing::take_request(to); !head.empty(); head = testing::take_request(to)) {
        asked.push_back(head);
        to.send(answer(200, "ok"));
      }
    };
  };
  OtherEnd& client = plane.client();
  const std::string bytes = "PROXY TCP4 10.1.2.3 192.0.2.3 12345 443\r\n" + get("/one");
  for (const char c : bytes) {
    client.send(std::string(1, c));
    plane.loop.run();
  }
  client.send(get("/two"));
  plane.loop.run();
  ASSERT_EQ(asked.size(), 2U) << client.received;
  for (const std::string& head : asked) {
    EXPECT_NE(head.find("\r\nX-Forwarded-For: 10.1.2.3\r\n"), std::string::npos) << head;
    EXPECT_NE(head.find("\r\nForwarded: for=10.1.2.3;"), std::string::npos) << head;
  }
  OtherEnd& check = plane.ask(v2('\x20', '\x00', "") + get("/three"));
  EXPECT_TRUE(check.received.ends_with("ok")) << check.received;
  EXPECT_NE(asked.back().find("\r\nX-Forwarded-For: 192.0.2.1\r\n"), std::string::npos) << "LOCAL: the peer's own";
}

TEST(ProxyProtocolIn, IsNeitherGuessedNorWaitedForForEver) {
  ScriptedPlane plane(from_the_proxy);
  OtherEnd& without = plane.ask(get("/"));
  EXPECT_TRUE(without.closed());
  EXPECT_EQ(without.received, "");
  OtherEnd& slow = plane.ask("PROXY TCP4 10.");
  plane.loop.advance(std::chrono::seconds(10) - std::chrono::nanoseconds(1));
  EXPECT_FALSE(slow.closed());
  plane.loop.advance(std::chrono::nanoseconds(1));
  EXPECT_TRUE(slow.closed());
  EXPECT_TRUE(plane.upstream.made.empty());
  EXPECT_EQ(plane.connections(), 0U);
}

TEST(ProxyProtocolIn, IsReadOfTrustedAddressesOnly) {
  ScriptedPlane plane([](ProxyOptions& o) { o.proxy_protocol_from = "10.0.0.0/8"; });
  EXPECT_TRUE(plane.ask(get("/one")).received.ends_with("/one"));
  EXPECT_TRUE(
      plane.ask("PROXY TCP4 10.1.2.3 192.0.2.3 12345 443\r\n" + get("/two")).received.starts_with("HTTP/1.1 400"));
}

TEST(ProxyProtocolOut, NamesTheClientAndServesNobodyElse) {
  ScriptedPlane plane([](ProxyOptions& o) { o.send_proxy = true; });
  std::vector<std::string> begun;
  plane.upstream.on_connect = [&](OtherEnd& far, int) {
    far.on_received = [&](OtherEnd& to) {
      if (to.sent() > 0 || to.received.find("\r\n\r\n", 12) == std::string::npos) return;
      begun.push_back(to.received);
      to.send(answer(200, "ok"));
    };
  };
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(plane.ask(get("/")).received.ends_with("ok"));
  ASSERT_EQ(begun.size(), 2U);
  for (const std::string& bytes : begun) {
    const ProxyHeader header = parse_proxy_header(bytes);
    ASSERT_EQ(header.status, Status::complete);
    EXPECT_EQ(source_of(header), "192.0.2.1:54321");
    EXPECT_TRUE(bytes.substr(header.consumed).starts_with("GET / HTTP/1.1\r\n"));
  }
  EXPECT_EQ(plane.kept(), 0U);
}

}  // namespace
}  // namespace quoll::proxy
