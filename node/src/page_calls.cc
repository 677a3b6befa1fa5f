// The functions by which JavaScript starts and stops the page server, and gives its loop's signs of life.
#include "env_state.h"
#include "js.h"

namespace quoll::node {

namespace {

EnvState* state_of(const Arguments& arguments) {
  return static_cast<EnvState*>(arguments.data());
}

// servePages(host, port) -> the port.
napi_value serve_pages(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  std::string host;
  std::int64_t port = 0;
  if (!arguments.text(0, "host", host) || !arguments.integer(1, "port", 0, 65535, port)) return nullptr;
  EnvState* state = state_of(arguments);
  if (state->server != nullptr) {
    napi_throw_error(env, "ERR_SERVER_ALREADY_LISTEN", "quoll: the pages are served already");
    return nullptr;
  }
  auto server = PageServer::start(state->pages, host, static_cast<std::uint16_t>(port));
  if (!server) {
    napi_throw_error(env, "ERR_QUOLL_PAGES", ("quoll: " + server.error().message).c_str());
    return nullptr;
  }
  state->server = std::move(*server);
  return make(env, static_cast<double>(state->server->port()));
}

napi_value stop_pages(napi_env env, napi_callback_info info) {
  EnvState* state = state_of(Arguments(env, info));
  state->server.reset();
  state->pages->stop_beating();
  return nullptr;
}

// beat(interval): the loop lives, and will say so again within `interval` ms.
napi_value beat(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  double interval = 0;
  if (!arguments.number(0, "interval", interval)) return nullptr;
  state_of(arguments)->pages->beat(to_duration(interval));
  return nullptr;
}

}  // namespace

void define_page_functions(napi_env env, napi_value exports, EnvState* state) {
  const Function functions[] = {{"servePages", serve_pages}, {"stopPages", stop_pages}, {"beat", beat}};
  define(env, exports, state, functions);
}

}  // namespace quoll::node
