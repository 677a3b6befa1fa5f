// UpstreamCall: one attempt, from a connection to a judged head. It reaches for a connection, sends the request, waits
// for the head of an answer and asks core::judge what to make of it. What to do about it is the policy stack's.
//
// Loop-confined.
#pragma once

#include <memory>

#include "call_limit.h"
#include "call_trace.h"
#include "quoll/core/judge.h"
#include "quoll/http/repair.h"
#include "quoll/net/local_error.h"
#include "quoll/proxy/data/reply.h"
#include "quoll/proxy/data/session.h"
#include "upload.h"

namespace quoll::proxy {

class UpstreamCall {
 public:
  UpstreamCall(Session& session, const CallLimit& limit, CallTrace& trace)
      : session_(session), limit_(limit), trace_(trace), upload_(session, limit) {}
  ~UpstreamCall() { session_.watch.guard(nullptr); }
  UpstreamCall(const UpstreamCall&) = delete;
  UpstreamCall& operator=(const UpstreamCall&) = delete;

  enum class End : std::uint8_t {
    answered,     // exchange.response is filled, exchange.up starts at the body; see judgement()
    no_answer,    // it failed or timed out; see judgement() and trouble()
    client_gone,  // the client left, stopped sending, or its body was malformed; says nothing of the upstream
  };
  net::Task<End> run();

  const core::Judgement& judgement() const { return judgement_; }
  // For the policies. What the client's own deadline cut short, or our own lack of something, says nothing of the
  // upstream.
  core::Sample sample() const;
  const Trouble& trouble() const { return trouble_; }
  // Not a byte of the request has left.
  bool never_sent() const { return connection_ == nullptr; }
  net::Stream& upstream() { return connection_->stream(); }
  Upload& upload() { return upload_; }
  // Keeps the connection for another request that comes within `rest`. Without this it is closed.
  void keep_connection(Duration rest);

 private:
  bool take_kept_connection();
  net::Task<bool> connect();
  net::Task<bool> send_proxy_header();
  net::Task<End> await_head();
  http::ParseResult parse_head(http::HeadScan& scan);
  void start_repair() {
    repair_ = {};
    session_.exchange.repaired.clear();
  }
  bool resend_allowed() const;
  bool before_request(const net::ReadResult& first) const;
  enum class Behind : std::uint8_t { sound, malformed, another_answer };
  Behind look_behind() const;
  net::Task<bool> pass_interim();
  TimePoint held_until() const;
  net::Task<bool> ask_for_body();
  End ended_without(const net::ReadResult& got);
  End final_head(const net::ReadResult& last);
  End spoilt(std::string_view details, TimePoint now);
  End answered(const net::ReadResult& last);
  End fail_ours(net::LocalLack lack);
  End broken_off(http::ProxyError error, std::string_view details, const net::ReadResult& got);
  End fail(http::ProxyError error, std::string_view details, TimePoint now);
  End time_out(http::ProxyError error, std::string_view details, TimePoint now);

  Session& session_;
  const CallLimit limit_;
  CallTrace& trace_;
  Upload upload_;
  std::unique_ptr<UpstreamConnection> connection_;
  http::RepairScan repair_;
  bool kept_ = false;       // the connection came from the pool
  bool got_bytes_ = false;  // of an answer
  bool spoilt_ = false;     // it brought bytes that were nobody's answer
  bool cut_short_ = false;
  bool ours_ = false;  // it failed for want of something on this machine
  core::Judgement judgement_;
  Trouble trouble_;
};

}  // namespace quoll::proxy
