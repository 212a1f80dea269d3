// The forms in which the file target can write a topology. Pure: no file, no clock.
//
// json is a document of its own; the others begin with it as a comment, which is the file's memory of its decision.
#pragma once

#include <string>
#include <string_view>

#include "common/result.h"
#include "plugins/file/document.h"
#include "plugins/valkey_reconciler_plugin.h"

namespace reconciler::file {

enum class Format { json, env, haproxy_map, hosts };

struct Form {
  Format format = Format::json;
  std::string host_name = "{group}";  // of hosts; {group}: the group's name

  // By its name in the configuration: one of `format_names`.
  static Format named(std::string_view name);
};
inline constexpr const char* format_names = "json,env,haproxy-map,hosts";

// `<group>.json`, `.env`, `.map` or `.hosts`.
std::string file_name(const Form& form, std::string_view group);

// Why this form can't hold the group's name.
Result<void> check_group(const Form& form, std::string_view group);

// The file's text. An error where it can't hold what the topology says.
Result<std::string> render(const Form& form, const vr_topology& topology, int64_t unix_us);

Result<Held> read_held(const Form& form, std::string_view text);

// Whether `text` is what `topology` asks for; the time doesn't count.
bool says(const Form& form, std::string_view text, const vr_topology& topology);

}  // namespace reconciler::file
