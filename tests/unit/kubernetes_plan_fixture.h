// Pods with labels and stamps, for the tests of what is decided about them.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "plugins/kubernetes/plan.h"

namespace reconciler {

// Three pods `a`, `b`, `c` with the addresses 10.0.0.1 to 3, and what a case puts on them.
class KubernetesPlanTest : public testing::Test {
 protected:
  KubernetesPlanTest() {
    for (const char* name : {"a", "b", "c"}) {
      Pod pod;
      pod.name = name;
      pod.uid = std::string("uid-") + name;
      pod.addresses = {"10.0.0." + std::to_string(pods_.size() + 1)};
      pod.has_labels = true;
      pod.ready = true;
      pods_.emplace(name, pod);
    }
  }

  static std::string address(const std::string& pod) {
    return "10.0.0." + std::to_string(pod[0] - 'a' + 1) + ":6379";
  }

  void label(const std::string& pod, const std::string& value = "true") {
    pods_.at(pod).label = value;
  }
  void stamp(const std::string& pod, StampKind kind, uint64_t epoch, const std::string& primary,
             uint32_t step = 0, const std::string& group = "g") {
    pods_.at(pod).has_annotations = true;
    pods_.at(pod).stamp =
        read_stamp(format_stamp({{{0, epoch, step}, address(primary)}, kind, 7, group}));
  }
  // As a failover to `pod` under `epoch` leaves it.
  void promoted(const std::string& pod, uint64_t epoch) {
    label(pod);
    stamp(pod, StampKind::promoted, epoch, pod);
  }
  void fenced(const std::string& pod, uint64_t epoch, const std::string& primary) {
    stamp(pod, StampKind::fenced, epoch, primary);
  }

  static Wanted wanted(Decision decision, const std::string& primary, bool withdrawn = false) {
    Wanted result;
    result.group = "g";
    result.host = "10.0.0." + std::to_string(primary[0] - 'a' + 1);
    result.port = 6379;
    result.claim = {decision, address(primary)};
    result.withdrawn = withdrawn;
    return result;
  }
  Plan plan(uint64_t epoch, const std::string& primary, uint32_t step = 0, bool withdrawn = false) {
    return make_plan(wanted({0, epoch, step}, primary, withdrawn), pods_, rule_, "shop");
  }

  static std::vector<std::string> fences(const Plan& plan) {
    std::vector<std::string> names;
    for (const Pod* pod : plan.fences) names.push_back(pod->name);
    return names;
  }
  static std::string promote(const Plan& plan) {
    return plan.promote == nullptr ? "" : plan.promote->name;
  }

  const LabelRule rule_{"valkey-master", "true"};
  Pods pods_;
};

}  // namespace reconciler
