// Pages: what the proxy says about itself: /circuit-status, /health, /metrics; and, on the admin port, the controls.
//
// Pages are made on the admin's thread, also those that a client of the main port asks for, so that a scrape of many
// metrics does not hold up requests, and so that they answer while every worker is blocked.
//
// Loop-confined to the admin worker, but for client_page and make_page.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "quoll/net/loop_monitor.h"
#include "session.h"

namespace quoll::proxy {

struct PageAnswer {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::string fields;  // further ones, each ended by CRLF
};

// The page that a path on the clients' port names: the path without ProxyOptions::pages_prefix, its query kept; empty
// when it is none. The pages must not be PagesKind::by_listener any more.
std::string_view client_page(const ProxyOptions& options, std::string_view path);

// Makes one, on the pages' own executor, and comes back to the caller's. Thread-safe.
net::Task<PageAnswer> make_page(const Shared& shared, std::string_view method, std::string_view path);

class Pages {
 public:
  Pages(const ProxyOptions& options, Routes& routes, Metrics& metrics, net::Workers& workers, net::LoopMonitor& monitor,
        const AdmissionGate& admission);

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
};

}  // namespace quoll::proxy
