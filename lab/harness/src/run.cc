#include "quoll/lab/harness/run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "quoll/base/file.h"
#include "quoll/base/rng.h"

namespace quoll::lab::harness {

std::uint64_t seed_of(const RunOptions& options) {
  return options.seed != 0 ? options.seed : random_seed() % 1'000'000 + 1;
}

std::string claim_line(const Claim& claim) {
  return (claim.pass ? "PASS  " : "FAIL  ") + claim.text;
}

Scratch::Scratch() {
  std::string name = (std::filesystem::temp_directory_path() / "quoll-lab-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) return;
  path_ = std::move(name);
  // Another user's process, such as nginx's worker when we are root, may have to read in it.
  std::error_code error;
  std::filesystem::permissions(path_, std::filesystem::perms(0755), error);
}

Scratch::~Scratch() {
  std::error_code error;
  if (!path_.empty()) std::filesystem::remove_all(path_, error);
}

Run::Run(const std::string& name, const RunOptions& options, Record& record)
    : name_("quoll lab " + name),
      options_(options),
      record_(record),
      out_(options.json == "-" ? stderr : stdout),
      signals_(stop_),
      context_{.program = options.program, .scratch = scratch_.path(), .seed = seed_of(options), .stop = stop_} {
  record_.environment = read_environment();
  record_.seed = context_.seed;
  record_.command = options.command;
}

bool Run::ready() const {
  if (!scratch_.path().empty()) return true;
  fault("cannot make a folder in " + std::filesystem::temp_directory_path().string());
  return false;
}

void Run::line(const std::string& text) {
  fmt::print(out_, "{}\n", text);
  std::fflush(out_);
}

void Run::lines(const std::vector<std::string>& all) {
  for (const std::string& one : all) line(one);
}

void Run::claims(const std::vector<Claim>& all) {
  for (const Claim& claim : all) line(claim_line(claim));
}

void Run::progress(std::string_view text) {
  if (::isatty(::fileno(out_)) == 0) return;
  fmt::print(out_, "{}\r", text);
  std::fflush(out_);
}

bool Run::failed(const std::string& cell, const Error& error) {
  if (error.code == "stopped") {
    record_.interrupted = true;
    return false;
  }
  record_.problems.push_back(cell + ": " + error.message);
  line("  FAIL  " + record_.problems.back());
  return true;
}

int Run::finish(bool ok, const std::string& json, const std::string& page) {
  bool written = save(options_.report, page, "Report");
  if (options_.json == "-") {
    fmt::print("{}\n", json);
  } else {
    written = save(options_.json, json + "\n", "JSON") && written;
  }
  line(fmt::format("Repeat with --seed {}.", record_.seed));
  if (record_.interrupted) return 130;
  return ok && written ? 0 : 1;
}

bool Run::save(const std::string& path, const std::string& text, const char* what) {
  if (path.empty()) return true;
  const Result<void> saved = write_file(path, text);
  if (saved) {
    line(std::string(what) + ": " + path);
  } else {
    fault(saved.error().message);
  }
  return saved.has_value();
}

void Run::fault(const std::string& text) const {
  fmt::print(stderr, "{}: {}\n", name_, text);
}

}  // namespace quoll::lab::harness
