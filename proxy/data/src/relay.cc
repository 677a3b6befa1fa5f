#include "relay.h"

#include "gather.h"
#include "quoll/net/local_error.h"
#include "upload.h"

namespace quoll::proxy {
namespace {

// A stream of events is as long as its client stays, and quiet when nothing happens: no gap in it is a failure.
bool event_stream(const http::ResponseHead& head) {
  constexpr std::string_view kType = "text/event-stream";
  for (const http::Field& field : head.fields) {
    if (!http::iequals(field.name, "content-type")) continue;
    const std::string_view type = field.value.substr(0, kType.size());
    const std::string_view rest = field.value.substr(type.size());
    return http::iequals(type, kType) && (rest.empty() || rest.front() == ';' || rest.front() == ' ');
  }
  return false;
}

}  // namespace

net::Task<RelayEnd> relay_response(Session& s, net::Stream& upstream, http::BodyReader& body, bool chunked,
                                   const std::function<void()>& on_complete) {
  Exchange& x = s.exchange;
  Gather gather;
  gather.add(x.out);
  std::string trailers;
  if (chunked) body.keep_trailers(&trailers);
  std::size_t bytes = 0;
  bool ended = false;
  Duration held_up{};  // by the client, since the upstream's socket was last seen empty
  const bool endless = event_stream(x.response);
  if (endless) upstream.keep_alive();
  s.watch.answer_begins();
  for (;;) {
    if (!collect(body, x.up, chunked, gather, bytes)) co_return RelayEnd::upstream_broken;
    if (body.done() && !ended) {
      ended = true;
      if (chunked) gather.add_last_chunk(trailers);
      on_complete();
    }
    std::span<iovec> pieces = gather.pieces();
    net::WriteResult written = s.client.write_now(pieces);
    if (written.status == net::IoStatus::would_block) {
      const TimePoint blocked_at = s.now();
      written = co_await s.client.write(pieces, blocked_at + s.options().client_gap);
      held_up += s.now() - blocked_at;
    }
    if (written.status != net::IoStatus::ok) co_return RelayEnd::client_gone;
    gather.clear();
    if (ended) break;
    if (!x.up.empty()) continue;

    x.up.clear();
    x.up.reserve(Exchange::kBulk);
    net::ReadResult got = upstream.try_read(x.up.writable());
    if (got.status == net::IoStatus::would_block) {
      held_up = {};
      // The gap counts from here, where the socket has been emptied: the peer had all of it to send in.
      const TimePoint patience = endless ? net::kNever : s.now() + s.route.options.body_gap;
      got = co_await upstream.read(x.up.writable(), patience, true);
    }
    if (s.watch.gone()) co_return RelayEnd::client_gone;
    if (got.status == net::IoStatus::deadline) co_return RelayEnd::upstream_silent;
    if (net::local_lack(got.error) != net::LocalLack::nothing) co_return RelayEnd::local_lack;
    const bool early_end = got.status == net::IoStatus::eof && !body.finish_at_close();
    if (got.status == net::IoStatus::error || early_end) {
      co_return held_up >= kClientStall ? RelayEnd::client_slow : RelayEnd::upstream_broken;
    }
    x.up.commit(got.bytes);
  }
  s.shared().metrics.bytes_to_clients.add(bytes, s.worker.shard);
  co_return RelayEnd::done;
}

}  // namespace quoll::proxy
