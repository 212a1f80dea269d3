#include "plugins/kubernetes/settings.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "plugins/kubernetes/label_syntax.h"

namespace reconciler {

namespace {

constexpr vr_key text_key(const char* name, const char* default_value, const char* environment,
                          const char* help, const char* choices = nullptr) {
  return {sizeof(vr_key), name, VR_STRING, 0, default_value, 0, 0, choices, environment, help};
}

constexpr vr_key duration_key(const char* name, const char* default_value, int64_t minimum_ms,
                              int64_t maximum_ms, const char* help) {
  return {sizeof(vr_key), name,       VR_DURATION, 0,       default_value,
          minimum_ms,     maximum_ms, nullptr,     nullptr, help};
}

constexpr int64_t second = 1000;
constexpr int64_t minute = 60 * second;

constexpr std::array keys{
    text_key("namespace", nullptr, "POD_NAMESPACE",
             "Namespace of the pods; else the service account's, else the kubeconfig context's, "
             "else `default`."),
    text_key("selector", "app.kubernetes.io/name=valkey", "POD_SELECTOR",
             "Label selector of a group's pods; `{group}` in it stands for the group's name."),
    text_key("publish", "label", "PUBLISH", "How the primary is published.", "label"),
    text_key("label", "valkey-master", "MASTER_POD_LABEL_NAME",
             "Name of the label that the primary's pod carries."),
    text_key("value", "true", "MASTER_POD_LABEL_VALUE", "Value of that label."),
    text_key("kubeconfig", nullptr, "KUBECONFIG",
             "Kubeconfig file, several by colon; empty: the service account of the pod."),
    text_key("node_name", nullptr, "NODE_NAME",
             "Node that this runs on: with one instance on each node the one next to the new "
             "primary acts first. Empty: acts at once."),
    text_key("service_account_dir", "/var/run/secrets/kubernetes.io/serviceaccount", nullptr,
             "Folder with the service account's token, ca.crt and namespace."),
    text_key("api_host", nullptr, "KUBERNETES_SERVICE_HOST",
             "Address of the API server, for the service account; a cluster sets it."),
    vr_key{sizeof(vr_key), "api_port", VR_INTEGER, 0, "443", 1, 65535, nullptr,
           "KUBERNETES_SERVICE_PORT", "Port of the API server, for the service account."},
    duration_key("request_timeout", "5s", 100, minute,
                 "How long one request to the API server may take."),
    duration_key("no_match_after", "5s", 0, 60 * minute,
                 "When no pod is the primary of a new epoch: how long the old label stays."),
    duration_key("resync", "5m", second, 24 * 60 * minute,
                 "How often the pods are listed beside the watch."),
    duration_key("poll", "10s", second, 5 * minute,
                 "How often the pods are listed without the right to watch."),
};

// The settings by name; a host that left one out is a bug of the host.
class Values {
 public:
  explicit Values(const vr_target& target) : target_(target) {}

  std::string text(std::string_view name) const { return find(name).string; }
  int64_t number(std::string_view name) const { return find(name).integer; }

 private:
  const vr_setting& find(std::string_view name) const {
    for (size_t i = 0; i < target_.setting_count; ++i) {
      if (target_.settings[i]->name == name) return *target_.settings[i];
    }
    abort_with("a setting of plugin kubernetes is missing");
  }

  const vr_target& target_;
};

Result<std::string> group_selector(const std::string& selector, const std::string& group,
                                   const LabelRule& rule) {
  std::string own = selector_for_group(selector, group);
  Result<std::vector<std::string>> names = check_selector(own);
  if (!names) {
    return names.error().within(
        own == selector ? "selector" : fmt::format("selector `{}` of group `{}`", own, group));
  }
  if (std::find(names->begin(), names->end(), rule.name) != names->end()) {
    return Error(fmt::format(
        "selector: speaks of the label `{}` itself, but must select all pods of the group",
        rule.name));
  }
  return own;
}

}  // namespace

std::span<const vr_key> setting_keys() { return keys; }

Result<Settings> read_settings(const vr_target& target) {
  const Values values(target);
  Settings settings;
  settings.target = target.name;
  settings.pod_namespace = values.text("namespace");
  settings.rule = {values.text("label"), values.text("value")};
  settings.kubeconfig = values.text("kubeconfig");
  settings.node_name = values.text("node_name");
  settings.service_account_dir = values.text("service_account_dir");
  settings.api_host = values.text("api_host");
  settings.api_port = values.number("api_port");
  settings.request_timeout_ms = static_cast<uint64_t>(values.number("request_timeout"));
  settings.no_match_after_ms = static_cast<uint64_t>(values.number("no_match_after"));
  settings.resync_ms = static_cast<uint64_t>(values.number("resync"));
  settings.poll_ms = static_cast<uint64_t>(values.number("poll"));

  if (!settings.pod_namespace.empty()) {
    Result<void> checked = check_namespace(settings.pod_namespace);
    if (!checked) return checked.error().within("namespace");
  }
  Result<void> label = check_label_name(settings.rule.name);
  if (!label) return label.error().within("label");
  Result<void> value = check_label_value(settings.rule.value);
  if (!value) return value.error().within("value");

  const std::string selector = values.text("selector");
  if (selector.empty()) return Error("selector: must not be empty");
  if (target.group_count > 1 && selector.find("{group}") == std::string::npos) {
    return Error(fmt::format(
        "selector: {} groups (`{}`, `{}`...) would share the pods of `{}` and their one label: put "
        "`{{group}}` into the selector, as in `app.kubernetes.io/name=valkey,"
        "app.kubernetes.io/instance={{group}}`, or give each group a target of its own",
        target.group_count, target.groups[0], target.groups[1], selector));
  }
  for (size_t i = 0; i < target.group_count; ++i) {
    Result<std::string> own = group_selector(selector, target.groups[i], settings.rule);
    if (!own) return own.error();
    settings.groups.push_back({target.groups[i], std::move(*own)});
  }
  return settings;
}

}  // namespace reconciler
