// CallTrace: the trace that a call belongs to, as W3C Trace Context carries it, and the spans of its attempts.
//
// A client's traceparent is continued: each attempt gets a child of it. One that cannot be read, or comes twice, counts
// as absent, and its tracestate with it (section 4.3 of the Recommendation). Where there is none, a trace begins here
// if TraceKind says so.
//
// Loop-confined; lives as long as the call. It keeps references to the head and the random numbers.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "quoll/base/rng.h"
#include "quoll/http/head.h"
#include "quoll/proxy/config/options.h"
#include "quoll/telemetry/trace.h"

namespace quoll::proxy {

class CallTrace {
 public:
  CallTrace(const http::RequestHead& request, TraceKind kind, Rng& ids);

  // Whether a field of the client's is to be passed on as it is.
  bool passes(std::string_view field) const;
  // A new span, for an attempt: its traceparent, if the call is traced. Returned is the id of a trace that begins here,
  // as it stands in `head`; else nothing.
  std::string_view append_to(std::string& head);
  // The last attempt's span, or what the call came with; null when the call is not traced.
  const telemetry::TraceContext* context() const { return span_ ? &*span_ : nullptr; }

 private:
  const bool handled_;      // the fields of a trace are ours to write
  bool continued_ = false;  // from the client's
  std::optional<telemetry::TraceContext> parent_;
  std::optional<telemetry::TraceContext> span_;
  Rng& ids_;
};

}  // namespace quoll::proxy
