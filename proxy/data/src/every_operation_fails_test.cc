// The n-th operation on any stream fails, for each n in the life of a request: whatever breaks, nothing is lost, nobody
// gets what is another's, and only the upstream's failures are held against it.
#include <array>

#include "quoll/net/pause.h"
#include "scripted_plane.h"

namespace quoll::proxy::testing {
namespace {

using std::chrono::seconds;

struct Life {
  const char* name;
  std::string requests;               // sent at once, on one connection
  std::array<std::string, 2> bodies;  // of their answers
  bool slow_upstream = false;         // answers after 10 ms, and takes only some bytes at a time
  std::string first = {};             // what the upstream says to the first request's head
};

// Of a client that holds its body back until it is asked for it.
std::string expectation() {
  return "PUT /one HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3000\r\n\r\n";
}

const std::array kLives = {
    Life{"two GETs", get("/one") + get("/two"), {"/one", "/two"}},
    Life{"a body", post("/one", std::string(3000, 'b')) + get("/two"), {"/one", "/two"}},
    Life{"a slow upstream", post("/one", std::string(3000, 'b')) + get("/two"), {"/one", "/two"}, true},
    Life{"interim answers",
         get("/one") + get("/two"),
         {"/one", "/two"},
         false,
         "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"},
    Life{"an expectation", expectation(), {"/one", "/two"}, false, "HTTP/1.1 100 Continue\r\n\r\n"},
    Life{"an expectation that the upstream knows nothing of", expectation(), {"/one", "/two"}, true},
};

net::Task<void> answer_later(net::Loop& loop, std::shared_ptr<OtherEnd> far, std::string body) {
  co_await net::pause(loop, loop.now() + std::chrono::milliseconds(10));
  far->send(answer(200, body));
}

void answers_slowly(ScriptedPlane& plane, OtherEnd& far) {
  far.room = 1000;
  far.on_received = [&plane](OtherEnd& to) {
    if (to.room == 0) to.take_more(1000);
    const std::string head = take_request(to);
    if (head.empty()) return;
    net::spawn(plane.loop.loop().executor, answer_later(plane.loop.loop(), to.shared_from_this(), path_of(head)));
  };
}

// Says so as soon as the head of a first request has come, and then behaves as before.
void speaks_first(OtherEnd& far, const std::string& what) {
  far.on_received = [what, then = far.on_received](OtherEnd& to) {
    if (to.sent() == 0 && to.received.find("\r\n\r\n") != std::string::npos) to.send(what);
    then(to);
  };
}

// Every answer in `bytes` is whole but the last, which may be cut, and has a body that the life allows for its place.
// How many are whole with status 200.
int check_answers(const std::string& bytes, const Life& life) {
  int good = 0;
  std::string_view rest = bytes;
  for (std::size_t nth = 0; !rest.empty(); ++nth) {
    if (nth >= life.bodies.size()) {
      ADD_FAILURE() << "more answers than requests: " << bytes;
      return good;
    }
    const std::size_t end = rest.find("\r\n\r\n");
    if (end == rest.npos) return good;
    const std::string head(rest.substr(0, end));
    if (head.starts_with("HTTP/1.1 1")) {
      rest.remove_prefix(end + 4);
      --nth;
      continue;
    }
    const std::size_t length = std::stoul(head.substr(head.find("Content-Length: ") + 16));
    rest.remove_prefix(end + 4);
    if (rest.size() < length) return good;
    const std::string_view body = rest.substr(0, length);
    rest.remove_prefix(length);
    if (head.starts_with("HTTP/1.1 200")) {
      EXPECT_EQ(body, life.bodies[nth]);
      ++good;
    } else {
      EXPECT_TRUE(head.starts_with("HTTP/1.1 50") || head.starts_with("HTTP/1.1 408")) << head;
      EXPECT_NE(head.find("Proxy-Status: quoll"), head.npos) << head;
    }
  }
  return good;
}

// False when there were fewer than n operations.
bool live(const Life& life, int n, int connect_fault) {
  FailNth faults(n);
  ScriptedPlane plane([](ProxyOptions& o) { o.policies.concurrency = true; }, &faults);
  plane.upstream.fault = connect_fault;
  bool over = false;
  plane.upstream.on_connect = [&](OtherEnd& far, int) {
    life.slow_upstream ? answers_slowly(plane, far) : answers_its_path(far);
    if (!life.first.empty() && !over) speaks_first(far, life.first);
  };
  OtherEnd& client = plane.client();
  const bool holds = life.requests == expectation();
  if (holds) {
    client.on_received = [](OtherEnd& to) {
      if (!to.received.starts_with("HTTP/1.1 100") || to.sent() > 1) return;
      to.send(std::string(3000, 'b') + get("/two"));
    };
  }
  client.send(life.requests);
  plane.loop.advance(seconds(2));
  client.end();
  plane.loop.advance(seconds(120));
  std::size_t answered = 0;  // by the upstream
  for (const auto& far : plane.upstream.made) answered += far->sent();

  const std::string failed = faults.failed().empty() ? "nothing" : faults.failed();
  SCOPED_TRACE(std::string(life.name) + ", operation " + std::to_string(n) + ": " + failed);
  const int good = check_answers(client.received, life);
  if (faults.failed().empty()) {
    EXPECT_EQ(good, 2);
  }
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(plane.connections(), 0U);
  EXPECT_TRUE(plane.state().open.empty());

  // Whose doing it was: a client's stream that breaks says nothing of the upstream, nor does our own lack of a port.
  EXPECT_EQ(plane.circuit().limit()->snapshot().in_flight, 0U);
  const bool upstreams = failed.starts_with("upstream") || (failed == "connect" && connect_fault == ECONNREFUSED);
  if (!upstreams) {
    EXPECT_EQ(plane.event(Event::failure), 0U);
    EXPECT_EQ(plane.event(Event::timeout), 0U);
  }
  EXPECT_LE(plane.event(Event::failure) + plane.event(Event::timeout), 1U);
  EXPECT_LE(plane.event(Event::success), answered);

  // And life goes on.
  faults.disarm();
  over = true;
  OtherEnd& next = plane.ask(get("/next"), false);
  plane.loop.advance(seconds(1));
  EXPECT_EQ(next.received.substr(0, 12), "HTTP/1.1 200") << next.received;
  EXPECT_TRUE(next.received.ends_with("/next")) << next.received;
  return !faults.failed().empty();
}

TEST(EveryOperationFails, AndTheRequestEndsWell) {
  for (const Life& life : kLives) {
    for (const int connect_fault : {ECONNREFUSED, EMFILE, EADDRNOTAVAIL}) {
      int n = 0;
      while (live(life, n, connect_fault)) ++n;
      EXPECT_GE(n, 10) << life.name;
      if (HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace quoll::proxy::testing
