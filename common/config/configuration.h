// The accepted configuration: every value checked and defaults filled in. Made by
// load_configuration (loading.h), cut into the parts that each child is given.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/config/plugin_schema.h"
#include "common/log.h"
#include "common/topology.h"

namespace reconciler {

using Milliseconds = int64_t;

struct LogSettings {
  log::Level level = log::Level::info;
  log::Format format = log::Format::text;

  friend bool operator==(const LogSettings&, const LogSettings&) = default;
};

// `tls` of a table: how connections are made secure.
struct TlsSettings {
  bool enabled = false;
  std::string ca_file;      // empty: the system's
  std::string cert_file;    // of the client, with `key_file`; both empty: none
  std::string key_file;     // these three are read by the watcher, anew when they change
  std::string server_name;  // asked for (SNI) and checked; empty: the host as configured or told
  bool insecure_skip_verify = false;

  friend bool operator==(const TlsSettings&, const TlsSettings&) = default;
};

// What it takes to be let in, to Sentinels or to instances.
struct AccessSettings {
  std::string username;       // empty: the default user
  std::string password;       // empty: none
  std::string password_file;  // read by the watcher; goes over `password`
  TlsSettings tls;

  friend bool operator==(const AccessSettings&, const AccessSettings&) = default;
};

// How much proof is wanted before a new primary is published.
enum class ActOn : uint8_t {
  announcement = 0,  // one Sentinel names it under a higher epoch
  agreement = 1,     // min(known, max(2, a majority of the known)) do, and its ROLE agrees
  promotion = 2,     // an elected leader's candidate says by its ROLE that it is primary
};

// When a primary is withdrawn.
enum class DemoteOn : uint8_t {
  primary_switch = 0,  // "switch": when another one is published
  odown = 1,           // when a quorum of Sentinels calls it down
};

// `[[sentinel.group]]`.
struct GroupSettings {
  std::string name;  // as Sentinel knows it
  ActOn act_on = ActOn::announcement;
  DemoteOn demote_on = DemoteOn::primary_switch;
  Milliseconds reset_after = 10'000;  // how long a majority must name lower epochs to be believed

  friend bool operator==(const GroupSettings&, const GroupSettings&) = default;
};

// `[[sentinel]]`: a set of Sentinels that watch the same groups.
struct SentinelSettings {
  std::string name;
  std::vector<Endpoint> addresses;  // as configured: IP addresses or host names
  AccessSettings access;            // to the Sentinels
  bool ask_instances = false;       // for their ROLE
  AccessSettings instances;         // to the instances, where they are asked
  bool discover = true;             // take up the Sentinels that these tell of
  std::vector<GroupSettings> groups;
  Milliseconds poll_interval = 5'000;    // how often each Sentinel is asked without an event
  Milliseconds connect_timeout = 2'000;  // until the first reply
  Milliseconds reply_timeout = 2'000;    // for every later one
  Milliseconds backoff_min = 100;  // before a connection is tried again, doubling, with jitter
  Milliseconds backoff_max = 5'000;
  Milliseconds resolve_interval = 10'000;  // how often host names are looked up again

  friend bool operator==(const SentinelSettings&, const SentinelSettings&) = default;
};

// The value of one key of a plugin; which of the fields counts is said by `type`.
struct Setting {
  std::string name;
  SettingType type = SettingType::string;
  bool given = false;  // written by the user, in file or environment
  bool secret = false;
  std::string string;
  int64_t integer = 0;  // integer; boolean 0 or 1; duration in milliseconds
  std::vector<std::string> list;

  friend bool operator==(const Setting&, const Setting&) = default;
};

// `[[target]]`.
struct TargetSettings {
  std::string name;
  std::string plugin;               // a name (`kubernetes`) or a path (contains '/')
  std::vector<std::string> groups;  // names, with "*" already replaced by all configured groups
  Milliseconds deadline = 10'000;   // for one attempt of the plugin
  Milliseconds retry_min = 100;     // backoff between attempts, doubling, with jitter
  Milliseconds retry_max = 10'000;
  std::vector<Setting> settings;  // one for each key of the plugin's schema, in that order

  friend bool operator==(const TargetSettings&, const TargetSettings&) = default;
};

// `[supervision]`.
struct SupervisionSettings {
  Milliseconds heartbeat_interval = 2'000;
  Milliseconds heartbeat_deadline = 6'000;
  Milliseconds ready_timeout = 10'000;  // from exec to ready
  Milliseconds stable_after = 10'000;   // a crash after that long up restarts at once
  Milliseconds backoff_min = 100;
  Milliseconds backoff_max = 10'000;

  friend bool operator==(const SupervisionSettings&, const SupervisionSettings&) = default;
};

struct Configuration {
  std::string file;                         // where it was read; empty: from the environment alone
  std::vector<SentinelSettings> sentinels;  // at least one
  std::vector<TargetSettings> targets;      // at least one
  std::string http_listen;                  // `127.0.0.1:8080`, `[::]:8080`; empty: no HTTP
  LogSettings log;
  SupervisionSettings supervision;
  bool dry_run = false;            // no target is to be changed; never written in the file
  std::vector<std::string> notes;  // nothing wrong, but worth a line in the log
};

// The parts that children are given.
struct WatcherSettings {
  LogSettings log;
  Milliseconds heartbeat_interval = 2'000;
  std::vector<SentinelSettings> sentinels;

  friend bool operator==(const WatcherSettings&, const WatcherSettings&) = default;
};

struct LabelerSettings {
  LogSettings log;
  Milliseconds heartbeat_interval = 2'000;
  bool dry_run = false;  // the target is not to be changed
  TargetSettings target;

  friend bool operator==(const LabelerSettings&, const LabelerSettings&) = default;
};

}  // namespace reconciler
