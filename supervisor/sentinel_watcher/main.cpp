// The sentinel-watcher: listens to all Sentinels and publishes topologies. Started by the supervisor.
//
//   sentinel-watcher SUPERVISOR_PID       with the channel as descriptor 3

#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <sysexits.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "common/ipc/child_session.h"
#include "common/log.h"
#include "common/log_repetition.h"
#include "common/uv/handle.h"
#include "supervisor/sentinel_watcher/watcher.h"

namespace {

using namespace reconciler;

constexpr char process_name[] = "sentinel-watcher";

bool has_channel() {
  struct stat status {};
  return ::fstat(ipc::channel_descriptor, &status) == 0 && S_ISSOCK(status.st_mode);
}

int serve(int64_t supervisor_pid) {
  log::configure(process_name, log::Level::info, log::Format::text);
  if (auto tied = ipc::tie_to_supervisor(supervisor_pid); !tied) return EX_OK;
  ::signal(SIGPIPE, SIG_IGN);

  uv::Loop loop;
  std::unique_ptr<ipc::ChildSession> session;
  std::unique_ptr<Watcher> watcher;
  ipc::ChildSession::Handlers handlers;
  handlers.on_configure = [&](const ipc::Configure& message) -> Result<void> {
    const auto* settings = std::get_if<WatcherSettings>(&message.settings);
    if (settings == nullptr) return Error("a configuration that is not for a sentinel-watcher");
    if (watcher) return Error("a second configuration");
    watcher = std::make_unique<Watcher>(loop.get(), *settings, *session);
    watcher->start();
    session->ready();
    return {};
  };
  handlers.on_topology = [&](const Topology& topology, uint64_t, uint64_t) {
    watcher->remember(topology);
  };
  handlers.on_gauges = [&] { return watcher ? watcher->gauges() : std::vector<ipc::Gauge>(); };
  handlers.on_ask = [&](const std::string& group) { return watcher->explain(group); };
  handlers.on_shutdown = [&] {
    watcher.reset();
    session->finish();
  };
  auto opened = ipc::ChildSession::open(loop.get(), ipc::channel_descriptor, process_name,
                                        std::move(handlers));
  if (!opened) {
    log::error("no channel to the supervisor", {.error = opened.error().message()});
    return EX_SOFTWARE;
  }
  session = std::move(*opened);
  loop.run();
  log::write_all_counts();
  watcher.reset();
  session.reset();
  return EX_OK;
}

}  // namespace

int main(int argc, char** argv) {
  char* end = nullptr;
  const long supervisor_pid = argc == 2 ? std::strtol(argv[1], &end, 10) : 0;
  if (supervisor_pid <= 0 || *end != '\0' || !has_channel()) {
    fmt::print(stderr, "The sentinel-watcher is started by valkey-reconciler, never by hand.\n");
    return EX_USAGE;
  }
  return serve(supervisor_pid);
}
