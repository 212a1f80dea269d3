#include "supervisor/command_line/explain_view.h"

#include <fmt/format.h>

#include <string_view>

#include "common/json.h"
#include "supervisor/command_line/document.h"
#include "supervisor/command_line/status_view.h"
#include "supervisor/command_line/words.h"

namespace reconciler::command_line {

namespace {

std::string heading(std::string_view text, bool color) {
  return "\n" + painted({text, Tone::heading}, color) + "\n";
}

std::string line(const Words& words, bool color) { return "  " + painted(words, color) + "\n"; }

std::string heard(const cJSON* answer) {
  const cJSON* age = json::member(answer, "age_ms");
  return cJSON_IsNumber(age) ? duration(age->valuedouble / 1'000) + " ago" : "never";
}

// What it says of the primary that it names.
Words condition(const cJSON* sentinel) {
  if (json::is_true(sentinel, "objectively_down")) return {"down, by a quorum", Tone::bad};
  if (json::is_true(sentinel, "down")) return {"down", Tone::bad};
  if (json::is_true(sentinel, "reported_replica")) return {"says it is a replica", Tone::bad};
  return {"up", Tone::good};
}

std::string sentinels(const cJSON* watcher, bool color) {
  std::string text = heading(
      fmt::format("What each Sentinel says ({:.0f} known)", json::number(watcher, "known")), color);
  Table table({"SENTINEL", "STANDING", "NAMES", "EPOCH", "WHICH IS", "FAILOVER", "HEARD"});
  const std::string_view current = json::text(json::member(watcher, "decision"), "primary");
  each(json::member(watcher, "sentinels"), [&](const cJSON* sentinel) {
    const std::string_view standing = json::text(sentinel, "standing");
    const std::string_view names = json::text(sentinel, "primary");
    const bool answers = standing == "answers";
    std::string stands(standing);
    if (json::is_true(sentinel, "tilt")) stands += ", in tilt";
    if (const auto refusal = json::text(sentinel, "refusal"); !refusal.empty())
      stands += fmt::format(": {}", refusal);
    const std::string_view failover = json::text(sentinel, "failover");
    table.add({json::text(sentinel, "address"),
               Words(stands, answers && stands == standing ? Tone::good : Tone::bad),
               Words(names.empty() ? "-" : names,
                     names == current || names.empty() ? Tone::plain : Tone::doubtful),
               names.empty() ? "-" : fmt::format("{:.0f}", json::number(sentinel, "epoch")),
               names.empty() ? Words("-") : condition(sentinel), failover.empty() ? "-" : failover,
               heard(sentinel)});
  });
  return text + (table.empty() ? line("none is known", color) : table.text(color));
}

std::string instances(const cJSON* watcher, bool color) {
  Table table({"INSTANCE", "ROLE", "HEARD"});
  each(json::member(watcher, "instances"), [&](const cJSON* instance) {
    std::string role(json::text(instance, "role"));
    if (const auto cause = json::text(instance, "cause"); !cause.empty())
      role += fmt::format(": {}", cause);
    table.add({json::text(instance, "address"), role, heard(instance)});
  });
  if (table.empty()) return {};
  return heading("What instances say of themselves", color) + table.text(color);
}

std::string decision(const cJSON* watcher, const cJSON* group, const cJSON* document, bool color) {
  std::string text = heading("What was decided, and why", color);
  const cJSON* decided = json::member(watcher, "decision");
  if (!cJSON_IsObject(decided)) {
    text += line({"nothing yet: no primary is known", Tone::bad}, color);
  } else {
    text += line(
        fmt::format("{} {} under epoch {:.0f} (era {:.0f}, step {:.0f}, {})",
                    json::text(decided, "primary"),
                    json::text(decided, "state") == "suspected" ? "is withdrawn" : "is the primary",
                    json::number(decided, "epoch"), json::number(decided, "era"),
                    json::number(decided, "step"),
                    json::is_true(decided, "settled") ? "settled" : "not settled yet"),
        color);
    text += line(fmt::format("because  {}", json::text(decided, "because")), color);
  }
  if (const auto cause = json::text(group, "cause"); !cause.empty()) {
    const std::string when = ago(document, json::text(group, "since"));
    text += line(fmt::format("heard by {}{}{}", cause, when.empty() ? "" : ", ", when), color);
  }
  return text + line(fmt::format("settings act_on = \"{}\", demote_on = \"{}\"",
                                 json::text(watcher, "act_on"), json::text(watcher, "demote_on")),
                     color);
}

std::string doubts(const cJSON* watcher, bool color) {
  std::string text;
  each(json::member(watcher, "doubts"), [&](const cJSON* doubt) {
    const bool blocking = json::text(doubt, "severity") == "blocking";
    text += line({fmt::format("{} (for {})", json::text(doubt, "message"),
                              duration(json::number(doubt, "for_ms") / 1'000)),
                  blocking ? Tone::bad : Tone::doubtful},
                 color);
  });
  return text.empty() ? text : heading("What is in doubt", color) + text;
}

std::string targets(const std::string& group, const cJSON* document, bool color) {
  Table table({"TARGET", "PLUGIN", "LAST TOLD", "EPOCH", "ANSWER"});
  each(json::member(document, "targets"), [&](const cJSON* target) {
    each(json::member(target, "groups"), [&](const cJSON* told) {
      if (json::text(told, "group") != group) return;
      const std::string_view primary = json::text(told, "primary");
      table.add({json::text(target, "name"), json::text(target, "plugin"),
                 primary.empty() ? "-" : primary,
                 primary.empty() ? "-" : fmt::format("{:.0f}", json::number(told, "epoch")),
                 sync_of(document, told)});
    });
  });
  return heading("What each target was told and answered", color) +
         (table.empty() ? line("no target keeps this group", color) : table.text(color));
}

}  // namespace

const cJSON* find_group(const cJSON* document, const std::string& name) {
  const cJSON* found = nullptr;
  each(json::member(document, "groups"), [&](const cJSON* group) {
    if (json::text(group, "name") == name) found = group;
  });
  return found;
}

std::string explain_view(const std::string& group, const cJSON* document, const cJSON* watcher,
                         bool color) {
  const cJSON* known = find_group(document, group);
  std::string text = fmt::format("{} {}: {}\n", painted({"group", Tone::heading}, color),
                                 painted(group, color), painted(primary_of(known), color));
  const std::string trouble = trouble_view(document, color, group);
  text += trouble.empty() ? line({"nothing is in the way", Tone::good}, color) : trouble;
  if (const auto error = json::text(watcher, "error"); !error.empty()) {
    text += heading("What each Sentinel says", color);
    text += line({fmt::format("not known: {}", error), Tone::bad}, color);
  } else {
    text += sentinels(watcher, color) + instances(watcher, color) +
            decision(watcher, known, document, color) + doubts(watcher, color);
  }
  return text + targets(group, document, color);
}

}  // namespace reconciler::command_line
