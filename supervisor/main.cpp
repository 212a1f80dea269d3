// valkey-reconciler: the program that users start. Reads arguments and configuration, then runs the
// supervisor.

#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "common/config/loading.h"
#include "common/log.h"
#include "common/text.h"
#include "common/uv/handle.h"
#include "supervisor/describe.h"
#include "supervisor/http_server.h"
#include "supervisor/metrics.h"
#include "supervisor/page/page.h"
#include "supervisor/status_document.h"
#include "supervisor/supervisor.h"

namespace {

using namespace reconciler;

struct Arguments {
  std::string config;  // empty: the default
  bool check = false;
};

// The file that is read: the one that was named, else the system's where there is one, else none.
std::optional<std::string> configuration_file(const Arguments& arguments) {
  if (!arguments.config.empty()) return arguments.config;
  const std::string system_file = RECONCILER_SYSCONF_DIR "/valkey-reconciler.toml";
  if (::access(system_file.c_str(), F_OK) == 0) return system_file;
  return std::nullopt;
}

Result<Configuration> load(const Arguments& arguments) {
  return load_configuration(configuration_file(arguments), current_environment(), describe_plugin);
}

int check(const Arguments& arguments) {
  auto configuration = load(arguments);
  if (!configuration) {
    fmt::print(stderr, "{}\n", configuration.error().message());
    return EX_CONFIG;
  }
  fmt::print("{}", to_toml(*configuration));
  for (const std::string& note : configuration->notes)
    fmt::print(stderr, "note: {}\n", printable(note));
  return EX_OK;
}

// Loads anew on a thread of libuv's pool: plugins are asked for their schemas, and no failover
// waits for that.
class Reload {
 public:
  Reload(uv_loop_t* loop, Arguments arguments, std::function<void(Result<Configuration>)> done)
      : loop_(loop), arguments_(std::move(arguments)), done_(std::move(done)) {
    request_.data = this;
  }
  Reload(const Reload&) = delete;
  Reload& operator=(const Reload&) = delete;

  void start() {
    if (running_) {
      again_ = true;
      return;
    }
    running_ = true;
    uv_queue_work(
        loop_, &request_, [](uv_work_t* work) { of(work).result_ = load(of(work).arguments_); },
        [](uv_work_t* work, int) { of(work).finish(); });
  }

  // A thread of libuv's pool is at work for it.
  bool running() const { return running_; }

 private:
  static Reload& of(uv_work_t* work) { return *static_cast<Reload*>(work->data); }

  void finish() {
    running_ = false;
    Result<Configuration> loaded = std::move(*result_);
    result_.reset();
    done_(std::move(loaded));
    if (std::exchange(again_, false)) start();
  }

  uv_loop_t* loop_;
  Arguments arguments_;
  std::function<void(Result<Configuration>)> done_;
  uv_work_t request_{};
  std::optional<Result<Configuration>> result_;
  bool running_ = false;
  bool again_ = false;
};

HttpAnswer readiness(const Status& status) {
  const auto lines = [](const std::vector<std::string>& texts) {
    std::string text;
    for (const std::string& line : texts) text += line + "\n";
    return text;
  };
  const std::vector<std::string> reasons = status.in_the_way();
  if (!reasons.empty()) return {503, "text/plain; charset=utf-8", lines(reasons)};
  return {200, "text/plain; charset=utf-8", "ready\n" + lines(status.degraded())};
}

int serve(const Arguments& arguments) {
  auto configuration = load(arguments);
  if (!configuration) {
    fmt::print(stderr, "{}\n", configuration.error().message());
    return EX_CONFIG;
  }
  log::configure("supervisor", configuration->log.level, configuration->log.format);
  for (const std::string& note : configuration->notes) log::warning(note);
  const std::string listen = configuration->http_listen;

  uv::Loop loop;
  Supervisor supervisor(loop.get(), std::move(*configuration));
  std::unique_ptr<HttpServer> http;
  if (!listen.empty()) {
    HttpServer::Routes routes;
    routes["/healthz"] = [] { return HttpAnswer{200, "text/plain; charset=utf-8", "alive\n"}; };
    routes["/readyz"] = [&] { return readiness(supervisor.status()); };
    routes["/status"] = [&] {
      return HttpAnswer{200, "application/json", status_document(supervisor.state())};
    };
    routes["/metrics"] = [&] {
      return HttpAnswer{200, "text/plain; version=0.0.4; charset=utf-8",
                        metrics(supervisor.state())};
    };
    page::add_routes(routes);
    auto started = HttpServer::start(loop.get(), listen, std::move(routes));
    if (!started) {
      fmt::print(
          stderr,
          "[http] listen (or VALKEY_RECONCILER_HTTP): {}; expected an address and a free port\n",
          started.error().message());
      return EX_CONFIG;
    }
    http = std::move(*started);
  }
  log::info(fmt::format("valkey-reconciler {} starts", RECONCILER_VERSION), {.pid = ::getpid()});

  Reload reload(loop.get(), arguments, [&](Result<Configuration> loaded) {
    if (!loaded) {
      supervisor.reload_refused(loaded.error());
    } else if (loaded->http_listen != listen) {
      supervisor.reload_refused(Error("[http] listen can't be changed without a restart"));
    } else {
      supervisor.reload(std::move(*loaded));
    }
  });
  uv::Signal hangup(loop.get());
  uv::Signal terminate(loop.get());
  uv::Signal interrupt(loop.get());
  hangup.start(SIGHUP, [&] { reload.start(); });
  const auto stop = [&] {
    log::info("stopping");
    supervisor.stop([&] { loop.stop(); });
  };
  terminate.start(SIGTERM, stop);
  interrupt.start(SIGINT, stop);
  supervisor.start();
  loop.run();
  log::info("stopped");
  // A plugin may take its time to describe itself, and nobody waits for that any more.
  if (reload.running()) ::_exit(EX_OK);
  return EX_OK;
}

int run(int argc, char** argv) {
  Arguments arguments;
  CLI::App app{"Moves the label of the Valkey primary to the right pod when Sentinel fails over."};
  app.name("valkey-reconciler");
  app.set_version_flag("--version", "valkey-reconciler " RECONCILER_VERSION);
  app.add_option("--config", arguments.config, "Configuration file (TOML)")->type_name("FILE");
  app.fallthrough();
  app.require_subcommand(0, 1);
  app.add_subcommand("check", "Check the configuration and print what is in effect")->callback([&] {
    arguments.check = true;
  });
  app.footer(
      "Without a file, the environment alone: VALKEY_SENTINEL_HOST and its kin.\n"
      "Signals: TERM and INT stop, HUP checks the configuration anew and swaps it in.\n"
      "Exit status: 0 as asked, 64 wrong usage, 78 wrong configuration.");
  try {
    app.parse(argc, argv);
    return arguments.check ? check(arguments) : serve(arguments);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& wrong) {
    app.exit(wrong);
    return EX_USAGE;
  }
}

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
#if !defined(__SANITIZE_ADDRESS__)  // LeakSanitizer has to attach to the process
  ::prctl(PR_SET_DUMPABLE, 0);      // the environment and the configuration may hold passwords
#endif
  try {
    return run(argc, argv);
  } catch (const std::exception& unexpected) {
    std::fputs("valkey-reconciler: ", stderr);
    std::fputs(unexpected.what(), stderr);
    std::fputc('\n', stderr);
    return EX_SOFTWARE;
  }
}
