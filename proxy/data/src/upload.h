// Upload: a request's way to the upstream, streamed with back-pressure: nothing is read from the client before what was
// read last has been written.
//
// Loop-confined.
#pragma once

#include <boost/asio/steady_timer.hpp>

#include "call_limit.h"
#include "quoll/proxy/data/session.h"

namespace quoll::proxy {

// A client that has not moved for this long is why an upstream gave up on it. A client that keeps up sends the next
// piece of a body, or takes it, within a round trip or two.
inline constexpr Duration kClientStall = std::chrono::milliseconds(100);

// The request's way to the upstream, body included. When the body has not come whole with its head, the rest is sent
// by a Task of its own, so that an upstream may answer while it still reads.
class Upload {
 public:
  Upload(Session& session, const CallLimit& limit);
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;

  // Sends exchange.out if that is all and the kernel takes it at once, which is the common case. Else call start().
  bool send_bodyless(net::Stream& upstream);
  // Sends exchange.out and the body, or starts to. False when the upstream's socket refused. The body of a client that
  // waits for `100 Continue` is held() until release().
  net::Task<bool> start(net::Stream& upstream);
  bool held() const { return held_; }
  void release();
  // Waits for the body's Task to end. One that still runs is stopped, and the upstream's connection, on which half a
  // request lies, is aborted.
  net::Task<void> finish();
  bool running() const { return running_; }

  // When the first byte left, at the earliest; kNever before.
  TimePoint began_at() const { return began_at_; }
  // When the head of a request whose body is held had left.
  TimePoint head_sent_at() const { return head_sent_at_; }
  // When the last byte left, or the upstream stopped taking them; kNever before.
  TimePoint sent_at() const { return sent_at_; }
  bool client_gone() const { return client_gone_; }
  bool bad_body() const { return bad_body_; }
  // The client stopped in the middle of the body: for longer than client_gap, or, once the upstream has given up
  // waiting, for longer than kClientStall; or sent it more slowly than min_rate.
  bool client_slow() const { return client_slow_; }
  // Whether an upstream that ends at `now` had been waiting for the client's body and not for us.
  bool blame_client(TimePoint now);
  // The errno of a send that failed; 0 without one.
  int send_error() const { return send_error_; }
  // The body has been read to its end: the client's connection can carry another request.
  bool body_done() const { return body_.done(); }
  // And has left to its end: so can the upstream's. Its last piece may wait for an upstream that has answered already.
  bool complete() const { return complete_; }
  // The whole request left in one piece from what came with its head, so that it can be sent again; or its body is
  // held.
  bool replayable() const { return replayable_; }
  http::BodyReader& body() { return body_; }

 private:
  net::Task<bool> send_some(net::Stream& upstream, Buffer& from, bool with_head);
  void start_body(net::Stream& upstream);
  net::Task<void> run(net::Stream& upstream);
  TimePoint patience() const;
  void mark_sent(net::Stream& upstream, TimePoint at);

  Session& session_;
  const CallLimit limit_;
  http::BodyReader body_;
  bool chunked_;
  std::string trailers_;
  bool running_ = false;
  bool held_ = false;
  bool stopping_ = false;
  bool client_gone_ = false;
  bool bad_body_ = false;
  bool client_slow_ = false;
  bool replayable_ = false;
  bool complete_ = false;
  int send_error_ = 0;
  net::Stream* upstream_ = nullptr;      // while running or held
  TimePoint waits_since_ = net::kNever;  // for the client's next piece
  Duration waited_{};                    // for the client, in all, before that
  TimePoint began_at_ = net::kNever;
  TimePoint head_sent_at_ = net::kNever;
  TimePoint sent_at_ = net::kNever;
  boost::asio::steady_timer::rebind_executor<net::Executor>::other finished_;
};

// Whether `discard_body` has a chance: the client does not hold the body back, nor is it known to be long.
bool discardable(const Session& session, const http::BodyReader& body);
// Reads and drops the rest of a request's body, if it is short and comes soon: true when the connection can go on.
net::Task<bool> discard_body(Session& session, http::BodyReader& body);

}  // namespace quoll::proxy
