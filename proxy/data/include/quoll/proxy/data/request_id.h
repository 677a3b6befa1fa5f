// RequestId: the name of one request in every log that it leaves a line in, X-Request-Id: the client's, or one made
// here.
//
// Loop-confined; lives as long as the exchange.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "quoll/base/rng.h"
#include "quoll/http/head.h"

namespace quoll::proxy {

class RequestId {
 public:
  static constexpr std::string_view kField = "X-Request-Id";
  static constexpr std::size_t kSize = 32;  // lower-case hex

  // The client's, or the one made here. An empty field of the client's is none.
  std::string_view of(const http::RequestHead& request, Rng& rng) {
    const auto clients = request.fields.find(kField);
    return clients && !clients->empty() ? *clients : made(rng);
  }
  // The one made here, which is made now if there is none yet.
  std::string_view made(Rng& rng);
  // Has the id of a trace that begins with the request, so that the two are one; unless one was made before.
  void take(std::string_view trace_id) {
    if (made_) return;
    made_.emplace();
    std::copy_n(trace_id.begin(), kSize, made_->begin());
  }

 private:
  std::optional<std::array<char, kSize>> made_;
};

}  // namespace quoll::proxy
