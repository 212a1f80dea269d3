// valkey-reconciler: the program that users start. Reads arguments, then does what
// they ask for.

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "common/config/loading.h"
#include "common/config/values.h"
#include "common/log.h"
#include "common/text.h"
#include "supervisor/command_line/commands.h"
#include "supervisor/command_line/operate.h"
#include "supervisor/configuration_source.h"
#include "supervisor/control/control_routes.h"
#include "supervisor/control/control_socket.h"
#include "supervisor/live_check/live_check.h"
#include "supervisor/live_check/live_findings.h"
#include "supervisor/once.h"
#include "supervisor/serve.h"

namespace {

using namespace reconciler;

struct Arguments {
  std::string config;  // empty: the default
  bool once = false;
  bool dry_run = false;
  std::optional<Milliseconds> timeout;  // of once, or live
  bool live = false;
  std::optional<std::string> socket;  // of the control socket; none: the default
  std::string group;
  std::string reason;
  bool json = false;
  bool watch = false;
};

ConfigurationSource source_of(const Arguments& arguments) {
  return {arguments.config, arguments.dry_run};
}

int check(const Arguments& arguments) {
  auto configuration = source_of(arguments).load();
  if (!configuration) {
    fmt::print(stderr, "{}\n", configuration.error().message());
    return EX_CONFIG;
  }
  if (!arguments.live) fmt::print("{}", to_toml(*configuration));
  for (const std::string& note : configuration->notes)
    fmt::print(stderr, "note: {}\n", printable(note));
  if (!arguments.live) return EX_OK;
  // What is found is on standard output, and needs no log beside it.
  configuration->log.level = log::Level::error;
  log::configure("supervisor", configuration->log.level, configuration->log.format);
  const std::vector<Finding> findings =
      check_live(std::move(*configuration), arguments.timeout.value_or(10'000));
  command_line::show(findings, arguments.json);
  return exit_status(findings);
}

int once(const Arguments& arguments) {
  auto configuration = source_of(arguments).load();
  if (!configuration) {
    fmt::print(stderr, "{}\n", configuration.error().message());
    return EX_CONFIG;
  }
  begin_log(*configuration);
  return run_once(std::move(*configuration), arguments.timeout.value_or(30'000));
}

int run(int argc, char** argv) {
  Arguments arguments;
  CLI::App app{"Moves the label of the Valkey primary to the right pod when Sentinel fails over."};
  app.name("valkey-reconciler");
  app.set_version_flag("--version", "valkey-reconciler " RECONCILER_VERSION);
  app.add_option("--config", arguments.config, "Configuration file (TOML)")->type_name("FILE");
  app.fallthrough();
  app.require_subcommand(0, 1);
  CLI::Option* once_option =
      app.add_flag("--once", arguments.once,
                   "Make it right, then end: 0, or 75 where that takes longer than --timeout");
  CLI::Option* timeout_option = app.add_option_function<std::string>(
      "--timeout",
      [&](const std::string& text) {
        auto timeout = parse_duration(text);
        if (!timeout) throw CLI::ValidationError("--timeout", timeout.error().message());
        if (*timeout == 0) throw CLI::ValidationError("--timeout", "expected more than 0");
        arguments.timeout = *timeout;
      },
      "How long --once (30s) or a live check (10s) may take");
  timeout_option->type_name("DURATION");
  CLI::Option* dry_run_option = app.add_flag(
      "--dry-run", arguments.dry_run,
      "Change no target, and say what would be; with --once: 0 where that is nothing, else 75");
  app.add_option("--socket", arguments.socket,
                 "Control socket (else $VALKEY_RECONCILER_SOCKET, else in $RUNTIME_DIRECTORY)")
      ->type_name("FILE");
  auto* check_command =
      app.add_subcommand("check", "Check the configuration and print what is in effect");
  CLI::Option* live_option = check_command->add_flag(
      "--live", arguments.live, "Ask Sentinels and targets, too, and write nothing: a line each");
  check_command->add_flag("--json", arguments.json, "Those lines as JSON")->needs(live_option);
  auto* status_command = app.add_subcommand(
      "status", "What the running program knows: groups, targets, problems, processes");
  status_command->add_flag("--json", arguments.json, "The document as it is");
  status_command->add_flag("--watch", arguments.watch, "Again each second, until interrupted");
  auto* explain_command = app.add_subcommand(
      "explain",
      "What each Sentinel says of a group, what was decided and why, what is in the way");
  explain_command->add_flag("--json", arguments.json, "What the watcher answers, as it is");
  auto* pause_command =
      app.add_subcommand("pause", "Have every instance leave a group alone, until it is resumed");
  pause_command->add_option("--reason", arguments.reason, "Why, for people")
      ->check(CLI::Validator(refusal_of_words, "", "words"))
      ->type_name("TEXT");
  auto* resume_command = app.add_subcommand("resume", "Take a paused group up again");
  auto* release_command = app.add_subcommand(
      "release", "Have the targets forget a higher decision of before a rebuild");
  for (auto* command : {explain_command, pause_command, resume_command, release_command}) {
    command->add_option("group", arguments.group, "As Sentinel knows it")
        ->type_name("GROUP")
        ->required();
  }
  for (auto* command : {check_command, status_command, explain_command, pause_command,
                        resume_command, release_command}) {
    command->excludes(once_option);
    command->excludes(dry_run_option);
  }
  app.footer(
      "Without a file, the environment alone: VALKEY_SENTINEL_HOST and its kin.\n"
      "Signals: TERM and INT stop, HUP checks the configuration anew and swaps it in,\n"
      "as a change of its file does.\n"
      "Exit status: 0 as asked, 1 refused (pause, resume, release), 64 wrong usage, 66 no such "
      "group,\n"
      "69 no running program answers (check --live: a Sentinel or a target), 70 a fault of its "
      "own,\n"
      "71 can't listen there, 75 not done in time, 77 a right is missing (check --live),\n"
      "78 wrong configuration.");
  try {
    app.parse(argc, argv);
    if (timeout_option->count() > 0 && !arguments.once && !arguments.live)
      throw CLI::ValidationError("--timeout", "is for --once and check --live");
    if (check_command->parsed()) return check(arguments);
    const std::string socket = control_path(arguments.socket).path;
    if (status_command->parsed())
      return command_line::status(socket, {arguments.json, arguments.watch});
    if (explain_command->parsed())
      return command_line::explain(socket, arguments.group, arguments.json);
    for (const auto* command : {pause_command, resume_command, release_command}) {
      if (!command->parsed()) continue;
      return command_line::order(socket, {command->get_name(), arguments.group, arguments.reason});
    }
    return arguments.once ? once(arguments) : serve(source_of(arguments), arguments.socket);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& wrong) {
    app.exit(wrong);
    return EX_USAGE;
  }
}

// Where one of the three is closed, what is opened next would be taken for it.
void open_standard_descriptors() {
  int descriptor = 0;
  do descriptor = ::open("/dev/null", O_RDWR);
  while (descriptor >= 0 && descriptor <= STDERR_FILENO);
  if (descriptor >= 0) ::close(descriptor);
}

}  // namespace

int main(int argc, char** argv) {
  open_standard_descriptors();
  ::signal(SIGPIPE, SIG_IGN);
#if !defined(__SANITIZE_ADDRESS__)  // LeakSanitizer has to attach to the process
  ::prctl(PR_SET_DUMPABLE, 0);      // the environment and the configuration may hold passwords
#endif
  try {
    return run(argc, argv);
  } catch (const std::exception& unexpected) {
    const auto* failure = dynamic_cast<const std::system_error*>(&unexpected);
    if (failure != nullptr && failure->code() == std::errc::broken_pipe)
      return EX_OK;  // whoever reads what is printed has enough (`| head`)
    std::fputs("valkey-reconciler: ", stderr);
    std::fputs(unexpected.what(), stderr);
    std::fputc('\n', stderr);
    return EX_SOFTWARE;
  }
}
