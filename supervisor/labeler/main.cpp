// The labeler: loads one plugin and makes its target agree with the newest topology. Started by the
// supervisor.
//
//   labeler SUPERVISOR_PID            with the channel as descriptor 3
//   labeler SUPERVISOR_PID PLUGIN     tells through descriptor 4 what --describe would print, then serves
//   labeler --describe PLUGIN         prints the plugin's configuration schema as JSON

#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <variant>

#include "common/config/plugin_schema.h"
#include "common/ipc/child_session.h"
#include "common/log.h"
#include "common/log_repetition.h"
#include "common/uv/handle.h"
#include "supervisor/labeler/labeler.h"
#include "supervisor/labeler/plugin_library.h"

namespace {

using namespace reconciler;

constexpr int description_descriptor = 4;

struct DescribedPlugin {
  const vr_plugin* plugin;
  PluginSchema schema;
};

Result<DescribedPlugin> load(const std::string& plugin) {
  auto loaded = labeler::load_plugin(labeler::plugin_path(plugin));
  if (!loaded) return loaded.error();
  auto schema = labeler::schema_of(**loaded);
  if (!schema) return schema.error();
  // As the supervisor will: what it would refuse, a plugin's author learns from --describe.
  if (auto read = parse_plugin_schema(to_json(*schema)); !read) return read.error();
  return DescribedPlugin{*loaded, std::move(*schema)};
}

int describe(const std::string& plugin) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a plugin may never come to an end
  const auto loaded = load(plugin);
  if (!loaded) {
    fmt::print(stderr, "{}\n", loaded.error().message());
    return EX_CONFIG;
  }
  fmt::print("{}\n", to_json(loaded->schema));
  return EX_OK;
}

// Tells the supervisor the schema, or why there is none. Null: it has no use for this process.
const vr_plugin* load_and_tell(const std::string& plugin) {
  const auto loaded = load(plugin);
  std::FILE* told = ::fdopen(description_descriptor, "w");
  if (told == nullptr) return nullptr;
  fmt::print(told, "{}\n", loaded ? to_json(loaded->schema) : loaded.error().message());
  return std::fclose(told) == 0 && loaded ? loaded->plugin : nullptr;
}

// `described`: the plugin that is to be told of and served; null: the configuration says which.
int serve(int64_t supervisor_pid, const char* described) {
  log::configure("labeler", log::Level::info, log::Format::text);
  if (auto tied = ipc::tie_to_supervisor(supervisor_pid); !tied) return EX_OK;
  const vr_plugin* loaded = nullptr;
  if (described != nullptr) {
    loaded = load_and_tell(described);
    if (loaded == nullptr) return EX_CONFIG;
  }

  uv::Loop loop;
  std::unique_ptr<labeler::Labeler> labeler;
  std::unique_ptr<ipc::ChildSession> session;
  ipc::ChildSession::Handlers handlers;
  handlers.on_configure = [&](const ipc::Configure& message) -> Result<void> {
    const auto* settings = std::get_if<LabelerSettings>(&message.settings);
    if (settings == nullptr) return Error("a configuration that is not for a labeler");
    labeler = std::make_unique<labeler::Labeler>(loop.get(), *session);
    if (auto started = labeler->start(*settings, loaded); !started) return started;
    session->ready();
    return {};
  };
  handlers.on_topology = [&](const Topology& topology, uint64_t generation, uint64_t revision) {
    labeler->arrived(topology, generation, revision);
  };
  handlers.on_ask = [&](const std::string&) { return labeler->review(); };
  handlers.on_order = [&](const std::string& group, const ipc::Order& order) {
    labeler->ordered(group, order);
  };
  handlers.on_shutdown = [&] {
    if (labeler) {
      labeler->stop([&] { session->finish(); });
    } else {
      session->finish();
    }
  };
  auto opened =
      ipc::ChildSession::open(loop.get(), ipc::channel_descriptor, "labeler", std::move(handlers));
  if (!opened) {
    log::error("no channel to the supervisor", {.error = opened.error().message()});
    return EX_SOFTWARE;
  }
  session = std::move(*opened);
  loop.run();
  log::write_all_counts();
  labeler.reset();
  session.reset();
  return EX_OK;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string(argv[1]) == "--describe") return describe(argv[2]);
  char* end = nullptr;
  const long supervisor_pid = argc == 2 || argc == 3 ? std::strtol(argv[1], &end, 10) : 0;
  if (supervisor_pid <= 0 || *end != '\0') {
    fmt::print(
        stderr,
        "The labeler is started by valkey-reconciler.\nBy hand: labeler --describe PLUGIN\n");
    return EX_USAGE;
  }
  return serve(supervisor_pid, argc == 3 ? argv[2] : nullptr);
}
