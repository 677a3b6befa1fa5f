#include "quoll/net/http_client.h"

#include <fcntl.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <optional>

#include "quoll/base/fd.h"
#include "quoll/net/endpoint.h"

namespace quoll::net {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;
using Request = http::request<http::string_body>;

constexpr std::uint32_t kMostHeadBytes = 64U << 10U;

// One exchange on one connection, on a loop of its own. `url` begins every message.
class Exchange {
 public:
  Exchange(std::string url, const HttpClientOptions& options) : url_(std::move(url)), options_(options) {}

  Result<HttpAnswer> run(const std::vector<TcpEndpoint>& endpoints, Request request) {
    request_ = std::move(request);
    arm();
    asio::async_connect(socket_, endpoints, [this](error_code error, const TcpEndpoint&) {
      if (error) return finish("connect", error, "no connection in time");
      http::async_write(socket_, request_, [this](error_code failed, std::size_t) {
        if (failed) return finish("connect", failed, "the request could not be sent in time");
        read_answer();
      });
    });
    context_.run();
    if (error_) return *error_;
    return std::move(answer_);
  }

 private:
  // The deadline and the stop close the socket, which ends every operation on it.
  void arm() {
    timer_.expires_after(options_.timeout);
    timer_.async_wait([this](error_code error) {
      if (!error) interrupt("timeout");
    });
    if (options_.stop == nullptr || options_.stop->fd() < 0) return;
    Fd copy(::fcntl(options_.stop->fd(), F_DUPFD_CLOEXEC, 0));
    error_code error;
    stop_.assign(copy.get(), error);
    if (error) return;
    copy.release();
    stop_.async_wait(asio::posix::stream_descriptor::wait_read, [this](error_code failed) {
      if (!failed) interrupt("stopped");
    });
  }
  void interrupt(const char* code) {
    interrupted_ = code;
    disarm();
    error_code ignored;
    socket_.close(ignored);
  }
  void disarm() {
    timer_.cancel();
    error_code ignored;
    if (stop_.is_open()) stop_.cancel(ignored);
  }

  // Of interim answers (1xx) the next one is read.
  void read_answer() {
    parser_.emplace();
    parser_->header_limit(kMostHeadBytes);
    parser_->body_limit(options_.most_bytes);
    http::async_read(socket_, buffer_, *parser_, [this](error_code error, std::size_t) {
      if (error) {
        const bool ours = error.category() == http::make_error_code(http::error::end_of_stream).category();
        return finish(ours ? "protocol" : "connect", error, "no whole answer in time");
      }
      if (parser_->get().result_int() / 100 == 1) return read_answer();
      answer_ = {parser_->get().result_int(), std::move(parser_->get().body())};
      disarm();
    });
  }

  void finish(const char* code, error_code error, const char* late) {
    const std::string_view interrupted(interrupted_);
    if (interrupted == "timeout") {
      error_ = Error{url_ + ": " + late, "timeout"};
    } else if (interrupted == "stopped") {
      error_ = Error{url_ + ": stopped", "stopped"};
    } else {
      error_ = Error{url_ + ": " + error.message(), code};
    }
    disarm();
  }

  const std::string url_;
  const HttpClientOptions& options_;
  asio::io_context context_{1};
  asio::ip::tcp::socket socket_{context_};
  asio::steady_timer timer_{context_};
  asio::posix::stream_descriptor stop_{context_};
  Request request_;
  boost::beast::flat_buffer buffer_;
  std::optional<http::response_parser<http::string_body>> parser_;
  HttpAnswer answer_;
  std::optional<Error> error_;
  const char* interrupted_ = "";
};

std::string authority(const std::string& host, std::uint16_t port) {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace

HttpClient::HttpClient(std::string host, std::uint16_t port, HttpClientOptions options)
    : host_(std::move(host)), port_(port), options_(options) {}

std::string HttpClient::url(std::string_view path) const {
  return "http://" + authority(host_, port_) + std::string(path);
}

Result<HttpAnswer> HttpClient::get(std::string_view path) const {
  return exchange("GET", path, {});
}

Result<HttpAnswer> HttpClient::post(std::string_view path, std::string_view json) const {
  return exchange("POST", path, json);
}

Result<std::string> HttpClient::get_ok(std::string_view path) const {
  Result<HttpAnswer> answer = get(path);
  if (!answer) return answer.error();
  if (answer->status == 200) return std::move(answer->body);
  return Error{"GET " + url(path) + ": answered " + std::to_string(answer->status) + ": " + answer->body.substr(0, 200),
               "status"};
}

Result<HttpAnswer> HttpClient::exchange(const char* method, std::string_view path, std::string_view body) const {
  const auto endpoints = resolve({host_, port_});
  if (!endpoints) return Error{std::string(method) + " " + url(path) + ": " + endpoints.error().message, "resolve"};
  Request request;
  request.method_string(method);
  request.target(path);
  request.version(11);
  request.set(http::field::host, authority(host_, port_));
  request.set(http::field::connection, "close");
  request.body() = body;
  if (!body.empty()) request.set(http::field::content_type, "application/json");
  if (request.method() != http::verb::get) request.prepare_payload();
  return Exchange(std::string(method) + " " + url(path), options_).run(*endpoints, std::move(request));
}

}  // namespace quoll::net
