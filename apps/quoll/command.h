// Command and Option: the command line as a subcommand sees it. CLI11 stands behind them, in command.cc alone: its
// headers and templates cost more to compile than a subcommand does, and ten files paid for them.
//
// Both are handles: copies speak of the same command, and live as long as the Program. What an option is given is
// stored through the reference passed to option() or flag(), which must outlive Program::run(); subcommands keep it in
// a shared_ptr that their action holds. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace quoll::apps {

// The action of a command that was chosen; returns the exit code: 0 success, 1 the run found what it should report as
// failure, 2 bad usage or configuration.
using Run = std::function<int()>;

class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}

  Option& show_default();                         // the value that it writes to has now, in --help
  Option& show_default(const std::string& text);  // as typed
  Option& type(const std::string& name);          // in --help, instead of TEXT and the like
  Option& required();
  Option& repeatable();  // one value each time; with a vector
  // Other values end with a message and exit code 2.
  Option& positive();
  Option& range(unsigned low, unsigned high);
  Option& one_of(std::initializer_list<const char*> words);

 private:
  CLI::Option* option_;
};

class Command {
 public:
  Command(CLI::App* app, Run* run) : app_(app), run_(run) {}

  Command subcommand(const std::string& name, const std::string& help) const;
  void needs_subcommand() const;
  // `name` as CLI11 reads it: "--rate", "-c,--connections", "url" for a positional. T: std::string, double, int,
  // unsigned, std::uint64_t, std::optional of std::string or std::uint64_t, std::vector of std::string (command.cc
  // lists them; another one does not link).
  template <typename T>
  Option option(const std::string& name, T& into, const std::string& help) const;
  // Calls `given` with the text each time that the option is there.
  Option option_each(const std::string& name, std::function<void(const std::string&)> given,
                     const std::string& help) const;
  Option flag(const std::string& name, bool& into, const std::string& help) const;
  void footer(const std::string& text) const;
  // Sets what to do when the command line ends with this command rather than with one below it.
  void runs(Run action) const;
  // The command with the options it was given, as one could type them: "paradox --quick --requests 5". Leaves out
  // `but`, an option's name without dashes. For actions: the command line has been read.
  std::string as_given(std::string_view but) const;

 private:
  CLI::App* app_;
  Run* run_;
};

// The command line as a whole: the root of all commands.
class Program {
 public:
  Program(const std::string& about, const std::string& version);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  Command root() { return {app_.get(), &run_}; }
  // Reads the command line and runs what it asks for. Returns the exit code; 2 for a line that cannot be read, which
  // has been explained on standard error then.
  int run(int argc, char** argv);

 private:
  std::unique_ptr<CLI::App> app_;
  Run run_;
};

}  // namespace quoll::apps
