// Pages: what the proxy says about itself: /circuit-status, /health, /metrics; and, on the admin port, the controls.
//
// Pages are made on the admin's thread, also those that a client of the main port asks for, so that a scrape of many
// metrics does not hold up requests, and so that they answer while every worker is blocked.
//
// Loop-confined to the admin worker, but for what the data plane calls (OwnPages): that is thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "quoll/net/loop_monitor.h"
#include "quoll/net/worker.h"
#include "quoll/proxy/config/options.h"
#include "quoll/proxy/data/admission_gate.h"
#include "quoll/proxy/data/metrics.h"
#include "quoll/proxy/data/own_pages.h"
#include "quoll/proxy/data/route.h"

namespace quoll::proxy {

class Pages final : public OwnPages {
 public:
  // `home`: the admin worker's executor, where pages are made. The options' pages are not PagesKind::by_listener any
  // more.
  Pages(const ProxyOptions& options, Routes& routes, Metrics& metrics, net::Workers& workers, net::LoopMonitor& monitor,
        const AdmissionGate& admission, net::Executor home);

  // OwnPages. A page's name is the path without ProxyOptions::pages_prefix.
  std::string_view page_of(std::string_view path) const override;
  net::Task<PageAnswer> make(std::string_view method, std::string_view page) override;

  // A page of the main port: GET and HEAD only.
  PageAnswer get(std::string_view method, std::string_view path) const;
  // A page of the admin port: those above, the controls and /config.
  PageAnswer admin(std::string_view method, std::string_view path, std::string_view body);

 private:
  PageAnswer status(std::string_view query) const;
  PageAnswer no_such_circuit() const;
  PageAnswer health() const;
  PageAnswer control(std::string_view method, std::string_view path);
  PageAnswer pressure(std::string_view method, std::string_view body);
  PageAnswer config() const;
  static PageAnswer dashboard(std::string_view path);

  const ProxyOptions& options_;
  Routes& routes_;
  Metrics& metrics_;
  net::Workers& workers_;
  net::LoopMonitor& monitor_;
  const AdmissionGate& admission_;
  const net::Executor home_;
};

}  // namespace quoll::proxy
