// Buffer: contiguous bytes with a read end and a write end, that grows to a limit and never shrinks.
//
// Growing and compacting move the bytes, so views into it are valid only until then. Loop-confined.
#pragma once

#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace quoll::proxy {

class Buffer {
 public:
  std::span<const char> readable() const { return {data_.get() + begin_, end_ - begin_}; }
  std::string_view view() const { return {data_.get() + begin_, end_ - begin_}; }
  bool empty() const { return begin_ == end_; }
  void consume(std::size_t n) { begin_ += n; }
  void clear() { begin_ = end_ = 0; }

  std::span<char> writable() { return {data_.get() + end_, capacity_ - end_}; }
  void commit(std::size_t n) { end_ += n; }
  std::size_t capacity() const { return capacity_; }

  // Makes room for at least one more byte, up to `limit` bytes in all; false when it is full. The bytes may move.
  bool make_room(std::size_t first, std::size_t limit) {
    if (begin_ > 0) {
      std::memmove(data_.get(), data_.get() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (end_ < capacity_) return true;
    if (capacity_ >= limit) return false;
    reserve(std::min(limit, capacity_ == 0 ? first : capacity_ * 2));
    return true;
  }
  // At least so many bytes of room in all.
  void reserve(std::size_t capacity) {
    if (capacity <= capacity_) return;
    auto bigger = std::make_unique_for_overwrite<char[]>(capacity);
    if (end_ > begin_) std::memcpy(bigger.get(), data_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    data_ = std::move(bigger);
    capacity_ = capacity;
  }
  // Appends; the bytes may move.
  void append(std::span<const char> bytes) {
    reserve(end_ - begin_ + bytes.size());
    if (end_ + bytes.size() > capacity_) make_room(0, capacity_);
    std::memcpy(data_.get() + end_, bytes.data(), bytes.size());
    end_ += bytes.size();
  }

 private:
  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace quoll::proxy
