#include "supervisor/command_line/document.h"

#include <fmt/format.h>

#include "common/json.h"

namespace reconciler::command_line {

std::string ago(const cJSON* document, std::string_view time) {
  const auto now = parse_time(json::text(document, "now"));
  const auto then = parse_time(time);
  if (!now || !then) return {};
  return duration(static_cast<double>(*now - *then) / 1e6) + " ago";
}

Words primary_of(const cJSON* group) {
  const std::string_view primary = json::text(group, "primary");
  const std::string_view state = json::text(group, "state");
  if (state == "suspected")
    return {fmt::format("withdrawn ({} is called down)", primary), Tone::bad};
  if (primary.empty()) return {"none known yet", Tone::bad};
  if (!json::is_true(group, "settled"))
    return {fmt::format("{} (not confirmed yet)", primary), Tone::doubtful};
  return {primary, Tone::good};
}

std::string replicas_of(const cJSON* group) {
  std::string text;
  each(json::member(group, "replicas"), [&](const cJSON* replica) {
    text += fmt::format("{}{}{}", text.empty() ? "" : ", ", json::text(replica, "address"),
                        json::is_true(replica, "healthy") ? "" : " (not healthy)");
  });
  return text.empty() ? "none known" : text;
}

Words sentinels_of(const cJSON* group) {
  const cJSON* sentinels = json::member(group, "sentinels");
  if (!cJSON_IsObject(sentinels)) return "-";
  const double known = json::number(sentinels, "known");
  const double agree = json::number(sentinels, "agree");
  const double up = json::number(sentinels, "up");
  if (up < known) {
    return {fmt::format("{:.0f} of {:.0f} agree, {:.0f} up", agree, known, up),
            agree * 2 > known ? Tone::doubtful : Tone::bad};
  }
  return {fmt::format("{:.0f} of {:.0f} agree", agree, known),
          agree == known ? Tone::good : Tone::doubtful};
}

Words sync_of(const cJSON* document, const cJSON* told) {
  const std::string_view primary = json::text(told, "primary");
  const std::string when = ago(document, json::text(told, "done_at"));
  if (json::is_true(told, "in_sync")) {
    return {fmt::format("in sync{}{}{}{}", primary.empty() ? "" : " with ", primary,
                        when.empty() ? "" : ", since ", when),
            Tone::good};
  }
  const std::string_view outcome = json::text(told, "outcome");
  const std::string_view reason = json::text(told, "reason");
  std::string text = "not in sync: ";
  if (outcome.empty()) {
    text += "no answer yet";
  } else {
    text += outcome == "applied" ? "what it has is older than what is known" : outcome;
  }
  if (!reason.empty()) text += fmt::format(": {}", reason);
  const double attempts = json::number(told, "attempts");
  if (attempts > 1) text += fmt::format(" ({:.0f} attempts)", attempts);
  if (!when.empty()) text += fmt::format(", {}", when);
  return {text, Tone::bad};
}

void each(const cJSON* array, const std::function<void(const cJSON*)>& call) {
  if (!cJSON_IsArray(array)) return;
  for (const cJSON* element = array->child; element != nullptr; element = element->next)
    call(element);
}

}  // namespace reconciler::command_line
