// Mutex and MutexLock: std::mutex with the annotations that clang's thread-safety analysis checks at compile time.
//
// State behind a lock is declared `int x_ QUOLL_GUARDED_BY(mutex_);`. Never call out (a callback, a log, an allocation
// of unknown size) while one is held.
//
// Thread-safe.
#pragma once

#include <mutex>

#if defined(__clang__)
#define QUOLL_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define QUOLL_THREAD_ANNOTATION(x)
#endif
#define QUOLL_GUARDED_BY(m) QUOLL_THREAD_ANNOTATION(guarded_by(m))
#define QUOLL_REQUIRES(...) QUOLL_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define QUOLL_EXCLUDES(...) QUOLL_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))

namespace quoll {

class QUOLL_THREAD_ANNOTATION(capability("mutex")) Mutex {
 public:
  void lock() QUOLL_THREAD_ANNOTATION(acquire_capability()) { mutex_.lock(); }
  void unlock() QUOLL_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }
  bool try_lock() QUOLL_THREAD_ANNOTATION(try_acquire_capability(true)) { return mutex_.try_lock(); }

 private:
  std::mutex mutex_;
};

class QUOLL_THREAD_ANNOTATION(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) QUOLL_THREAD_ANNOTATION(acquire_capability(mutex)) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() QUOLL_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace quoll
