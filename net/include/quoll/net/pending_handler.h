// PendingHandler: the handler of an operation that somebody else than Asio completes.
//
// Loop-confined.
#pragma once

#include <array>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <new>
#include <utility>

namespace quoll::net::internal {

// A completion handler of void(error_code), called or dropped once. Holds it in place: nothing is allocated.
class PendingHandler {
 public:
  PendingHandler() = default;
  PendingHandler(const PendingHandler&) = delete;
  PendingHandler& operator=(const PendingHandler&) = delete;
  ~PendingHandler() { drop(); }

  template <typename Handler>
  void set(Handler handler) {
    static_assert(sizeof(Handler) <= kRoom && alignof(Handler) <= alignof(std::max_align_t));
    new (room_.data()) Handler(std::move(handler));
    end_ = [](void* place, const boost::system::error_code* error) {
      auto* const kept = std::launder(static_cast<Handler*>(place));
      Handler taken(std::move(*kept));
      kept->~Handler();
      if (error != nullptr) std::move(taken)(*error);
    };
  }
  explicit operator bool() const { return end_ != nullptr; }
  void call(const boost::system::error_code& error) { std::exchange(end_, nullptr)(room_.data(), &error); }
  void drop() {
    if (end_ != nullptr) std::exchange(end_, nullptr)(room_.data(), nullptr);
  }

 private:
  static constexpr std::size_t kRoom = 64;

  alignas(std::max_align_t) std::array<std::byte, kRoom> room_;
  void (*end_)(void*, const boost::system::error_code*) = nullptr;
};

}  // namespace quoll::net::internal
