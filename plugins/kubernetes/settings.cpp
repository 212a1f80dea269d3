#include "plugins/kubernetes/settings.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "plugins/kubernetes/label_syntax.h"
#include "plugins/settings.h"

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
    text_key("publish", "label", "PUBLISH", "How the primary is published.",
             "label,endpointslice,service-selector"),
    text_key("service", nullptr, "SERVICE_NAME",
             "Service that leads to the primary, of `endpointslice` and `service-selector`; "
             "`{group}` in it stands for the group's name."),
    text_key("replica_service", nullptr, nullptr,
             "Service without selector that is to lead to the healthy replicas, of "
             "`endpointslice`; may be left out."),
    text_key("service_port", nullptr, nullptr,
             "Name or number of the Service's port that is Valkey's, of `endpointslice`, where it "
             "has several and that can't be told."),
    text_key("label", "valkey-master", "MASTER_POD_LABEL_NAME",
             "Name of the label that the primary's pod carries."),
    text_key("value", "true", "MASTER_POD_LABEL_VALUE", "Value of that label."),
    text_key("replica_label", nullptr, nullptr,
             "Name of the label that the pods of healthy replicas carry; empty: none. May be that "
             "of the primary, with another value."),
    text_key("replica_value", "true", nullptr, "Value of that label."),
    text_key("otherwise", nullptr, nullptr,
             "What the label of replicas says on all other pods; empty: it is taken off."),
    vr_key{sizeof(vr_key), "events", VR_BOOLEAN, 0, "true", 0, 0, nullptr, nullptr,
           "Whether the pods are told of a change by Events of Kubernetes, where the right to "
           "create them is there."},
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
    duration_key("review", "10m", second, 24 * 60 * minute,
                 "How often the rights are reviewed, beside the start and refusals."),
};

Result<LabelSelector> group_selector(const std::string& selector, const std::string& group,
                                     const LabelRule& rule) {
  const std::string own = with_group(selector, group);
  Result<LabelSelector> read = read_selector(own);
  if (!read) {
    return read.error().within(
        own == selector ? "selector" : fmt::format("selector `{}` of group `{}`", own, group));
  }
  for (const std::string& name : {rule.name, rule.replica.name}) {
    if (std::none_of(read->terms.begin(), read->terms.end(),
                     [&](const LabelTerm& term) { return term.key == name; })) {
      continue;
    }
    return Error(fmt::format(
        "selector: speaks of the label `{}` itself, but must select all pods of the group", name));
  }
  return read;
}

Publish publish_of(const std::string& text) {
  if (text == "endpointslice") return Publish::endpointslice;
  return text == "service-selector" ? Publish::service_selector : Publish::label;
}

// Keys that say something of another way to publish are a mistake, and most likely in `publish`.
Result<void> check_way(const vr_target& target, Publish publish) {
  const std::string way = text_setting(target, "publish");
  const auto refused = [&](std::initializer_list<const char*> names) -> Result<void> {
    for (const char* name : names) {
      if (vr::setting(target, name).given == 0) continue;
      return Error(fmt::format("{}: means nothing with publish = \"{}\"", name, way));
    }
    return {};
  };
  if (publish == Publish::label) return refused({"service", "replica_service", "service_port"});
  if (text_setting(target, "service").empty()) {
    return Error(fmt::format("service: needed with publish = \"{}\"", way));
  }
  Result<void> of_labels =
      refused({"label", "value", "replica_label", "replica_value", "otherwise"});
  if (!of_labels || publish == Publish::endpointslice) return of_labels;
  return refused({"replica_service", "service_port"});
}

// The Service of one group, by the key of that name.
Result<std::string> service_of_group(const vr_target& target, const char* key, size_t group) {
  const std::string name = text_setting(target, key);
  if (name.empty()) return name;
  if (target.group_count > 1 && name.find("{group}") == std::string::npos) {
    return Error(
        fmt::format("{}: {} groups (`{}`, `{}`...) would share the Service `{}`: put "
                    "`{{group}}` into its name, or give each group a target of its own",
                    key, target.group_count, target.groups[0], target.groups[1], name));
  }
  std::string own = with_group(name, target.groups[group]);
  Result<void> checked = check_namespace(own);  // the same syntax: a DNS label
  if (!checked) return Error(fmt::format("{}: `{}` is no name of a Service", key, own));
  return own;
}

