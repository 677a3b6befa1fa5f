// Worker: one thread that runs one event loop. Workers: all of a program's.
//
// Everything that runs on a worker is loop-confined to it; other threads reach it through `post`. The threads start
// with `start` and end when the work is done or after `stop`. Objects that live on a worker must be gone, or not
// suspended in a Task, before it is destroyed: destroying it destroys the Tasks that still wait.
//
// Thread-safe: post, stop, index. The rest belongs to the thread that built it, or to the loop.
#pragma once

#include <pthread.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "quoll/net/loop.h"

namespace quoll::net {

class Worker {
 public:
  explicit Worker(unsigned index);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  unsigned index() const { return index_; }
  Loop& loop() { return loop_; }
  Executor executor() { return context_.get_executor(); }
  void post(std::function<void()> work) { asio::post(context_, std::move(work)); }

  void start();
  // Instead of a thread: runs what is ready now, on the caller's, and returns how many handlers that were.
  std::size_t poll() { return context_.poll(); }
  // Lets the loop end when nothing is left to do.
  void finish() { guard_.reset(); }
  // Ends the loop now; Tasks that wait are destroyed with the worker, or by destroy_tasks.
  void stop() { context_.stop(); }
  void join();
  // After join: destroys the Tasks that still wait, while what they refer to lives. Nothing can run here afterwards.
  void destroy_tasks() {
    loop_.deadlines.destroy_paused();
    context_.shutdown();
  }
  // The kernel's thread id, 0 until it runs: for /proc/self/task/<id>/schedstat.
  int thread_id() const { return thread_id_.load(std::memory_order_acquire); }

 private:
  const unsigned index_;
  // One thread runs it and touches its sockets, so only the queue that other threads post to needs its lock.
  struct Context : asio::io_context {
    using asio::execution_context::shutdown;
    using asio::io_context::io_context;
  };
  Context context_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};
  asio::executor_work_guard<Executor> guard_{context_.get_executor()};
  Loop loop_{context_.get_executor()};
  std::atomic<int> thread_id_{0};
  std::thread thread_;
};

class Workers {
 public:
  // count >= 1.
  explicit Workers(unsigned count);
  ~Workers();

  std::size_t size() const { return workers_.size(); }
  Worker& operator[](std::size_t i) { return *workers_[i]; }
  void start();
  void stop();
  void join();

 private:
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace quoll::net
