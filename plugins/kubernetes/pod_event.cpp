#include "plugins/kubernetes/pod_event.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <new>
#include <string_view>

#include <fmt/format.h>

#include "common/json.h"
#include "plugins/kubernetes/patch_document.h"

namespace reconciler {

namespace {

// ValidateEventCreate in pkg/apis/core/validation/events.go: 1024 bytes, and 128 for the instance. An older etcd's name of
// an object has 253.
constexpr size_t longest_message = 1000;
constexpr size_t longest_instance = 128;
constexpr size_t longest_pod_in_name = 200;

std::string shortened(std::string text, size_t longest) {
  if (text.size() <= longest) return text;
  while (longest > 0 && (text[longest] & 0xc0) == 0x80) --longest;  // whole UTF-8
  text.resize(longest);
  return text;
}

std::string rfc3339(uint64_t unix_us, bool with_microseconds) {
  const auto seconds = static_cast<time_t>(unix_us / 1000000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (!with_microseconds) return fmt::format("{}Z", text.data());
  return fmt::format("{}.{:06}Z", text.data(), unix_us % 1000000);
}

void add_text(cJSON* object, const char* name, const std::string& value) {
  if (cJSON_AddStringToObject(object, name, value.c_str()) == nullptr) throw std::bad_alloc();
}
cJSON* add_object(cJSON* object, const char* name) {
  cJSON* added = cJSON_AddObjectToObject(object, name);
  if (added == nullptr) throw std::bad_alloc();
  return added;
}

}  // namespace

std::optional<PodEvent> event_of(const WrittenStamp& written, const LabelRule& rule) {
  const bool promoted = written.stamp.kind == StampKind::promoted;
  if (promoted == written.seen.carries(rule)) return std::nullopt;
  const std::string label = rule.name + "=" + rule.value;
  const std::string decision = describe(written.stamp.claim);
  PodEvent event{written.seen.name, written.seen.uid, nullptr, nullptr, {}};
  if (written.moved) {
    event.reason = "LabelRepaired";
    event.action = "Repair";
    event.message = fmt::format("label {} was {} by {}; {} again for {}", label,
                                written.moved->on ? "set" : "taken off",
                                written.moved->by.empty() ? "somebody else" : written.moved->by,
                                promoted ? "set" : "taken off", decision);
    return event;
  }
  event.reason = promoted ? "PrimaryPromoted" : "PrimaryDemoted";
  event.action = promoted ? "Promote" : "Demote";
  event.message = fmt::format("label {} {} for {}{}{}", label, promoted ? "set" : "taken off",
                              decision, written.cause.empty() ? "" : ", by ", written.cause);
  return event;
}

std::vector<PodEvent> events_of_switch(const std::string& service,
                                       const std::vector<LedPod>& before,
                                       const std::vector<LedPod>& after, const Stamp& stamp,
                                       const std::string& cause) {
  const std::string reason =
      fmt::format("for {}{}{}", describe(stamp.claim), cause.empty() ? "" : ", by ", cause);
  const auto is_among = [](const std::vector<LedPod>& pods, const LedPod& pod) {
    return std::any_of(pods.begin(), pods.end(),
                       [&](const LedPod& other) { return other.uid == pod.uid; });
  };
  std::vector<PodEvent> events;
  for (const LedPod& pod : after) {
    if (is_among(before, pod)) continue;
    events.push_back({pod.name, pod.uid, "PrimaryPromoted", "Promote",
                      fmt::format("Service {} leads to it {}", service, reason)});
  }
  for (const LedPod& pod : before) {
    if (is_among(after, pod)) continue;
    events.push_back({pod.name, pod.uid, "PrimaryDemoted", "Demote",
                      fmt::format("Service {} no longer leads to it {}", service, reason)});
  }
  return events;
}

std::string event_body(const PodEvent& event, const EventOrigin& origin) {
  const json::Document json(cJSON_CreateObject());
  if (!json) throw std::bad_alloc();
  add_text(json.get(), "apiVersion", "v1");
  add_text(json.get(), "kind", "Event");
  cJSON* metadata = add_object(json.get(), "metadata");
  add_text(metadata, "name",
           fmt::format("{}.{:016x}", shortened(event.pod, longest_pod_in_name), origin.unique));
  add_text(metadata, "namespace", origin.pod_namespace);
  cJSON* pod = add_object(json.get(), "involvedObject");
  add_text(pod, "apiVersion", "v1");
  add_text(pod, "kind", "Pod");
  add_text(pod, "namespace", origin.pod_namespace);
  add_text(pod, "name", event.pod);
  add_text(pod, "uid", event.uid);
  const bool repaired = std::strcmp(event.action, "Repair") == 0;
  add_text(json.get(), "type", repaired ? "Warning" : "Normal");
  add_text(json.get(), "reason", event.reason);
  add_text(json.get(), "action", event.action);
  add_text(json.get(), "message", shortened(event.message, longest_message));
  cJSON* source = add_object(json.get(), "source");
  add_text(source, "component", field_manager);
  add_text(source, "host", origin.instance);
  const std::string time = rfc3339(origin.unix_us, false);
  add_text(json.get(), "firstTimestamp", time);
  add_text(json.get(), "lastTimestamp", time);
  cJSON_AddNumberToObject(json.get(), "count", 1);
  add_text(json.get(), "eventTime", rfc3339(origin.unix_us, true));
  add_text(json.get(), "reportingComponent", field_manager);
  add_text(json.get(), "reportingInstance", shortened(origin.instance, longest_instance));
  return json::printed(json.get());
}

}  // namespace reconciler
