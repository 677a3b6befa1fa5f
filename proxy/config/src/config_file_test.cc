#include "quoll/proxy/config/config_file.h"

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
                                "breaker.reset_timeout?"));
  EXPECT_THAT(faults, HasSubstr("q.yaml:5:3: breaker.buckets is 0; it must be between 1 and 60"));
  EXPECT_THAT(faults, HasSubstr("q.yaml:6:1: listen: 'nowhere' is not an address"));
}

TEST(Config, RepeatedAndMisshapenEntriesAreFaults) {
  EXPECT_THAT(faults_of("timeout: 1s\ntimeout: 2s\n"), HasSubstr("is set already in line 1"));
  EXPECT_THAT(faults_of("timeout: [1s]\n"), HasSubstr("q.yaml:1:10: timeout: must be a single value"));
  EXPECT_THAT(faults_of("breaker: 5\n"), HasSubstr("breaker: must hold"));
  EXPECT_THAT(faults_of("- a\n- b\n"), HasSubstr("q.yaml:1:1: the file must be"));
  EXPECT_THAT(faults_of("a: [\n"), HasSubstr("q.yaml:"));
}

TEST(Config, AFileIsOneDocumentOfText) {
  EXPECT_THAT(faults_of("timeout: 1s\n---\ntimeout: 2s\n"), HasSubstr("q.yaml:3:1: this is a second document"));
  EXPECT_EQ(faults_of("---\ntimeout: 1s\n---\n"), "") << "an end is no document";
  EXPECT_THAT(faults_of(std::string("timeout: 1s\nlisten: \0x\n", 23)), HasSubstr("q.yaml:2:9: the byte 0x00"));
  EXPECT_THAT(faults_of("fallback: \"\x1b[31m\"\n"), HasSubstr("q.yaml:1:12: the byte 0x1b"));
  for (const char* bad : {"\x80", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\xff\xfe\x61"}) {
    EXPECT_THAT(faults_of("fallback: a" + std::string(bad) + "\n"), HasSubstr("q.yaml:1:12: the byte 0x")) << bad;
  }
  EXPECT_THAT(faults_of("fallback: /gr\xc3\xbc\xc3\x9f\xe2\x82\xac\xf0\x9f\x90\x88\n"), HasSubstr("No such file"))
      << "but this is UTF-8";
  EXPECT_THAT(faults_of("fallback: \"a\\0b\"\n"), HasSubstr("q.yaml:1:11: fallback: has the control byte 0x00"));
}

// yaml-cpp reads documents without end from these, until no memory is left.
TEST(Config, TextThatNoDocumentBeginsWithIsAFault) {
  EXPECT_EQ(faults_of(","), "q.yaml:1:1: this cannot be here; write 'setting: value' lines");
  for (const char* text : {",", ", a: 1\n", "timeout: 1s\n---\n, b\n", "]", "}", "---\n,\n---\n", "#\n,"}) {
    EXPECT_THAT(faults_of(text), HasSubstr("q.yaml:")) << text;
  }
  EXPECT_EQ(faults_of("---\n---\n---\n"), "") << "empty ones, but an end";
}

// Nor may one of these take long, or all memory, or the stack.
TEST(Config, WhatIsFarTooMuchIsRefusedInFewWords) {
  const std::string million(1U << 20U, 'x');
  for (const std::string& text :
       {"upstream: http://" + million + "\n", "fallback: /" + million + "\n", million + ": 5\n",
        "timeout: " + million + "\n", "breaker: {" + million + ": 1}\n", "listen: " + million + ":80\n",
        "priority_header: " + million + "\n",
        "routes: [{name: " + million + ", path: /" + million + ", host: " + million + "}]\n", std::string(100'000, '['),
        std::string(100'000, '{'), "a: " + std::string(100'000, '[')}) {
    const std::string faults = faults_of(text);
    EXPECT_THAT(faults, HasSubstr("q.yaml:1:")) << text.substr(0, 40);
    EXPECT_LT(faults.size(), 2000U) << text.substr(0, 40);
  }
  EXPECT_THAT(faults_of("upstream: http://" + std::string(300, 'h') + "\n"), HasSubstr("longer than a name can be"));
  std::string bomb = "a: &a [x, x]\n";
  for (char c = 'b'; c < 'z'; ++c) {
    const std::string before = "*" + std::string(1, static_cast<char>(c - 1));
    bomb += std::string(1, c) + ": &" + c + " [" + before + ", " + before + ", " + before + "]\n";
  }
  EXPECT_THAT(faults_of(bomb + "routes: *y\nbreaker: *y\n"), HasSubstr("routes[2]: must hold"));
  std::string many;
  for (int i = 0; i < 100'000; ++i) many += "k" + std::to_string(i) + ": 1\n";
  const std::string faults = faults_of(many);
  EXPECT_LT(faults.size(), 20'000U);
  EXPECT_THAT(faults, HasSubstr("q.yaml: and 99800 more faults"));
  std::string routes = "routes:\n";
  for (int i = 0; i < 4097; ++i) routes += "- {name: r" + std::to_string(i) + ", path: /r" + std::to_string(i) + "}\n";
  EXPECT_THAT(faults_of(routes), HasSubstr("4097 are too many"));
}

TEST(Config, NumbersThatMakeAProxyUselessAreRefused) {
  for (const char* line : {"limits: {fields: 0}",
                           "limits: {fields: 10001}",
                           "limits: {target_bytes: 0}",
                           "limits: {target_bytes: 2MiB}",
                           "limits: {head_bytes: 0}",
                           "limits: {head_bytes: 2GiB}",
                           "max_connections: 0",
                           "workers: 0",
                           "workers: 257",
                           "timeout: 0",
                           "timeout: 2h",
                           "body_gap: 0",
                           "head_timeout: 0",
                           "idle_timeout: 0",
                           "client_gap: 0",
                           "pool_idle: 0",
                           "drain: 2h",
                           "pool_size: 65537",
                           "retries: 11",
                           "concurrency: 0",
                           "priority: 8",
                           "timeout: -1s",
                           "max_connections: -1",
                           "max_connections: 1.5",
                           "workers: 99999999999999999999",
                           "limits: {head_bytes: 99999999999GiB}",
                           "timeout: 99999999999h",
                           "timeout: nan",
                           "timeout: infs",
                           "retry_budget: {minimum_per_second: nan}",
                           "retry_budget: {minimum_per_second: inf}",
                           "retry_budget: {ratio: nan}",
                           "retry_budget: {ratio: inf%}",
                           "adaptive_timeout: {factor: nan}",
                           "adaptive_timeout: {quantile: nan%}",
                           "concurrency_limit: {tolerance: inf}",
                           "breaker: {failure_rate_threshold: nan}",
                           "breaker: {reset_multiplier: inf}",
                           "breaker: {reset_jitter: -nan}",
                           "fallback_methods: ''",
                           "fallback_methods: get",
                           "fallback_methods: 'GET; POST'",
                           "fallback_methods: []",
                           "fallback_methods: [[GET]]",
                           "fallback_methods: {GET: 1}",
                           "pages: yes",
                           "pages: ''",
                           "pages: /",
                           "pages: /q/",
                           "pages: //q",
                           "pages: /q?x",
                           "pages: quoll",
                           "upstream: http://127.0.0.1:3000",
                           "upstream: http://localhost:80\nlisten: :80",
                           "fallback: /tmp",
                           "fallback: /dev/zero",
                           "fallback: /no/such/file"}) {
    EXPECT_THAT(faults_of(std::string(line) + "\n"), HasSubstr("q.yaml:1:")) << line;
  }
}

TEST(Config, FallbackMethodsAndPagesAreReadAndShownAlike) {
  using Methods = std::vector<std::string>;
  const auto methods = [](const std::string& text) {
    const auto read = read_config("fallback_methods: " + text + "\n", "q.yaml");
    return read ? read->fallback_methods : Methods{read.error().message};
  };
  EXPECT_EQ(methods("safe"), (Methods{"GET", "HEAD", "OPTIONS", "TRACE"}));
  EXPECT_EQ(methods("all"), Methods{});
  EXPECT_EQ(methods("POST"), Methods{"POST"});
  EXPECT_EQ(methods("GET, POST PUT"), (Methods{"GET", "POST", "PUT"}));
  EXPECT_EQ(methods("[GET, POST]"), (Methods{"GET", "POST"}));
  const auto read = read_config("pages: /-/quoll\nroutes: [{name: a, path: /a, fallback_methods: all}]\n", "q.yaml");
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->pages, PagesKind::prefix);
  EXPECT_EQ(read->pages_prefix, "/-/quoll");
  EXPECT_EQ(read->fallback_methods.size(), 4U);
  EXPECT_TRUE(read->routes[0].fallback_methods.empty());
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
           "q.yaml:9:26: routes[3].timeout is 0; it must be between 1ms and 1h",
           "q.yaml:9:39: routes[3].upstream: 'ftp://x' is not an upstream",
           "q.yaml:9:68: routes[3].breaker.buckets is 0",
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
    ASSERT_FALSE(refused.has_value()) << name;
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
  EXPECT_THAT(faults, HasSubstr("q.yaml:3:3: adaptive_timeout.factor is 1; it must be between 1.05 and 10"));
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
      "  interval: 10ms\n"
      "  target: 6ms\n");
  EXPECT_THAT(faults, HasSubstr("q.yaml:1:1: admission: on needs stamps: true"));
  EXPECT_THAT(faults, HasSubstr("q.yaml:3:1: priority is 9; it must be between 0 and 7"));
  EXPECT_THAT(faults, HasSubstr("q.yaml:5:3: admission_control.interval is 10ms"));
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
  EXPECT_THAT(faults_of("concurrency: 0\n"), HasSubstr("q.yaml:1:14: concurrency: '0' would let no call through"));
  EXPECT_THAT(faults_of("concurrency: 5000000\n"), HasSubstr("q.yaml:1:1: concurrency_limit.initial is 5000000"));
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
  EXPECT_THAT(faults_of("retries: 11\n"), HasSubstr("q.yaml:1:1: retries is 11; it must be between 0 and 10"));
  EXPECT_THAT(faults_of("retry:\n  base: 2s\n  cap: 1500ms\n"),
              HasSubstr("q.yaml:3:3: retry.cap is 1500ms; it must be at least base, which is 2s"));
}

// A file that says what the default is says it all the same.
TEST(Config, TwoSettingsThatContradictEachOtherAreAFaultThoughOneIsTheDefaultsValue) {
  EXPECT_THAT(faults_of("retry: {base: 2s, cap: 1s}\n"), HasSubstr("retry.cap is 1s; it must be at least base"));
  EXPECT_THAT(faults_of("retry: {base: 2s}\n"), "") << "a default follows";
  EXPECT_THAT(faults_of("breaker: {reset_timeout: 10m, reset_timeout_max: 5m}\n"),
              HasSubstr("q.yaml:1:31: breaker.reset_timeout_max is 5m"));
  EXPECT_THAT(faults_of("concurrency: 500\nconcurrency_limit: {maximum: 200}\n"),
              HasSubstr("q.yaml:2:21: concurrency_limit.maximum is 200; it must be at least initial, which is 500"));
  EXPECT_THAT(faults_of("retry: {cap: 1s}\nroutes: [{name: a, path: /a, retry: {base: 2s}}]\n"),
              HasSubstr("q.yaml:2:30: routes[0].retry.cap is 1s; it must be at least base, which is 2s"));
}

TEST(Config, AMisspeltNameIsAnsweredWithTheNearest) {
  EXPECT_THAT(faults_of("breaker: {reset_timout: 5s}\n"), HasSubstr("did you mean breaker.reset_timeout?"));
  EXPECT_THAT(faults_of("reset_timeout: 5s\n"), HasSubstr("did you mean breaker.reset_timeout?"));
  EXPECT_THAT(faults_of("upstraem: http://a\n"), HasSubstr("did you mean upstream?"));
  EXPECT_THAT(faults_of("routes: [{name: a, paht: /a}]\n"), HasSubstr("did you mean path?"));
  EXPECT_THAT(faults_of("retry: {max_attempts: 3}\n"), HasSubstr("retry.max_attempts: there is no such setting"));
}

}  // namespace
}  // namespace quoll::proxy
