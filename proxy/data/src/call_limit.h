// CallLimit: until when an attempt may be answered: so long after it was sent, and never past the client's own
// deadline.
//
// Thread-compatible: a plain value.
#pragma once

#include "quoll/core/deadline.h"
#include "quoll/proxy/data/session.h"

namespace quoll::proxy {

struct CallLimit {
  Duration timeout{};
  core::Deadline clients = {};

  // sent_at may be kNever: not sent yet.
  TimePoint after(TimePoint sent_at) const {
    return sent_at == net::kNever ? clients.at() : std::min(sent_at + timeout, clients.at());
  }
  // The client would be gone before the upstream has had its time: what comes late then is not the upstream's fault.
  bool by_client(TimePoint sent_at) const { return sent_at == net::kNever || clients.at() < sent_at + timeout; }
};

// The deadline that the client set with `grpc-timeout`, counted from when its request arrived at this machine; without
// a limit when there is none or it cannot be read.
core::Deadline client_deadline(const Exchange& exchange);

// Whether a field is the one in which deadlines travel.
bool is_deadline_field(std::string_view name);
// What the upstream is told at `now`: what is left less the answer's way back.
void append_deadline(std::string& out, const CallLimit& limit, TimePoint now);

}  // namespace quoll::proxy
