// The exec target: a program that is run for each new primary.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/topology.h"
#include "plugins/exec/program.h"
#include "plugins/exec/told.h"
#include "plugins/exec/turns.h"
#include "plugins/host.h"

namespace reconciler::exec {

struct Settings {
  std::string target;
  std::vector<std::string> command;
  bool sentinel_arguments = true;
  bool replicas = false;  // run for a change of the replicas alone, too
  uint64_t deadline_ms = 0;
  bool dry_run = false;  // nothing is to be run
};

// Driven by the host. Owned by it, behind the plugin's border.
class ExecTarget {
 public:
  static constexpr bool tells_dry_run = true;

  ExecTarget(Host host, Settings settings) : host_(host), settings_(std::move(settings)) {}

  void apply(const vr_topology& topology, vr_request* request);
  void cancel(vr_request* request);

 private:
  // What the program has been told of a group, with success.
  struct Done {
    vr_primary_state state = VR_PRIMARY_KNOWN;
    Endpoint primary;
    std::vector<Replica> replicas;

    friend bool operator==(const Done&, const Done&) = default;
  };

  struct Group {
    std::optional<Done> done;
    Succession published;

    const vr_topology* topology = nullptr;  // the host's, unchanged until completed
    vr_request* request = nullptr;          // open
    bool cancelled = false;
    std::unique_ptr<Program> program;  // nullptr while it waits for its turn
  };

  Done asked(const vr_topology& topology) const;
  void run(Group& group);
  void ended(Group& group, const ProgramEnd& end);
  void complete(Group& group, vr_outcome outcome, const std::string& reason);

  Host host_;
  Settings settings_;
  std::map<std::string, Group> groups_;
  Turns<Group> turns_;
};

}  // namespace reconciler::exec
