// plugin_host [--eager] [--dry-run] PLUGIN.so --group NAME... [KEY=VALUE...]
//
// Loads a plugin, creates it with these settings (a list: by comma) and the defaults of the others, and obeys lines on
// standard input. `deadline` is told to the plugin and not enforced.
//   apply GROUP ERA EPOCH STEP known|suspected HOST PORT [up|down REPLICA PORT]... | cancel GROUP | check | quit
//   pause|resume|release GROUP BY [REASON...]
// What happens is told on standard output, one JSON object a line. End of file is `quit`. --eager: applies again on
// `retry` and on `changed`, as a labeler does.
#include <dlfcn.h>
#include <unistd.h>
#include <uv.h>

#include <cstdlib>
#include <iostream>
#include <list>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "tests/plugin_host/scripted_host.h"

namespace {

using reconciler::ScriptedHost;

[[noreturn]] void fail(const std::string& message) {
  std::cerr << "plugin_host: " << message << "\n";
  std::exit(64);
}

int64_t milliseconds(const std::string& text) {
  size_t end = 0;
  const int64_t number = std::stoll(text, &end);
  const std::string unit = text.substr(end);
  if (unit == "ms") return number;
  if (unit == "s") return number * 1000;
  if (unit == "m") return number * 60000;
  fail("no duration: " + text);
}

struct Settings {
  std::vector<vr_setting> values;
  std::list<std::string> items;
  std::list<std::vector<const char*>> lists;
  std::vector<const vr_setting*> pointers;

  Settings(const vr_plugin& plugin, const std::map<std::string, std::string>& given) {
    for (size_t i = 0; i < plugin.key_count; ++i) {
      const vr_key& key = *plugin.keys[i];
      const auto found = given.find(key.name);
      const char* text = found != given.end() ? found->second.c_str() : key.default_value;
      vr_setting setting{};
      setting.size = sizeof setting;
      setting.name = key.name;
      setting.type = key.type;
      setting.given = found != given.end();
      setting.string = text == nullptr ? "" : text;
      if (text != nullptr && key.type == VR_INTEGER) setting.integer = std::atoll(text);
      if (text != nullptr && key.type == VR_DURATION) setting.integer = milliseconds(text);
      if (text != nullptr && key.type == VR_BOOLEAN) setting.integer = std::string(text) == "true";
      if (text != nullptr && key.type == VR_STRING_LIST) split(text, setting);
      values.push_back(setting);
    }
    for (const vr_setting& setting : values) pointers.push_back(&setting);
  }

  void split(const std::string& text, vr_setting& setting) {
    std::vector<const char*>& list = lists.emplace_back();
    std::istringstream parts(text);
    for (std::string part; std::getline(parts, part, ',');) {
      list.push_back(items.emplace_back(part).c_str());
    }
    setting.list_count = list.size();
    setting.list = list.data();
  }
};

struct Arguments {
  bool eager = false;
  bool dry_run = false;
  std::string plugin;
  std::vector<std::string> groups;
  std::map<std::string, std::string> settings;

  Arguments(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
      const std::string argument = argv[i];
      const size_t equals = argument.find('=');
      if (argument == "--eager") {
        eager = true;
      } else if (argument == "--dry-run") {
        dry_run = true;
      } else if (argument == "--group" && i + 1 < argc) {
        groups.emplace_back(argv[++i]);
      } else if (equals != std::string::npos) {
        settings[argument.substr(0, equals)] = argument.substr(equals + 1);
      } else {
        plugin = argument;
      }
    }
    if (plugin.empty() || groups.empty()) fail("usage: [--eager] PLUGIN.so --group NAME KEY=VALUE");
  }
};

struct Session {
  uv_loop_t* loop;
  ScriptedHost* host;
  const vr_plugin* plugin;
  void* instance;
  uv_poll_t input;
  std::string unread;
  bool quitting = false;

  void quit() {
    if (quitting) return;
    quitting = true;
    uv_poll_stop(&input);
    uv_stop(loop);
  }

