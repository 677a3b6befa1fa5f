#include "quoll/proxy/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quoll::proxy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

std::string faults_of(const std::string& text) {
  const auto read = read_config(text, "q.yaml");
  return read ? "" : read.error().message;
}

TEST(Config, EmptyFileIsTheDefaults) {
  const auto read = read_config("", "q.yaml");
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->timeout, milliseconds(500));
  EXPECT_EQ(read->listen, ProxyOptions{}.listen);
}

TEST(Config, SettingsOfEverySectionAreTaken) {
  const auto read = read_config(
      "upstream: http://10.0.0.1:80\n"
      "timeout: 250ms\n"
      "verdict: timer\n"
      "fallback: off\n"
      "breaker:\n"
      "  failure_rate_threshold: 25%\n"
      "  window_kind: count\n"
      "  reset_timeout: 2s\n"
      "limits:\n"
      "  head_bytes: 32KiB\n",
      "q.yaml");
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->timeout, milliseconds(250));
  EXPECT_EQ(read->verdict, VerdictKind::timer);
  EXPECT_FALSE(read->fallback);
  EXPECT_DOUBLE_EQ(read->breaker.failure_rate_threshold, 0.25);
  EXPECT_EQ(read->breaker.window_kind, core::WindowKind::count);
  EXPECT_EQ(read->breaker.reset_timeout, seconds(2));
  EXPECT_EQ(read->limits.head_bytes, 32U * 1024U);
}

TEST(Config, EveryFaultIsReportedWithItsPlace) {
  const std::string faults = faults_of(
      "timeout: soon\n"
      "workers: -1\n"
      "breaker:\n"
      "  reset_timeot: 5s\n"
      "  buckets: 0\n"
      "listen: nowhere\n");
  EXPECT_THAT(faults, HasSubstr("q.yaml:1:10: timeout:"));
  EXPECT_THAT(faults, HasSubstr("q.yaml:2:10: workers: '-1' is not a whole number"));
  EXPECT_THAT(faults, HasSubstr("q.yaml:4:3: breaker.reset_timeot: there is no such setting; did you mean "
                                "breaker.reset_time"));
  EXPECT_THAT(faults, HasSubstr("q.yaml:5:3: breaker: buckets is 0"));
  EXPECT_THAT(faults, HasSubstr("q.yaml:6:1: listen: 'nowhere' is not an address"));
}

TEST(Config, RepeatedAndMisshapenEntriesAreFaults) {
  EXPECT_THAT(faults_of("timeout: 1s\ntimeout: 2s\n"), HasSubstr("is set already in line 1"));
  EXPECT_THAT(faults_of("timeout: [1s]\n"), HasSubstr("q.yaml:1:10: timeout: must be a single value"));
  EXPECT_THAT(faults_of("breaker: 5\n"), HasSubstr("breaker: must hold"));
  EXPECT_THAT(faults_of("- a\n- b\n"), HasSubstr("q.yaml:1:1: the file must be"));
  EXPECT_THAT(faults_of("a: [\n"), HasSubstr("q.yaml:"));
}

TEST(Config, ARouteHasWhatTheFileSaysUnlessItSaysOtherwise) {
  const auto read = read_config(
      "routes:\n"
      "  - name: orders\n"
      "    path: /orders/\n"
      "    upstream: http://10.0.0.2\n"
      "    breaker:\n"
      "      reset_timeout: 2s\n"
      "  - name: shop\n"
      "    host: Shop.Example\n"
      "    timeout: 1s\n"
      "    fallback: off\n"
      "upstream: http://10.0.0.1\n"
      "timeout: 250ms\n"
      "breaker: {minimum_volume: 9}\n",
      "q.yaml");
  ASSERT_TRUE(read.has_value()) << read.error().message;
  ASSERT_EQ(read->routes.size(), 2U);
  const RouteOptions& orders = read->routes[0];
  EXPECT_EQ(orders.name, "orders");
  EXPECT_EQ(orders.path, "/orders/");
  EXPECT_EQ(orders.upstream, "http://10.0.0.2");
  EXPECT_EQ(orders.timeout, milliseconds(250)) << "though it stands below";
  EXPECT_EQ(orders.breaker.reset_timeout, seconds(2));
  EXPECT_EQ(orders.breaker.minimum_volume, 9U);
  const RouteOptions& shop = read->routes[1];
  EXPECT_EQ(shop.path, "/");
  EXPECT_EQ(shop.upstream, "http://10.0.0.1");
  EXPECT_EQ(shop.timeout, seconds(1));
  EXPECT_FALSE(shop.fallback);
  EXPECT_TRUE(read->fallback);
}

