// The file target's entry and its keys.
#include <array>
#include <memory>
#include <string>
#include <utility>

#include "plugins/file/file_target.h"
#include "plugins/settings.h"

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
  settings.folder = text_setting(target, "directory");
  while (settings.folder.size() > 1 && settings.folder.back() == '/') settings.folder.pop_back();
  settings.form = {Form::named(text_setting(target, "format")), text_setting(target, "host_name")};
  for (const std::string& group : settings.groups) {
    if (auto held = check_group(settings.form, group); !held) return held.error();
  }
  auto mode = parse_mode(text_setting(target, "mode"));
  if (!mode) return mode.error().within("mode");
  settings.access = {*mode, text_setting(target, "owner")};
  settings.command = list_setting(target, "command");
  if (!settings.command.empty()) {
    if (auto checked = exec::check_command(settings.command); !checked) {
      return checked.error().within("command");
    }
  }
  settings.deadline_ms = target.deadline_ms;
  settings.dry_run = vr::is_dry_run(target);
  return settings;
}

Result<std::unique_ptr<FileTarget>> made(Host host, const vr_target& target) {
  auto settings = read_settings(target);
  if (!settings) return settings.error();
  auto file_target = std::make_unique<FileTarget>(host, std::move(*settings));
  if (auto started = file_target->start(); !started) return started.error();
  return file_target;
}

std::unique_ptr<FileTarget> create(vr::Host host, const vr_target& target, std::string& error) {
  return made_or(error, made(Host(host), target));
}

}  // namespace

}  // namespace reconciler::file

const vr_plugin* VR_PLUGIN_ENTRY() {
  return vr::plugin<&reconciler::file::create>("file", RECONCILER_VERSION, reconciler::file::keys);
}
