// ClientWatch: whether the client of an exchange is still there while the proxy waits for its upstream.
//
// Nobody reads from a client that has sent its request, so that its leaving would only show when the answer is written:
// the call would go on, hold its place in the limits, and the upstream work for nobody. A reset is plain. An end (FIN)
// is not: a client that has closed sends one, and so does a client that has sent all and reads on (a half-close, which
// is not leaving). TCP tells the two apart only by what comes back to bytes that are sent: a closed client answers with
// a reset. So a client that has sent its end, and nothing yet been sent to, gets `100 Continue` after kGrace, which
// every HTTP/1.1 client must expect and may discard (RFC 9110 section 15.2). Where that cannot be (HTTP/1.0, a body
// that has begun) keep-alive probes tell after a minute at most, when the client's machine has forgotten the
// connection.
//
// Loop-confined; lives in the connection's frame while an exchange lasts.
#pragma once

#include "quoll/http/head.h"
#include "quoll/net/stream.h"

namespace quoll::proxy {

class ClientWatch {
 public:
  // How long a client that has sent its end is given to be answered before it is probed.
  static constexpr Duration kGrace = std::chrono::milliseconds(200);

  ClientWatch(net::Stream& client, const http::RequestHead& request);
  ~ClientWatch();
  ClientWatch(const ClientWatch&) = delete;
  ClientWatch& operator=(const ClientWatch&) = delete;

  // Whether the client has left.
  bool gone() const { return gone_; }
  // While the call waits for `upstream`, that wait ends with an error once the client has gone; null: no longer.
  void guard(net::Stream* upstream) { upstream_ = upstream; }
  // Something of an answer has been sent, or is about to be: no more `100 Continue`.
  void answer_begins() { answered_ = true; }
  // While a client holds its body back, the wait for `upstream` ends as at its deadline once some of the body has come,
  // and a client that can send no body any more has gone.
  void await_body(bool on) { awaits_body_ = on; }
  bool body_came() const { return client_.peek() == net::Stream::Peek::readable; }
  // Asks TCP. Call it once something else has read from the client, and now and then: an end or a reset that came
  // together with bytes makes no edge of its own.
  void look();

 private:
  static void stirred(void* self);
  static void grace_over(void* self) { static_cast<ClientWatch*>(self)->probe(); }
  void probe();
  void leave();

  net::Stream& client_;
  const http::RequestHead& request_;
  net::Stream* upstream_ = nullptr;
  net::Deadline grace_{&ClientWatch::grace_over, this};
  bool finished_ = false;
  bool answered_ = false;
  bool awaits_body_ = false;
  bool gone_ = false;
};

}  // namespace quoll::proxy
