#include "supervisor/serve.h"

#include <fmt/format.h>
#include <signal.h>
#include <sysexits.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <utility>
#include <vector>

#include "common/log.h"
#include "common/log_repetition.h"
#include "common/uv/handle.h"
#include "supervisor/control/control_routes.h"
#include "supervisor/control/control_server.h"
#include "supervisor/control/control_socket.h"
#include "supervisor/http/http_server.h"
#include "supervisor/page/page.h"
#include "supervisor/reload.h"
#include "supervisor/service_notice.h"
#include "supervisor/status/metrics.h"
#include "supervisor/status/status_document.h"
#include "supervisor/supervisor.h"

namespace reconciler {

namespace {

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

HttpServer::Routes http_routes(Supervisor& supervisor) {
  HttpServer::Routes routes;
  routes["/healthz"] = [] { return HttpAnswer{200, "text/plain; charset=utf-8", "alive\n"}; };
  routes["/readyz"] = [&supervisor] { return readiness(supervisor.status()); };
  routes["/status"] = [&supervisor] {
    return HttpAnswer{200, "application/json", status_document(supervisor.state())};
  };
  routes["/metrics"] = [&supervisor] {
    return HttpAnswer{200, "text/plain; version=0.0.4; charset=utf-8", metrics(supervisor.state())};
  };
  page::add_routes(routes);
  return routes;
}

// Without one the program works as well: that is a line, or, where one was asked for, a problem.
std::unique_ptr<ControlServer> start_control(uv_loop_t* loop,
                                             const std::optional<std::string>& socket,
                                             Supervisor& supervisor) {
  const auto [path, asked_for] = control_path(socket);
  if (path.empty()) return nullptr;
  if (!asked_for && !has_control_folder(path)) {
    log::info(fmt::format("no control socket: the folder of {} can't be used", path));
    return nullptr;
  }
  auto started = ControlServer::start(loop, path, control_routes(supervisor));
  if (started) return std::move(*started);
  log::warning("no control socket", {.error = started.error().message()});
  supervisor.note_problem(
      {{},
       "control-socket",
       ipc::Severity::degraded,
       fmt::format("no control socket, so that status and explain have no answer: {}",
                   started.error().message())});
  return nullptr;
}

// While plugins are described there is no loop. As PID 1, TERM would be ignored; and HUP would be the end, where the first
// look at the file finds what has changed meanwhile.
void obey_signals_without_loop() {
  for (const int number : {SIGTERM, SIGINT}) ::signal(number, [](int) { ::_exit(EX_OK); });
  ::signal(SIGHUP, SIG_IGN);
}

}  // namespace

int serve(ConfigurationSource source, const std::optional<std::string>& socket) {
  obey_signals_without_loop();
  const std::string file = source.watched_file();
  FileText text = read_text(file);
  WaitingChildren waiting;
  waiting.start_watcher();
  auto configuration =
      source.load([&](const std::string& plugin,
                      int64_t within_ms) { return waiting.describe(plugin, within_ms); },
                  [&](const Configuration& read) { waiting.configure_watcher(read); });
  if (!configuration) {
    fmt::print(stderr, "{}\n", configuration.error().message());
    return waiting.unasked() ? EX_OSERR : EX_CONFIG;
  }
  begin_log(*configuration);
  const std::string listen = configuration->http_listen;
  source.loaded(*configuration);

  uv::Loop loop;
  ServiceNotice service(loop.get());
  Supervisor supervisor(loop.get(), std::move(*configuration));
  std::unique_ptr<HttpServer> http;
  if (!listen.empty()) {
    auto started = HttpServer::start(loop.get(), listen, http_routes(supervisor));
    if (!started) {
      fmt::print(stderr,
                 "[http] listen (or VALKEY_RECONCILER_HTTP): {}; expected an address of this "
                 "machine and a free port\n",
                 started.error().message());
      return EX_OSERR;  // either may come yet
    }
    http = std::move(*started);
  }
  const std::unique_ptr<ControlServer> control = start_control(loop.get(), socket, supervisor);
  log::info(fmt::format("valkey-reconciler {} starts", RECONCILER_VERSION), {.pid = ::getpid()});

  const auto swap_in = [&](Result<Configuration> loaded) {
    if (!loaded) {
      supervisor.reload_refused(loaded.error());
    } else if (loaded->http_listen != listen) {
      supervisor.reload_refused(Error("[http] listen can't be changed without a restart"));
    } else {
      source.loaded(*loaded);
      supervisor.reload(std::move(*loaded));
    }
    service.ready();
  };
  Reload reload(
      loop.get(), file, std::move(text), [&] { return source.load(); }, swap_in);
  uv::Signal hangup(loop.get());
  uv::Signal terminate(loop.get());
  uv::Signal interrupt(loop.get());
  hangup.start(SIGHUP, [&] {
    service.reloading();
    reload.start();
  });
  const auto stop = [&] {
    log::info("stopping");
    service.stopping();
    supervisor.stop([&] { loop.stop(); });
  };
  terminate.start(SIGTERM, stop);
  interrupt.start(SIGINT, stop);
  supervisor.start(std::move(waiting));
  reload.watch();
  service.ready();
  loop.run();
  log::write_all_counts();
  log::info("stopped");
  // A plugin may take its time to describe itself, and nobody waits for that any more.
  if (reload.running()) ::_exit(EX_OK);
  return EX_OK;
}

}  // namespace reconciler
