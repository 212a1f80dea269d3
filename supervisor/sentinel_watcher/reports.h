// What the watcher tells the supervisor: topologies, and problems of Sentinels gathered under one id each.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "common/ipc/message.h"
#include "common/topology.h"

namespace reconciler {

namespace ipc {
class ChildSession;
}

// What the troubles of a Sentinel are kept by, with what they are about behind it: two sets may have one address.
std::string subject_of(const std::string& set, const Endpoint& sentinel);

// Owned by the Watcher, used by all its parts.
class Reports {
 public:
  explicit Reports(ipc::ChildSession& session) : session_(session) {}

  void publish(const Topology& topology);
  void problem_set(const std::string& group, const std::string& id, const std::string& message,
                   ipc::Severity severity);
  void problem_clear(const std::string& group, const std::string& id);
  void count(const std::string& name, const std::string& label, const std::string& value);
  // What it was about is gone.
  void count_no_more(const std::string& name, const std::string& label, const std::string& value);
  // Asked for when a report goes, from whoever knows them.
  void gauges_changed();

  struct Trouble {
    std::string id;
    std::string message;

    friend bool operator==(const Trouble&, const Trouble&) = default;
  };

  // A problem of one Sentinel or host name; at most one at a time for each subject. None of them keeps a group from being
  // right by itself: that is for the group to say.
  void trouble(const std::string& subject, const std::string& id, const std::string& message);
  // The same, with a line in the log where it begins.
  void logged_trouble(const std::string& subject, const std::string& id,
                      const std::string& message);
  void no_trouble(const std::string& subject);
  // Null where there is none.
  const Trouble* trouble_of(const std::string& subject) const;

 private:
  void show(const std::string& id);

  ipc::ChildSession& session_;
  std::map<std::string, Trouble> troubles_;  // by subject
};

}  // namespace reconciler
