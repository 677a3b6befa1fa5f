// What the runs of the smaller experiments say, and where: lines, a JSON object, a report.
//
// Thread-compatible.
#pragma once

#include <boost/json/object.hpp>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "quoll/lab/experiments/model.h"
#include "quoll/lab/experiments/report_html.h"

namespace quoll::lab::experiments {

inline boost::json::object environment_json(const Environment& e) {
  return {{"version", e.version}, {"compiler", e.compiler},         {"kernel", e.kernel},        {"cpu", e.cpu},
          {"cores", e.cores},     {"memory_bytes", e.memory_bytes}, {"started_at", e.started_at}};
}

class RunOutput {
 public:
  // name: as in "quoll lab timeouts". json: where it goes; "-" for standard output, and all else to standard error.
  RunOutput(std::string name, const std::string& json)
      : name_(std::move(name)), json_(json), out_(json == "-" ? stderr : stdout) {}

  void line(const std::string& text) {
    std::fprintf(out_, "%s\n", text.c_str());
    std::fflush(out_);
  }
  void lines(const std::vector<std::string>& all) {
    for (const std::string& one : all) line(one);
  }
  void fault(const std::string& text) { std::fprintf(stderr, "%s: %s\n", name_.c_str(), text.c_str()); }

  // True when everything that was asked for has been written. report: empty for none.
  bool save(const std::string& report, const std::string& page, const std::string& json) {
    bool good = report.empty() || write(report, page, "Report");
    if (json_ == "-") {
      std::printf("%s\n", json.c_str());
    } else if (!json_.empty()) {
      good = write(json_, json + "\n", "JSON") && good;
    }
    return good;
  }

 private:
  bool write(const std::string& path, const std::string& text, const char* what) {
    const Result<void> saved = write_file(path, text);
    if (saved) {
      line(std::string(what) + ": " + path);
    } else {
      fault(saved.error().message);
    }
    return saved.has_value();
  }

  std::string name_;
  std::string json_;
  std::FILE* out_;
};

}  // namespace quoll::lab::experiments
