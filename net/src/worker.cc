#include "quoll/net/worker.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "quoll/base/assert.h"

namespace quoll::net {

Worker::Worker(unsigned index) : index_(index) {}

Worker::~Worker() {
  stop();
  join();
}

void Worker::start() {
  QUOLL_ASSERT(!thread_.joinable());
  thread_ = std::thread([this] {
    const std::string name = "worker-" + std::to_string(index_);
    ::pthread_setname_np(::pthread_self(), name.c_str());
    thread_id_.store(static_cast<int>(::syscall(SYS_gettid)), std::memory_order_release);
    context_.run();
  });
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

Workers::Workers(unsigned count) {
  QUOLL_ASSERT(count >= 1);
  for (unsigned i = 0; i < count; ++i) workers_.push_back(std::make_unique<Worker>(i));
}

Workers::~Workers() {
  stop();
  join();
}

void Workers::start() {
  for (auto& worker : workers_) worker->start();
}

void Workers::stop() {
  for (auto& worker : workers_) worker->stop();
}

void Workers::join() {
  for (auto& worker : workers_) worker->join();
}

}  // namespace quoll::net
