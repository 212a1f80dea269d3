// The file target's entry and its keys.
#include <array>
#include <memory>
#include <string>
#include <utility>

#include "plugins/file/file_target.h"

namespace reconciler::file {

namespace {

constexpr std::array keys{
    vr::text_key("directory",
                 "Folder in which one file for each group, <group>.json, is kept; it has to exist.",
                 nullptr, VR_KEY_REQUIRED | VR_KEY_FILE),
    vr::text_key("format", "What the files are; it decides their ending, too.", "json", 0,
                 format_names),
    vr::text_key("host_name", "format hosts: the primary's name; {group}: the group's name.",
                 "{group}"),
    vr::text_key("mode", "Who may read the files, in octal.", "0644"),
    vr::text_key(
        "owner",
        "To whom the files are given: user, user:group or :group; empty: whoever writes them."),
    vr::list_key("command",
                 "Run after a change: an absolute path and its arguments; there is no shell."),
};

Result<Settings> read_settings(const vr_target& target) {
  Settings settings;
  settings.target = target.name;
  settings.groups.assign(target.groups, target.groups + target.group_count);
  settings.folder = vr::setting(target, "directory").string;
  while (settings.folder.size() > 1 && settings.folder.back() == '/') settings.folder.pop_back();
  settings.form = {Form::named(vr::setting(target, "format").string),
                   vr::setting(target, "host_name").string};
  for (const std::string& group : settings.groups) {
    if (auto held = check_group(settings.form, group); !held) return held.error();
  }
  auto mode = parse_mode(vr::setting(target, "mode").string);
  if (!mode) return mode.error().within("mode");
  settings.access = {*mode, vr::setting(target, "owner").string};
  const vr_setting& command = vr::setting(target, "command");
  settings.command.assign(command.list, command.list + command.list_count);
  if (!settings.command.empty()) {
    if (auto checked = exec::check_command(settings.command); !checked) {
      return checked.error().within("command");
    }
  }
  settings.deadline_ms = target.deadline_ms;
  return settings;
}

std::unique_ptr<FileTarget> create(vr::Host host, const vr_target& target, std::string& error) {
  auto settings = read_settings(target);
  if (!settings) {
    error = settings.error().message();
    return nullptr;
  }
  auto made = std::make_unique<FileTarget>(Host(host), std::move(*settings));
  if (auto started = made->start(); !started) {
    error = started.error().message();
    return nullptr;
  }
  return made;
}

}  // namespace

}  // namespace reconciler::file

const vr_plugin* VR_PLUGIN_ENTRY() {
  return vr::plugin<&reconciler::file::create>("file", RECONCILER_VERSION, reconciler::file::keys);
}
