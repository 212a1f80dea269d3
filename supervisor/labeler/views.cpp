#include "supervisor/labeler/views.h"

namespace reconciler::labeler {

namespace {

// Room for what most topologies have.
constexpr std::size_t usual_replicas = 2;
constexpr std::size_t usual_cause = 64;  // bytes

vr_instance instance_of(const Endpoint& endpoint, bool healthy) {
  return {sizeof(vr_instance), endpoint.host.c_str(), endpoint.port, healthy ? 1 : 0};
}

std::vector<const char*> pointers(const std::vector<std::string>& texts) {
  std::vector<const char*> result;
  result.reserve(texts.size());
  for (const std::string& text : texts) result.push_back(text.c_str());
  return result;
}

}  // namespace

TopologyView::TopologyView() {
  topology_.cause.reserve(usual_cause);
  topology_.replicas.reserve(usual_replicas);
  replicas_.reserve(usual_replicas);
  replica_pointers_.reserve(usual_replicas);
}

void TopologyView::show(const Topology& topology, uint64_t generation, uint64_t revision) {
  topology_ = topology;
  primary_ = instance_of(topology_.primary, true);
  replicas_.clear();
  replica_pointers_.clear();
  replicas_.reserve(topology_.replicas.size());
  replica_pointers_.reserve(topology_.replicas.size());
  for (const Replica& replica : topology_.replicas) {
    replicas_.push_back(instance_of(replica.endpoint, replica.healthy));
    replica_pointers_.push_back(&replicas_.back());
  }
  view_.size = sizeof view_;
  view_.group = topology_.group.c_str();
  view_.era = topology_.decision.era;
  view_.epoch = topology_.decision.epoch;
  view_.step = topology_.decision.step;
  view_.generation = generation;
  view_.revision = revision;
  view_.state = topology_.state == PrimaryState::known ? VR_PRIMARY_KNOWN : VR_PRIMARY_SUSPECTED;
  view_.primary = &primary_;
  view_.replica_count = replica_pointers_.size();
  view_.replicas = replica_pointers_.data();
  view_.cause = topology_.cause.c_str();
  view_.event_unix_us = topology_.event_unix_us;
  view_.event_mono_ns = topology_.event_mono_ns;
}

TargetView::TargetView(const TargetSettings& target, bool dry_run)
    : groups_(pointers(target.groups)) {
  lists_.reserve(target.settings.size());
  settings_.reserve(target.settings.size());
  for (const Setting& setting : target.settings) {
    const auto& list = lists_.emplace_back(pointers(setting.list));
    settings_.push_back({sizeof(vr_setting), setting.name.c_str(),
                         static_cast<vr_type>(setting.type), setting.given ? 1 : 0,
                         setting.string.c_str(), setting.integer, list.size(), list.data()});
  }
  for (const vr_setting& setting : settings_) setting_pointers_.push_back(&setting);
  view_ = {sizeof(vr_target),
           target.name.c_str(),
           groups_.size(),
           groups_.data(),
           settings_.size(),
           setting_pointers_.data(),
           static_cast<uint64_t>(target.deadline),
           dry_run ? 1 : 0};
}

}  // namespace reconciler::labeler
