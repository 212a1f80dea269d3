// The exec target's entry and its keys.
#include <array>
#include <memory>
#include <string>
#include <utility>

#include "plugins/exec/exec_target.h"
#include "plugins/settings.h"

namespace reconciler::exec {

namespace {

constexpr std::array keys{
    vr::list_key("command",
                 "The program, by its absolute path, and its arguments; there is no shell.",
                 nullptr, VR_KEY_REQUIRED),
    vr::text_key("arguments",
                 "`sentinel`: the seven of Sentinel's client-reconfig-script follow those of "
                 "`command`; `none`: nothing does.",
                 "sentinel", 0, "sentinel,none"),
    vr::boolean_key("replicas", "Whether it is run for a change of the replicas alone, too."),
};

std::unique_ptr<ExecTarget> create(vr::Host host, const vr_target& target, std::string& error) {
  Settings settings;
  settings.target = target.name;
  settings.command = list_setting(target, "command");
  settings.sentinel_arguments = text_setting(target, "arguments") == "sentinel";
  settings.replicas = flag_setting(target, "replicas");
  settings.deadline_ms = target.deadline_ms;
  settings.dry_run = vr::is_dry_run(target);
  if (auto checked = check_command(settings.command); !checked) {
    error = checked.error().within("command").message();
    return nullptr;
  }
  return std::make_unique<ExecTarget>(Host(host), std::move(settings));
}

}  // namespace

}  // namespace reconciler::exec

const vr_plugin* VR_PLUGIN_ENTRY() {
  return vr::plugin<&reconciler::exec::create>("exec", RECONCILER_VERSION, reconciler::exec::keys);
}
