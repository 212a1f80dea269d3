// What is nothing wrong, but worth a line in the log and from `check`.
#include <algorithm>

#include "common/config/reading.h"

namespace reconciler {

namespace {

// A group that no target serves is most likely forgotten.
void note_unserved(const Configuration& configuration, const GroupSettings& group,
                   std::vector<std::string>& notes) {
  const bool served = std::any_of(configuration.targets.begin(), configuration.targets.end(),
                                  [&](const TargetSettings& target) {
                                    return std::find(target.groups.begin(), target.groups.end(),
                                                     group.name) != target.groups.end();
                                  });
  if (!served) notes.push_back(fmt::format("group {} is served by no target", quote(group.name)));
}

// One line for all groups of a set: each instance of this program makes these connections.
void note_promotion(const SentinelSettings& set, std::vector<std::string>& notes) {
  const auto acts = [](const GroupSettings& group) { return group.act_on == ActOn::promotion; };
  const auto first = std::find_if(set.groups.begin(), set.groups.end(), acts);
  if (first == set.groups.end()) return;
  const auto more = std::count_if(first + 1, set.groups.end(), acts);
  notes.push_back(fmt::format(
      "group {}{} of the Sentinels {}: act_on \"promotion\" is meant for a few instances of this "
      "program, not for one on every node of a large cluster: each of them connects to instances "
      "during a failover",
      quote(first->name), more == 0 ? "" : fmt::format(" and {} more", more), quote(set.name)));
}

void note_unverified(const std::string& whose, const TlsSettings& tls,
                     std::vector<std::string>& notes) {
  if (!tls.enabled || !tls.insecure_skip_verify) return;
  notes.push_back(
      fmt::format("the certificates of {} are not verified (insecure_skip_verify): whoever is on "
                  "the way to them can read the password and answer in their place",
                  whose));
}

// TLS to the Sentinels is not TLS to the instances, and nothing else would tell.
void note_plain_password(const SentinelSettings& set, std::vector<std::string>& notes) {
  const bool has_password = !set.instances.password.empty() || !set.instances.password_file.empty();
  if (!set.access.tls.enabled || set.instances.tls.enabled || !has_password) return;
  notes.push_back(fmt::format(
      "the Sentinels {} are reached with TLS, but their instances without, and the "
      "instances' password can be read on the way (instances.tls is a table of its own)",
      quote(set.name)));
}

}  // namespace

std::vector<std::string> notes_on(const Configuration& configuration) {
  std::vector<std::string> notes;
  for (const SentinelSettings& set : configuration.sentinels) {
    for (const GroupSettings& group : set.groups) note_unserved(configuration, group, notes);
    note_promotion(set, notes);
    note_unverified(fmt::format("the Sentinels {}", quote(set.name)), set.access.tls, notes);
    note_unverified(fmt::format("the instances of {}", quote(set.name)), set.instances.tls, notes);
    note_plain_password(set, notes);
  }
  return notes;
}

}  // namespace reconciler
