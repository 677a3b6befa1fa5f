// Reading a request's head from a client, for the data plane and the admin server alike. Loop-confined.
#pragma once

#include "quoll/http/head.h"
#include "quoll/net/stream.h"
#include "quoll/proxy/data/session.h"

namespace quoll::proxy {

enum class HeadEnd : std::uint8_t {
  complete,  // exchange.request is filled, exchange.in starts after the head
  bad,       // see `refusal`
  nothing,   // nothing had come: wait for it, without holding buffers
  closed,    // the client left, or its time is up; nothing to answer
  too_slow,  // some of a head came and the rest did not: 408
};

struct HeadResult {
  HeadEnd end = HeadEnd::closed;
  http::ParseResult refusal = {};
  bool head_only = false;  // it began as a HEAD request: what refuses it has no body
};

// Uses what is in exchange.in first. `timeout` counts from the first byte. Does not wait for that one.
net::Task<HeadResult> read_head(net::Stream& client, Exchange& exchange, const http::Limits& limits, Duration timeout);

}  // namespace quoll::proxy
