#include "quoll/proxy/data/client_watch.h"

#include "quoll/http/write.h"

namespace quoll::proxy {

ClientWatch::ClientWatch(net::Stream& client, const http::RequestHead& request) : client_(client), request_(request) {
  client_.watch(&ClientWatch::stirred, this);
  // An end that came right behind the request makes no edge of its own.
  if (!client_.drained()) look();
}

ClientWatch::~ClientWatch() {
  client_.unwatch();
}

void ClientWatch::stirred(void* self) {
  auto& watch = *static_cast<ClientWatch*>(self);
  const bool wanted = watch.awaits_body_ && !watch.gone_ && watch.upstream_ != nullptr;
  if (wanted && watch.body_came()) watch.upstream_->move_read_deadline(watch.client_.loop().now());
  watch.look();  // last, as the watch may end with the call that waits
}

void ClientWatch::look() {
  if (gone_) return;
  switch (client_.peer_state()) {
    case net::Stream::Peer::connected:
      return;
    case net::Stream::Peer::gone:
      return leave();
    case net::Stream::Peer::finished:
      if (awaits_body_ && !body_came()) return leave();
      if (std::exchange(finished_, true)) return;
      client_.keep_alive();
      client_.loop().deadlines.set(grace_, client_.loop().now() + kGrace);
  }
}

void ClientWatch::probe() {
  if (answered_ || request_.minor_version == 0 || !client_.is_open()) return;
  iovec piece{const_cast<char*>(http::kContinue.data()), http::kContinue.size()};  // sendmsg only reads
  std::span<iovec> pieces{&piece, 1};
  const net::WriteResult written = client_.write_now(pieces);
  // Nothing else has been sent, so that there is room for these few bytes. The reset, if one comes, makes an edge.
  if (written.status == net::IoStatus::error) leave();
}

void ClientWatch::leave() {
  gone_ = true;
  grace_.clear();
  if (upstream_ != nullptr) upstream_->abort();
}

}  // namespace quoll::proxy
