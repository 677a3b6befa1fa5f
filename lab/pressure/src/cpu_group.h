// CpuGroup: a control group with a CPU quota, of version 1 or 2, that gives its processes back when it goes.
//
// Private to this module. Thread-compatible.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "quoll/base/result.h"
#include "quoll/base/time.h"

namespace quoll::lab::pressure {

class CpuGroup {
 public:
  // Finds the hierarchy with the cpu controller and where `pid` is in it. Changes nothing.
  static Result<CpuGroup> find(const std::string& mounts, int pid);
  ~CpuGroup() { (void)restore().has_value(); }
  CpuGroup(CpuGroup&& other) noexcept;
  CpuGroup& operator=(CpuGroup&&) = delete;

  // Makes the group `name` with a quota; nothing is in it yet. When it fails nothing is left behind.
  Result<void> create(const std::string& name, Duration quota, Duration period);
  Result<void> move_in(int pid);
  // Everything in the group goes back to where `pid` was, and the group is removed. A second call does nothing.
  Result<void> restore();

  const std::string& path() const { return group_; }

  // Counts since the group was made.
  struct Throttling {
    std::int64_t periods = 0;
    std::int64_t throttled = 0;  // of those periods
    Duration time{};
  };
  Throttling throttling() const;

 private:
  CpuGroup(int version, std::string root, std::string home);

  int version_;
  std::string root_;   // where the hierarchy is mounted
  std::string home_;   // the group that the process came from
  std::string group_;  // ours; empty before create and after restore
  bool enabled_cpu_ = false;
};

}  // namespace quoll::lab::pressure
