// The one file that knows CLI11.

#include "command.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <optional>
#include <vector>

namespace quoll::apps {

Option& Option::show_default() {
  option_->capture_default_str();
  return *this;
}
Option& Option::show_default(const std::string& text) {
  option_->default_str(text);
  return *this;
}
Option& Option::type(const std::string& name) {
  option_->type_name(name);
  return *this;
}
Option& Option::required() {
  option_->required();
  return *this;
}
Option& Option::repeatable() {
  option_->expected(1)->take_all();
  return *this;
}
Option& Option::positive() {
  option_->check(CLI::PositiveNumber);
  return *this;
}
Option& Option::range(unsigned low, unsigned high) {
  option_->check(CLI::Range(low, high));
  return *this;
}
Option& Option::one_of(std::initializer_list<const char*> words) {
  option_->check(CLI::IsMember(std::vector<std::string>(words.begin(), words.end())));
  return *this;
}

Command Command::subcommand(const std::string& name, const std::string& help) const {
  return {app_->add_subcommand(name, help), run_};
}
void Command::needs_subcommand() const {
  app_->require_subcommand(1);
}
template <typename T>
Option Command::option(const std::string& name, T& into, const std::string& help) const {
  return Option(app_->add_option(name, into, help));
}
template Option Command::option(const std::string&, std::string&, const std::string&) const;
template Option Command::option(const std::string&, double&, const std::string&) const;
template Option Command::option(const std::string&, int&, const std::string&) const;
template Option Command::option(const std::string&, unsigned&, const std::string&) const;
template Option Command::option(const std::string&, std::uint64_t&, const std::string&) const;
template Option Command::option(const std::string&, std::optional<std::string>&, const std::string&) const;
template Option Command::option(const std::string&, std::optional<std::uint64_t>&, const std::string&) const;
template Option Command::option(const std::string&, std::vector<std::string>&, const std::string&) const;

Option Command::option_each(const std::string& name, std::function<void(const std::string&)> given,
                            const std::string& help) const {
  return Option(app_->add_option_function<std::string>(name, given, help));
}
Option Command::flag(const std::string& name, bool& into, const std::string& help) const {
  return Option(app_->add_flag(name, into, help));
}
void Command::footer(const std::string& text) const {
  app_->footer(text);
}
void Command::runs(Run action) const {
  app_->callback([app = app_, run = run_, action = std::move(action)] {
    if (app->get_subcommands().empty()) *run = action;
  });
}
std::string Command::as_given(std::string_view but) const {
  std::string out = app_->get_name();
  for (const CLI::Option* option : app_->get_options()) {
    if (option->count() == 0 || option->get_lnames().empty() || option->get_lnames().front() == but) continue;
    out += " --" + option->get_lnames().front();
    if (option->get_items_expected_max() > 0) out += " " + option->as<std::string>();
  }
  return out;
}

Program::Program(const std::string& about, const std::string& version) : app_(std::make_unique<CLI::App>(about)) {
  app_->set_version_flag("--version", version);
  app_->require_subcommand(1);
}
Program::~Program() = default;

int Program::run(int argc, char** argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app_->exit(success);
  } catch (const CLI::ParseError& error) {
    app_->exit(error, std::cout, std::cerr);
    return 2;
  }
  return run_ ? run_() : 0;
}

}  // namespace quoll::apps