TEST(Config, AFlagIsForEveryRouteWithoutASettingOfItsOwn) {
  auto read = read_config("routes: [{name: a, path: /a}, {name: b, path: /b, timeout: 1s}]\n", "q.yaml");
  ASSERT_TRUE(read.has_value()) << read.error().message;
  ASSERT_TRUE(apply_setting(*read, "timeout", "3s").has_value());
  EXPECT_EQ(read->timeout, seconds(3));
  EXPECT_EQ(read->routes[0].timeout, seconds(3));
  EXPECT_EQ(read->routes[1].timeout, seconds(1));
}

TEST(Config, EveryFaultOfARouteIsReportedWithItsPlace) {
  const std::string faults = faults_of(
      "routes:\n"
      "  - name: Orders\n"
      "    path: orders\n"
      "    host: shop:80\n"
      "  - path: /a\n"
      "    workers: 3\n"
      "    timeot: 1s\n"
      "  - name: default\n"
      "  - {name: c, path: /a/, timeout: 0s, upstream: ftp://x, breaker: {buckets: 0}}\n"
      "  - {name: c, path: /%7ea/../b}\n"
      "  - {name: d, path: /a//b}\n"
      "  - {name: e, path: \"/a?b\"}\n"
      "  - {name: f, path: \"/%f\"}\n"
      "  - 7\n");
  for (const char* expected : {
           "q.yaml:2:5: routes[0].name: 'Orders' is not a name",
           "q.yaml:3:5: routes[0].path: 'orders' is not a path",
           "q.yaml:4:5: routes[0].host: 'shop:80' is not a host",
           "q.yaml:5:5: routes[1]: has no name",
           "q.yaml:6:5: routes[1].workers: is the whole proxy's",
           "q.yaml:7:5: routes[1].timeot: there is no such setting; did you mean timeout?",
           "q.yaml:8:5: routes[2]: has neither a path nor a host",
           "q.yaml:8:5: routes[2].name: 'default' is the route that takes what no other takes",
           "q.yaml:9:15: routes[3].path: another route takes '/a/' already",
           "q.yaml:9:26: routes[3].timeout: 0",
           "q.yaml:9:39: routes[3].upstream: 'ftp://x' is not an upstream",
           "routes[3].breaker: buckets is 0",
           "q.yaml:10:6: routes[4].name: 'c' is another route's name already",
           "q.yaml:10:15: routes[4].path: '/%7ea/../b' would never match: write /b",
           "routes[5].path: '/a//b' has an empty segment",
           "routes[6].path: '/a?b' has characters",
           "routes[7].path: '/%f' has a broken escape",
           "q.yaml:14:5: routes[8]: must hold",
       }) {
    EXPECT_THAT(faults, HasSubstr(expected));
  }
}

TEST(Config, AFaultOfTheWholeProxyIsToldOnce) {
  const std::string faults = faults_of("timeout: 0s\nroutes: [{name: a, path: /a}, {name: b, path: /b}]\n");
  EXPECT_EQ(std::count(faults.begin(), faults.end(), '\n'), 0) << faults;
  EXPECT_THAT(faults_of("routes: {a: b}\n"), HasSubstr("q.yaml:1:9: routes: must be a list"));
  EXPECT_THAT(faults_of("routes: [{name: a, path: /a, name: b}]\n"), HasSubstr("is set already in line 1"));
}

TEST(Config, RoutesHaveABound) {
  std::string text = "routes:\n";
  for (std::size_t i = 0; i <= ProxyOptions::kMaxRoutes; ++i) {
    text += "- {name: r" + std::to_string(i) + ", path: /r" + std::to_string(i) + "}\n";
  }
  EXPECT_THAT(faults_of(text), HasSubstr("q.yaml:1:1: routes: 4097 are too many"));
}

TEST(Config, EverySettingRefusesNonsenseByName) {
  for (const std::string& name : setting_names()) {
    ProxyOptions options;
    const auto refused = apply_setting(options, name, "\x01?");
    if (name == "listen" || name == "upstream" || name == "admin" || name == "fallback") continue;  // any text
    EXPECT_FALSE(refused.has_value()) << name;
    EXPECT_THAT(refused.error().message, HasSubstr(name));
  }
}

