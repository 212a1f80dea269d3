#include "supervisor/command_line/status_view.h"

#include <fmt/format.h>

#include <string_view>

#include "common/json.h"
#include "common/text.h"
#include "supervisor/command_line/document.h"
#include "supervisor/command_line/words.h"

namespace reconciler::command_line {

namespace {

constexpr int shown_failovers = 5;

std::string title(const cJSON* document, bool color) {
  const bool ready = json::is_true(document, "ready");
  return fmt::format(
      "{} {}: {}, up {}, pid {:.0f}\n", painted({"valkey-reconciler", Tone::heading}, color),
      painted(json::text(document, "version"), color),
      painted(ready ? Words("ready", Tone::good) : Words("not ready", Tone::bad), color),
      duration(json::number(document, "up_seconds")), json::number(document, "pid"));
}

std::string section(const Table& table, bool color) {
  return table.empty() ? std::string() : "\n" + table.text(color);
}

Table groups(const cJSON* document) {
  Table table({"GROUP", "PRIMARY", "EPOCH", "SINCE", "SENTINELS", "REPLICAS"});
  each(json::member(document, "groups"), [&](const cJSON* group) {
    const bool known = json::text(group, "state") != "unknown";
    const std::string since = ago(document, json::text(group, "since"));
    table.add({json::text(group, "name"), primary_of(group),
               known ? fmt::format("{:.0f}", json::number(group, "epoch")) : "-",
               since.empty() ? "-" : since, sentinels_of(group), replicas_of(group)});
  });
  return table;
}

Table targets(const cJSON* document) {
  Table table({"TARGET", "PLUGIN", "GROUP", "STATE"});
  each(json::member(document, "targets"), [&](const cJSON* target) {
    each(json::member(target, "groups"), [&](const cJSON* told) {
      table.add({json::text(target, "name"), json::text(target, "plugin"),
                 json::text(told, "group"), sync_of(document, told)});
    });
  });
  return table;
}

std::string latency(double ms) {
  return ms < 10 ? fmt::format("{:.1f} ms", ms) : duration(ms / 1'000);
}

// `kubernetes after 17 ms`.
std::string written(const cJSON* failover) {
  std::string text;
  each(json::member(failover, "targets"), [&](const cJSON* target) {
    const cJSON* done = json::member(target, "done_ms");
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", json::text(target, "target"),
                        cJSON_IsNumber(done)
                            ? "after " + latency(done->valuedouble)
                            : fmt::format("not done ({})", json::text(target, "outcome")));
  });
  return text;
}

Table failovers(const cJSON* document) {
  Table table({"FAILOVER", "GROUP", "FROM", "TO", "WRITTEN"});
  int count = 0;
  each(json::member(document, "failovers"), [&](const cJSON* failover) {
    if (++count > shown_failovers) return;
    const std::string_view from = json::text(failover, "from");
    const bool suspected = json::text(failover, "state") == "suspected";
    table.add({ago(document, json::text(failover, "event_at")), json::text(failover, "group"),
               from.empty() ? "-" : from, suspected ? "withdrawn" : json::text(failover, "to"),
               written(failover)});
  });
  return table;
}

Table processes(const cJSON* document) {
  Table table({"PROCESS", "STATE", "PID", "UP", "RESTARTS"});
  each(json::member(document, "processes"), [&](const cJSON* process) {
    const std::string_view state = json::text(process, "state");
    const cJSON* pid = json::member(process, "pid");
    const double restarts = json::number(process, "restarts");
    table.add(
        {json::text(process, "name"), Words(state, state == "at work" ? Tone::good : Tone::bad),
         cJSON_IsNumber(pid) ? fmt::format("{:.0f}", pid->valuedouble) : "-",
         duration(json::number(process, "up_seconds")),
         Words(fmt::format("{:.0f}", restarts), restarts > 0 ? Tone::doubtful : Tone::plain)});
  });
  return table;
}

// Lines of /readyz: `group NAME: ...`, `target x, group NAME: ...`, or of no single group.
bool is_about(std::string_view line, const std::string& group) {
  const bool is_of_a_group =
      line.starts_with("group ") || line.find(", group ") != std::string_view::npos;
  const std::string name = fmt::format("group {}: ", printable(group));
  return group.empty() || !is_of_a_group || line.starts_with(name) ||
         line.find(", " + name) != std::string_view::npos;
}

}  // namespace

std::string trouble_view(const cJSON* document, bool color, const std::string& group) {
  std::string text;
  const auto line = [&](const char* kind, Tone tone, std::string_view what) {
    text += fmt::format("  {}  {}\n", painted({kind, tone}, color), painted(what, color));
  };
  each(json::member(document, "in_the_way"), [&](const cJSON* reason) {
    if (is_about(json::text(reason), group)) line("in the way", Tone::bad, json::text(reason));
  });
  each(json::member(document, "problems"), [&](const cJSON* problem) {
    const std::string_view about = json::text(problem, "group");
    if (json::text(problem, "severity") == "blocking") return;  // stands among what is in the way
    if (!group.empty() && !about.empty() && about != group) return;
    line("look at   ", Tone::doubtful,
         fmt::format("{}{}{}: {}", json::text(problem, "process"), about.empty() ? "" : ", group ",
                     about, json::text(problem, "message")));
  });
  return text;
}

std::string status_view(const cJSON* document, bool color) {
  return title(document, color) + trouble_view(document, color) + section(groups(document), color) +
         section(targets(document), color) + section(failovers(document), color) +
         section(processes(document), color);
}

}  // namespace reconciler::command_line
