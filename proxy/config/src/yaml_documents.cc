#include "yaml_documents.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/parser.h>

#include <sstream>

namespace quoll::proxy {
namespace {

// Remembers the first event of each document.
class Starts : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    at_ = mark;
    fresh_ = true;
  }
  void OnDocumentEnd() override { ++ended_; }
  void OnNull(const YAML::Mark& /*mark*/, YAML::anchor_t /*anchor*/) override { fresh_ = false; }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override { note(mark); }
  void OnScalar(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                const std::string& /*value*/) override {
    note(mark);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                       YAML::EmitterStyle::value /*style*/) override {
    note(mark);
  }
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                  YAML::EmitterStyle::value /*style*/) override {
    note(mark);
  }
  void OnMapEnd() override {}

  const YAML::Mark& at() const { return at_; }
  YamlDocuments take() { return std::move(found_); }

 private:
  void note(const YAML::Mark& mark) {
    if (!fresh_) return;
    fresh_ = false;
    if (ended_ == 0) found_.first_is_empty = false;
    found_.begins.push_back(mark);
  }

  YamlDocuments found_;
  YAML::Mark at_;
  bool fresh_ = false;
  std::size_t ended_ = 0;
};

}  // namespace

YamlDocuments find_documents(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  Starts starts;
  int before = -1;
  while (parser.HandleNextDocument(starts)) {
    if (starts.at().pos == before) {
      YamlDocuments found = starts.take();
      found.stuck = true;
      found.stuck_at = starts.at();
      return found;
    }
    before = starts.at().pos;
  }
  return starts.take();
}

}  // namespace quoll::proxy
