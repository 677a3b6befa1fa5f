// Answers on their way to the client: a page of our own, trouble, or the upstream's answer, passed on.
//
// Each returns whether the client's connection can carry another request.
//
// Loop-confined.
#pragma once

#include "quoll/http/body.h"
#include "quoll/proxy/data/own_pages.h"
#include "quoll/proxy/data/reply.h"
#include "quoll/proxy/data/session.h"
#include "upstream_call.h"

namespace quoll::proxy {

// All of it, within client_gap; false when the client is gone.
net::Task<bool> send(Session& session, std::string_view bytes);
// Refuses a request in a way after which nobody can tell where the next one starts, and closes. `fields`: further ones
// of the answer, each ended by CRLF.
net::Task<bool> refuse_and_close(Session& session, unsigned status, std::string_view message,
                                 std::string_view fields = {});

net::Task<bool> reply_page(Session& session, const PageAnswer& page);
// `body`: the request's, of which some may have been read.
net::Task<bool> reply_trouble(Session& session, http::BodyReader& body, const Trouble& trouble);

// Refuses a request that is not worth serving any more, or that would make others so.
net::Task<bool> reply_shed(Session& session, core::ShedReason reason);

// Streams the upstream's answer to the client, and only then says what became of the call: an upstream that dies in the
// middle of a body has failed, whatever its head said. `call` is null when its outcome is known already.
net::Task<bool> pass_on(Session& session, UpstreamCall& attempt, core::PipelineCall* call);
// For an answer that is not passed on: keeps the upstream's connection if it has arrived whole.
void keep_if_whole(Session& session, UpstreamCall& attempt);

}  // namespace quoll::proxy
