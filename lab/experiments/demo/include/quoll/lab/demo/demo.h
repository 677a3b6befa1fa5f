// The demo: the whole experiment. Starts backend, proxy, pressure and load as separate processes of this same binary,
// drives the phases, shows what happens while it happens, and reports it.
//
// The lab never links the proxy: all that it knows of it comes over TCP, as any user would see it. The circuit's own
// counters are compared, to the request, with what the load generator saw; any difference makes the run fail.
//
// Thread rule: as harness::Run, see run.h.
#pragma once

#include <cstdint>
#include <string>

#include "quoll/lab/harness/run.h"

namespace quoll::lab::demo {

enum class Ports : std::uint8_t {
  prefer_default,  // 3000, 3001 and 3900 where they are free, any free port otherwise
  only_default,    // or not at all (exit code 2)
};

// `json` is "-" or empty here. `quick`: about 20 s instead of 90, with a shorter window and reset timeout than the
// product's defaults.
struct Options : harness::RunOptions {
  // Draw the live view when standard output is a terminal; otherwise, and when this is off, one plain line a second.
  bool live = true;
  // After the run leave backend and proxy up until Ctrl-C, to be looked at.
  bool keep = false;
  Ports ports = Ports::prefer_default;
  // Calls a second, at random moments as from many independent clients, latency counted from the intended moment.
  // Default 200. 0: `connections` callers that each wait for their answer before they ask again; an open circuit then
  // makes them ask some ten thousand times a second. Range 0 to 100,000.
  unsigned rate = 200;
  // The most calls at a time. Default 200, range 1 to 10,000.
  unsigned connections = 200;
  // The proxy's way to judge timeouts: "arrival" or "timer".
  std::string verdict = "arrival";
};

// The exit code: 0; 1 when a part failed or the circuit's counters, the states or the false openings are not as they
// must be; 2 when a wanted port is taken or an option is bad; 130 when Ctrl-C ended the run.
int run(const Options& options);

}  // namespace quoll::lab::demo
