// OneAnswer: a plane whose upstream answers every request with the same bytes, and small things that tests of single
// messages share.
#pragma once

#include "scripted_plane.h"

namespace quoll::proxy::testing {

inline std::string head_of(const std::string& message) {
  return message.substr(0, message.find("\r\n\r\n") + 4);
}
inline std::string status_line(const OtherEnd& far) {
  return far.received.substr(0, far.received.find("\r\n"));
}
inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// It remembers the requests' heads.
class OneAnswer {
 public:
  explicit OneAnswer(std::string bytes, const std::function<void(ProxyOptions&)>& tweak = nullptr) : plane(tweak) {
    plane.upstream.on_connect = [this, bytes = std::move(bytes)](OtherEnd& far, int) {
      far.on_received = [this, bytes](OtherEnd& to) {
        for (std::string head = take_request(to); !head.empty(); head = take_request(to)) {
          asked.push_back(head);
          to.send(bytes);
        }
      };
    };
  }

  ScriptedPlane plane;
  std::vector<std::string> asked;
};

}  // namespace quoll::proxy::testing