TEST(Config, ATimeoutCanBeLearned) {
  const auto read = read_config(
      "timeout: adaptive\n"
      "propagate_deadline: true\n"
      "adaptive_timeout:\n"
      "  quantile: 95%\n"
      "  factor: 2\n"
      "  floor: 20ms\n"
      "  ceiling: 2s\n",
      "q.yaml");
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->policies.timeout, TimeoutKind::adaptive);
  EXPECT_TRUE(read->policies.propagate_deadline);
  EXPECT_DOUBLE_EQ(read->policies.adaptive_timeout.quantile, 0.95);
  EXPECT_DOUBLE_EQ(read->policies.adaptive_timeout.factor, 2);
  EXPECT_EQ(read->policies.adaptive_timeout.floor, milliseconds(20));
  EXPECT_EQ(read->policies.adaptive_timeout.ceiling, seconds(2));
}

TEST(Config, FaultsOfAnAdaptiveTimeoutAreReported) {
  const std::string faults = faults_of(
      "timeout: adaptiv\n"
      "adaptive_timeout:\n"
      "  factor: 1\n"
      "  quantil: 0.9\n");
  EXPECT_THAT(faults, HasSubstr("q.yaml:1:10: timeout: "));
  EXPECT_THAT(faults, HasSubstr("or write adaptive"));
  EXPECT_THAT(faults, HasSubstr("q.yaml:3:3: adaptive_timeout: factor is 1"));
  EXPECT_THAT(faults, HasSubstr("did you mean adaptive_timeout.quantile?"));
}

TEST(Config, AdmissionIsTakenAndItsFaultsAreReported) {
  const auto read = read_config(
      "admission: on\n"
      "priority: 2\n"
      "priority_header: X-Priority\n"
      "admission_control:\n"
      "  target: 10ms\n"
      "  max_delay: 2s\n"
      "  fair: false\n",
      "q.yaml");
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_TRUE(read->admission);
  EXPECT_EQ(read->policies.priority, 2U);
  EXPECT_EQ(read->priority_header, "X-Priority");
  EXPECT_EQ(read->admission_control.target, milliseconds(10));
  EXPECT_FALSE(read->admission_control.fair);

  const std::string faults = faults_of(
      "admission: on\n"
      "stamps: false\n"
      "priority: 9\n"
      "admission_control:\n"
      "  interval: 10ms\n");
  EXPECT_THAT(faults, HasSubstr("q.yaml:1:1: admission: on needs stamps: true"));
  EXPECT_THAT(faults, HasSubstr("q.yaml:3:1: priority: 9 is out of range"));
  EXPECT_THAT(faults, HasSubstr("q.yaml:5:3: admission_control: interval is 10ms"));
}

TEST(Config, AConcurrencyLimitIsANumberOrAnAlgorithm) {
  auto read = read_config("concurrency: 500\n", "q.yaml");
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_TRUE(read->policies.concurrency);
  EXPECT_EQ(read->policies.concurrency_limit.algorithm, core::LimitAlgorithm::fixed);
  EXPECT_EQ(read->policies.concurrency_limit.initial, 500U);

  read = read_config("concurrency: vegas\nconcurrency_limit:\n  minimum: 2\n  maximum: 50\n", "q.yaml");
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->policies.concurrency_limit.algorithm, core::LimitAlgorithm::vegas);
  EXPECT_EQ(read->policies.concurrency_limit.maximum, 50U);

  EXPECT_FALSE(read_config("concurrency: off\n", "q.yaml")->policies.concurrency);
  EXPECT_THAT(faults_of("concurrency: many\n"), HasSubstr("gradient2, vegas, aimd, off, or a number"));
  EXPECT_THAT(faults_of("concurrency: 0\n"), HasSubstr("concurrency_limit: minimum is 0"));
}

TEST(Config, RetriesAndTheirBudgetAreTaken) {
  const auto read = read_config(
      "retries: 2\n"
      "retry:\n"
      "  base: 10ms\n"
      "  max_retry_after: 3s\n"
      "retry_budget:\n"
      "  ratio: 10%\n"
      "  capacity: 50\n",
      "q.yaml");
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->policies.retries, 2U);
  EXPECT_EQ(read->policies.retry.base, milliseconds(10));
  EXPECT_EQ(read->policies.retry.max_retry_after, seconds(3));
  EXPECT_DOUBLE_EQ(read->policies.retry_budget.ratio, 0.1);
  EXPECT_DOUBLE_EQ(read->policies.retry_budget.capacity, 50);
  EXPECT_THAT(faults_of("retries: 11\n"), HasSubstr("q.yaml:1:1: retries: 11 is out of range"));
  EXPECT_THAT(faults_of("retry:\n  base: 2s\n"), HasSubstr("retry: cap is"));
}

}  // namespace
}  // namespace quoll::proxy