  void obey(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    words >> verb;
    if (verb == "quit") {
      quit();
    } else if (verb == "check") {
      if (plugin->check != nullptr) plugin->check(instance);
    } else if (verb == "cancel") {
      std::string group;
      words >> group;
      host->cancel(group);
    } else if (verb == "pause" || verb == "resume" || verb == "release") {
      std::string group, by, reason;
      std::getline(words >> group >> by >> std::ws, reason);
      host->tell(verb == "pause"    ? VR_PAUSE
                 : verb == "resume" ? VR_RESUME
                                    : VR_RELEASE,
                 group, by, reason);
    } else if (verb == "apply") {
      ScriptedHost::Order order;
      std::string state;
      words >> order.group >> order.era >> order.epoch >> order.step >> state >> order.primary >>
          order.port;
      if (!words) fail("not understood: " + line);
      order.known = state == "known";
      ScriptedHost::Replica replica;
      while (words >> state >> replica.host >> replica.port) {
        replica.up = state == "up";
        order.replicas.push_back(replica);
      }
      host->order(order);
    } else {
      fail("not understood: " + line);
    }
  }

  void read_input() {
    char buffer[4096];
    const ssize_t got = read(STDIN_FILENO, buffer, sizeof buffer);
    if (got <= 0) {
      quit();
      return;
    }
    unread.append(buffer, static_cast<size_t>(got));
    size_t end = 0;
    while (!quitting && (end = unread.find('\n')) != std::string::npos) {
      const std::string line = unread.substr(0, end);
      unread.erase(0, end + 1);
      obey(line);
    }
  }
};

}  // namespace

int main(int argc, char** argv) {
  const Arguments arguments(argc, argv);
  void* library = dlopen(arguments.plugin.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) fail(dlerror());
  const auto entry = reinterpret_cast<vr_plugin_entry>(dlsym(library, VR_PLUGIN_SYMBOL));
  if (entry == nullptr) fail("no plugin");
  const vr_plugin* plugin = entry();

  uv_loop_t* loop = uv_default_loop();
  ScriptedHost host(loop, arguments.eager);
  const Settings settings(*plugin, arguments.settings);
  std::vector<const char*> groups;
  for (const std::string& group : arguments.groups) groups.push_back(group.c_str());
  const auto given = arguments.settings.find("deadline");
  const auto deadline = static_cast<uint64_t>(
      milliseconds(given == arguments.settings.end() ? "10s" : given->second));
  const vr_target target{sizeof target,
                         "test",
                         groups.size(),
                         groups.data(),
                         settings.pointers.size(),
                         settings.pointers.data(),
                         deadline,
                         arguments.dry_run ? 1 : 0};
  char error[1024] = "";
  void* instance = plugin->create(host.host(), &target, error, sizeof error);
  if (instance == nullptr) {
    ScriptedHost::say({{"event", "refused"}, {"text", error}});
    return 78;
  }
  host.use(plugin, instance);
  ScriptedHost::say({{"event", "created"}});

  Session session{loop, &host, plugin, instance, {}, {}, false};
  uv_poll_init(loop, &session.input, STDIN_FILENO);
  session.input.data = &session;
  uv_poll_start(&session.input, UV_READABLE, [](uv_poll_t* handle, int, int) {
    static_cast<Session*>(handle->data)->read_input();
  });
  uv_run(loop, UV_RUN_DEFAULT);

  host.stop();
  while (host.has_open_requests()) uv_run(loop, UV_RUN_ONCE);
  plugin->destroy(instance);
  uv_close(reinterpret_cast<uv_handle_t*>(&session.input), nullptr);
  uv_run(loop, UV_RUN_NOWAIT);
  // A handle that is still active here is a timer or a watch that the plugin did not stop.
  size_t left = 0;
  uv_walk(
      loop,
      [](uv_handle_t* handle, void* count) {
        if (uv_is_active(handle) != 0) ++*static_cast<size_t*>(count);
      },
      &left);
  ScriptedHost::say({{"event", "destroyed"}, {"left", std::to_string(left)}});
  return left == 0 ? 0 : 1;
}
