// The schemas of plugins as the configuration's tests need them, without a plugin.
#pragma once

#include <string>

#include "common/config/plugin_schema.h"

namespace reconciler::test {

// The keys of the shipped plugins that the tests write; the process tests ask the plugins themselves.
inline PluginSchema kubernetes_schema() {
  PluginSchema schema{"kubernetes", "0.1.0", {}};
  schema.keys = {
      {.name = "namespace", .environment = "POD_NAMESPACE"},
      {.name = "selector",
       .default_value = "app.kubernetes.io/name=valkey",
       .environment = "POD_SELECTOR"},
      {.name = "publish",
       .default_value = "label",
       .choices = {"label", "endpointslice", "service-selector"},
       .environment = "PUBLISH"},
      {.name = "service", .environment = "SERVICE_NAME"},
      {.name = "replica_service"},
      {.name = "service_port"},
      {.name = "label", .default_value = "valkey-master", .environment = "MASTER_POD_LABEL_NAME"},
      {.name = "value", .default_value = "true", .environment = "MASTER_POD_LABEL_VALUE"},
      {.name = "replica_label"},
      {.name = "replica_value", .default_value = "true"},
      {.name = "otherwise"},
      {.name = "events", .type = SettingType::boolean, .default_value = "true"},
      {.name = "kubeconfig", .environment = "KUBECONFIG"},
      {.name = "node_name", .environment = "NODE_NAME"},
      {.name = "service_account_dir",
       .default_value = "/var/run/secrets/kubernetes.io/serviceaccount"},
      {.name = "api_host", .environment = "KUBERNETES_SERVICE_HOST"},
      {.name = "api_port",
       .type = SettingType::integer,
       .default_value = "443",
       .minimum = 1,
       .maximum = 65'535,
       .environment = "KUBERNETES_SERVICE_PORT"},
      {.name = "request_timeout",
       .type = SettingType::duration,
       .default_value = "5s",
       .minimum = 100,
       .maximum = 60'000},
      {.name = "no_match_after",
       .type = SettingType::duration,
       .default_value = "5s",
       .minimum = 0,
       .maximum = 3'600'000},
      {.name = "resync",
       .type = SettingType::duration,
       .default_value = "5m",
       .minimum = 1'000,
       .maximum = 86'400'000},
      {.name = "poll",
       .type = SettingType::duration,
       .default_value = "10s",
       .minimum = 1'000,
       .maximum = 300'000},
      {.name = "review",
       .type = SettingType::duration,
       .default_value = "10m",
       .minimum = 1'000,
       .maximum = 86'400'000},
  };
  return schema;
}

inline PluginSchema file_schema() {
  return {"file",
          "0.1.0",
          {{.name = "directory", .required = true, .file = true, .help = "Folder of the files."},
           {.name = "format",
            .default_value = "json",
            .choices = {"json", "env", "haproxy-map", "hosts"}},
           {.name = "host_name", .default_value = "{group}"},
           {.name = "mode", .default_value = "0644"},
           {.name = "owner"},
           {.name = "command", .type = SettingType::string_list}}};
}

inline PluginSchema exec_schema() {
  return {"exec",
          "0.1.0",
          {{.name = "command", .type = SettingType::string_list, .required = true},
           {.name = "arguments", .default_value = "sentinel", .choices = {"sentinel", "none"}},
           {.name = "replicas", .type = SettingType::boolean, .default_value = "false"}}};
}

// A plugin with a key of each type, and one that is secret.
inline PluginSchema sample_schema() {
  PluginSchema schema{"sample", "1", {}};
  schema.keys = {
      {.name = "text", .environment = "SAMPLE_TEXT"},
      {.name = "token", .secret = true, .environment = "SAMPLE_TOKEN"},
      {.name = "count",
       .type = SettingType::integer,
       .default_value = "3",
       .environment = "SAMPLE_COUNT"},
      {.name = "dry",
       .type = SettingType::boolean,
       .default_value = "true",
       .environment = "SAMPLE_DRY"},
      {.name = "wait",
       .type = SettingType::duration,
       .default_value = "250ms",
       .environment = "SAMPLE_WAIT"},
      {.name = "files",
       .type = SettingType::string_list,
       .file = true,
       .default_value = "a,b",
       .environment = "SAMPLE_FILES"},
  };
  return schema;
}

inline Result<PluginSchema> describe(const std::string& plugin, int64_t = 0) {
  if (plugin == "kubernetes") return kubernetes_schema();
  if (plugin == "file") return file_schema();
  if (plugin == "exec") return exec_schema();
  if (plugin == "sample" || plugin.ends_with("/sample.so")) return sample_schema();
  return Error("plugin " + plugin + ": not found");
}

}  // namespace reconciler::test