Result<void> check_replica_rule(const LabelRule& rule) {
  const ReplicaRule& replica = rule.replica;
  if (!rule.marks_replicas()) {
    if (replica.otherwise.empty()) return {};
    return Error("otherwise: is about the label of replicas: name it by `replica_label`");
  }
  Result<void> name = check_label_name(replica.name);
  if (!name) return name.error().within("replica_label");
  Result<void> value = check_label_value(replica.value);
  if (!value) return value.error().within("replica_value");
  Result<void> otherwise = check_label_value(replica.otherwise);
  if (!otherwise) return otherwise.error().within("otherwise");
  if (rule.is_shared()) {
    for (const auto& [key, text] :
         {std::pair("replica_value", &replica.value), std::pair("otherwise", &replica.otherwise)}) {
      if (text->empty() || *text != rule.value) continue;
      return Error(
          fmt::format("{}: `{}={}` is what marks the primary, and replica_label is the "
                      "same label: give it another value",
                      key, rule.name, rule.value));
    }
  } else if (replica.value == replica.otherwise) {
    return Error(
        fmt::format("otherwise: every pod would say `{}={}`, replica or not: give it another value",
                    replica.name, replica.value));
  }
  return {};
}

}  // namespace

std::span<const vr_key> setting_keys() { return keys; }

Result<Settings> read_settings(const vr_target& target) {
  Settings settings;
  settings.target = target.name;
  settings.dry_run = vr::is_dry_run(target);
  settings.pod_namespace = text_setting(target, "namespace");
  settings.rule = {text_setting(target, "label"),
                   text_setting(target, "value"),
                   {text_setting(target, "replica_label"), text_setting(target, "replica_value"),
                    text_setting(target, "otherwise")}};
  settings.kubeconfig = text_setting(target, "kubeconfig");
  settings.node_name = text_setting(target, "node_name");
  settings.service_account_dir = text_setting(target, "service_account_dir");
  settings.api_host = text_setting(target, "api_host");
  settings.api_port = vr::setting(target, "api_port").integer;
  settings.request_timeout_ms = milliseconds_setting(target, "request_timeout");
  settings.no_match_after_ms = milliseconds_setting(target, "no_match_after");
  settings.resync_ms = milliseconds_setting(target, "resync");
  settings.poll_ms = milliseconds_setting(target, "poll");
  settings.events = flag_setting(target, "events");
  settings.review_ms = milliseconds_setting(target, "review");

  if (!settings.pod_namespace.empty()) {
    Result<void> checked = check_namespace(settings.pod_namespace);
    if (!checked) return checked.error().within("namespace");
  }
  settings.publish = publish_of(text_setting(target, "publish"));
  settings.service_port = text_setting(target, "service_port");
  Result<void> way = check_way(target, settings.publish);
  if (!way) return way.error();
  Result<void> label = check_label_name(settings.rule.name);
  if (!label) return label.error().within("label");
  Result<void> value = check_label_value(settings.rule.value);
  if (!value) return value.error().within("value");
  Result<void> replica_rule = check_replica_rule(settings.rule);
  if (!replica_rule) return replica_rule.error();

  const std::string selector = text_setting(target, "selector");
  if (selector.empty()) return Error("selector: must not be empty");
  if (target.group_count > 1 && selector.find("{group}") == std::string::npos) {
    return Error(fmt::format(
        "selector: {} groups (`{}`, `{}`...) would share the pods of `{}` and their one label: put "
        "`{{group}}` into the selector, as in `app.kubernetes.io/name=valkey,"
        "app.kubernetes.io/instance={{group}}`, or give each group a target of its own",
        target.group_count, target.groups[0], target.groups[1], selector));
  }
  for (size_t i = 0; i < target.group_count; ++i) {
    Result<LabelSelector> own = group_selector(selector, target.groups[i], settings.rule);
    if (!own) return own.error();
    Result<std::string> service = service_of_group(target, "service", i);
    if (!service) return service.error();
    Result<std::string> replicas = service_of_group(target, "replica_service", i);
    if (!replicas) return replicas.error();
    if (!replicas->empty() && *replicas == *service) {
      return Error("replica_service: must be another Service than `service`");
    }
    settings.groups.push_back(
        {target.groups[i], std::move(*own), std::move(*service), std::move(*replicas)});
  }
  return settings;
}

}  // namespace reconciler
