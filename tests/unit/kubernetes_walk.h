// Several instances that act on the same pods with views of different age, and the world that they live in: what
// kubernetes_protocol_test.cpp walks through at random.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "plugins/count_ahead.h"
#include "plugins/kubernetes/operator_order.h"
#include "plugins/kubernetes/patch_document.h"
#include "plugins/kubernetes/plan.h"
#include "tests/unit/json_patch_server.h"

namespace reconciler {

// How healthy replicas are marked.
enum class Marking { none, own_label, shared_label };

inline LabelRule rule_of(Marking marking) {
  switch (marking) {
    case Marking::own_label:
      return {"valkey-master", "true", {"valkey-replica", "yes", ""}};
    case Marking::shared_label:
      return {"role", "primary", {"role", "replica", "none"}};
    case Marking::none:
      break;
  }
  return {"valkey-master", "true", {}};
}

inline const std::vector<std::string> walked_pods{"a", "b", "c"};

enum class Variation {
  none,
  no_unique_number,
  fence_labelled_only,
  promote_first,
  skip_idle_fences,
  never_take_over,
  believe_the_vanishing,
  release_by_taking_off,     // the stamp of a pod, rather than to overwrite it
  relabel_untested,          // replicas, whatever their stamp is by now
  relabel_restoring_stamps,  // the same, and the stamp that was seen is written again
  relabel_for_fences         // where no label of the primary is to be taken off
};

struct World {
  bool recreations = false;
  bool wipes = false;
  bool hand_labels = false;
  bool operators = false;  // who pause, resume and release pods; then the label may go backwards
  bool unsettled = false;  // provisional promotions and suspicions, too
  Marking marking = Marking::none;
  Variation variation = Variation::none;
};

struct Write {
  std::string pod;
  Pod seen;
  std::string body;
  Claim claim;
  Pod answer;  // the pod as this write left it
  bool promotes = false;
  bool relabels = false;  // the label of replicas alone
  bool arrived = false;
  bool worked = false;
  bool answered = false;
};

class Walk;

// One instance of the program, reduced to what it knows and what it waits for.
class Instance {
 public:
  explicit Instance(Walk& walk) : walk_(&walk) {}
  void step();
  // `told`: in its own count.
  void order(Wanted told) {
    told_ = std::move(told);
    begin();
  }
  const Wanted& told() const { return told_; }
  void hear_of_replicas(const std::vector<InstanceAddress>& healthy) {
    told_.replicas = healthy;
    if (fences_.empty() && !promoting_) begin();
  }
  void die();
  void see_everything();
  bool finish_attempt();

 private:
  void begin();
  void learn();
  bool takes_over();
  void watch_one();
  void take_answers();
  std::shared_ptr<Write> make(const Pod& pod, StampKind kind, bool is_replica);
  std::shared_ptr<Write> make_relabelling(const Pod& pod, bool is_replica);
  void relabel();

  Walk* walk_;
  PodStore store_;
  size_t seen_ = 0;
  Wanted told_;
  Wanted wanted_;  // the same in the pods' count
  CountAhead ahead_;
  std::vector<std::shared_ptr<Write>> fences_;
  std::shared_ptr<Write> promotion_;
  bool promoting_ = false;
};

// Driven by a test: run() at random, then settle().
class Walk {
 public:
  Walk(uint32_t seed, World world)
      : world_(world), rule_(rule_of(world.marking)), random_(seed), server_(rule_) {
    for (size_t i = 0; i < walked_pods.size(); ++i) come_or_go(i);
    for (int i = 0; i < 3; ++i) instances_.emplace_back(*this);
  }

  // Two primaries under one epoch happen, too.
  Wanted topology(uint64_t epoch) {
    const bool tie = !world_.unsettled && pick(8) == 0;
    return decision({0, epoch, 0}, tie ? pick(walked_pods.size()) : primary_of(epoch));
  }

  // What an instance's Sentinels, or its own eyes, tell it after `told`.
  Wanted after(const Wanted& told) {
    const Decision& last = told.claim.decision;
    const bool anew = told.group.empty() || last.epoch + 1 < epoch_ || pick(3) == 0;
    if (anew || !world_.unsettled) {
      const uint64_t epoch = epoch_ - std::min<uint64_t>(epoch_ - 1, pick(2));
      return anew && epoch == last.epoch ? settled_after(told, epoch) : topology(epoch);
    }
    if (pick(2) == 0) return settled_after(told, last.epoch);
    const size_t primary = primary_of(last.epoch);
    const bool suspected = pick(2) == 0;
    Wanted next = decision(Decision{0, last.epoch, last.step}.next(/*as_settled=*/false),
                           suspected ? primary : (primary + 1 + pick(2)) % walked_pods.size());
    next.withdrawn = suspected;
    return next;
  }

  // What the Sentinels say of `epoch` in the end.
  Wanted settled_after(const Wanted& told, uint64_t epoch) {
    const Decision& last = told.claim.decision;
    Decision next{0, epoch, 0};
    if (!told.group.empty() && last.epoch == epoch) {
      next.step = last.settled() ? last.step : last.step + 1;
    }
    return decision(next, primary_of(epoch));
  }

  void run(int steps) {
    for (int i = 0; i < steps && !two_labels && !backwards; ++i) {
      if (world_.operators && pick(15) == 0) operate();
      const uint32_t what = pick(100);
      Instance& instance = instances_[pick(instances_.size())];
      if (world_.marking != Marking::none && pick(4) == 0) instance.hear_of_replicas(healthy());
      if (what < 8) {
        if (pick(3) == 0) ++epoch_;
        instance.order(after(instance.told()));
      } else if (what < 10) {
        instance.die();
      } else if (what < 13 && world_.recreations) {
        come_or_go(pick(walked_pods.size()));
      } else if (what < 14 && world_.wipes) {
        const std::string& pod = walked_pods[pick(walked_pods.size())];
        if (server_.has(pod)) server_.wipe_label(pod);
      } else if (what < 15 && world_.hand_labels) {
        const std::string& pod = walked_pods[pick(walked_pods.size())];
        if (server_.has(pod)) server_.set_label(pod);
      } else if (what < 55) {
        instance.step();
      } else {
        arrive();
      }
    }
  }

  // Everybody hears the newest, sees everything, and finishes what he does. Where there were unsettled decisions, that is
  // what the Sentinels say of the same epoch, and those that made them may be gone.
  void settle() {
    if (!world_.unsettled) ++epoch_;
    settling_ = true;
    const Wanted newest = topology(epoch_);
    settled_on_ = newest.host;
    for (size_t i = 0; i < walked_pods.size(); ++i) {
      while (!server_.has(walked_pods[i]) || server_.pod(walked_pods[i]).vanishing) come_or_go(i);
    }
    for (int round = 0; round < 200; ++round) {
      bool idle = true;
      while (!in_flight_.empty()) arrive();
      resume_all();
      for (Instance& instance : instances_) {
        if (round == 0 && world_.unsettled && pick(4) != 0) instance.die();
        instance.see_everything();
        if (round == 0) {
          instance.order(world_.unsettled ? settled_after(instance.told(), epoch_) : newest);
        }
        idle &= instance.finish_attempt();
      }
      if (idle && in_flight_.empty() && round > 1) return;
    }
  }

  bool is_right() const {
    const std::vector<Pod> pods = server_.list();
    return std::all_of(pods.begin(), pods.end(), [&](const Pod& pod) {
      const bool is_primary = pod.addresses.at(0) == settled_on_;
      if (world_.marking == Marking::none || (is_primary && rule_.is_shared())) {
        return pod.carries(rule_) == is_primary;
      }
      return pod.carries(rule_) == is_primary &&
             pod.replica_label == rule_.replica.value_for(!is_primary);
    });
  }

  uint32_t pick(size_t below) { return static_cast<uint32_t>(random_() % below); }
  uint64_t unique() { return world_.variation == Variation::no_unique_number ? 0 : ++unique_; }
  JsonPatchServer& server() { return server_; }
  const LabelRule& rule() const { return rule_; }
  const World& world() const { return world_; }
  void send(std::shared_ptr<Write> write) { in_flight_.push_back(std::move(write)); }
  // Every label is off, by this decision.
  void withdrawn(const Claim& claim) {
    ++withdrawals;
    highest_ = std::max(highest_, claim);
  }
  bool is_settling() const { return settling_; }

  bool two_labels = false;
  bool backwards = false;
  bool primary_relabelled = false;
  size_t relabelled = 0;
  size_t promotions = 0;
  size_t withdrawals = 0;
  size_t takeovers = 0;

 private:
  static size_t primary_of(uint64_t epoch) { return (epoch * 7) % walked_pods.size(); }
  // Each instance hears something else of the replicas, until all has come to rest.
  Wanted decision(Decision decision, size_t pod) {
    Wanted wanted;
    wanted.group = "g";
    wanted.host = "10.0.0." + std::to_string(pod + 1);
    wanted.port = 6379;
    wanted.claim = {decision, wanted.host + ":6379"};
    if (world_.marking != Marking::none) wanted.replicas = healthy();
    return wanted;
  }
  std::vector<InstanceAddress> healthy() {
    std::vector<InstanceAddress> addresses;
    for (size_t i = 0; i < walked_pods.size(); ++i) {
      if (!settling_ && pick(3) == 0) continue;
      addresses.push_back({"10.0.0." + std::to_string(i + 1), 6379});
    }
    return addresses;
  }

  // A pod is deleted, in two steps, and some time later there is another one under its name.
  void come_or_go(size_t pod) {
    const std::string& name = walked_pods[pod];
    if (!server_.has(name)) {
      server_.create(name, "10.0.0." + std::to_string(pod + 1));
    } else if (!server_.pod(name).vanishing) {
      server_.begin_removal(name);
    } else {
      server_.remove(name);
    }
  }

  // What an operator wants of a pod as it is now; it may reach the server much later.
  void operate() {
    const std::string& name = walked_pods[pick(walked_pods.size())];
    if (!server_.has(name)) return;
    const uint32_t what = pick(16);
    const vr_order_kind kind = what == 0 ? VR_PAUSE : what < 11 ? VR_RESUME : VR_RELEASE;
    const vr_order order{sizeof(vr_order), kind, "g", "jane", ""};
    auto write = std::make_shared<Write>();
    write->pod = name;
    write->body = order_patch(server_.pod(name), operator_order(order, unique()));
    if (kind == VR_RELEASE && world_.variation == Variation::release_by_taking_off) {
      PatchDocument patch;
      patch.require_as_seen(server_.pod(name));
      patch.remove("/metadata/annotations/" + pointer_step(stamp_annotation));
      write->body = patch.str();
    }
    send(std::move(write));
  }
  void resume_all() {
    const vr_order order{sizeof(vr_order), VR_RESUME, "g", "jane", ""};
    for (const Pod& pod : server_.list()) {
      if (!pod.paused().empty())
        server_.patch(pod.name, order_patch(pod, operator_order(order, 0)));
    }
  }

  // One of the writes under way reaches the server; which, nobody knows.
  void arrive() {
    if (in_flight_.empty()) return;
    const size_t index = pick(in_flight_.size());
    const std::shared_ptr<Write> write = in_flight_[index];
    in_flight_.erase(in_flight_.begin() + static_cast<std::ptrdiff_t>(index));
    const std::optional<Pod> before =
        server_.has(write->pod) ? std::optional(server_.pod(write->pod)) : std::nullopt;
    const std::optional<Pod> answer = server_.patch(write->pod, write->body);
    if (write->relabels) {
      ++relabelled;
      look_at_relabelled(before, write->pod);
    }
    write->arrived = true;
    write->worked =
        answer && (!answer->vanishing || world_.variation == Variation::believe_the_vanishing);
    if (!write->worked) return;
    write->answer = *answer;
    if (!write->promotes) return;
    look_at_relabelled(std::nullopt, write->pod);
    ++promotions;
    two_labels |= !world_.hand_labels && server_.labelled() > 1;
    backwards |= !world_.recreations && !world_.operators && write->claim < highest_;
    highest_ = std::max(highest_, write->claim);
  }

  // What a label of replicas is written to stays the primary, or stays none; and whom we promoted is called no replica.
  void look_at_relabelled(const std::optional<Pod>& before, const std::string& name) {
    if (!server_.has(name)) return;
    const Pod now = server_.pod(name);
    const bool same = !before || (before->carries(rule_) == now.carries(rule_) &&
                                  before->stamp.text == now.stamp.text);
    const bool both = now.carries(rule_) && now.stamp.stamp &&
                      now.stamp.stamp->kind == StampKind::promoted &&
                      now.replica_label == rule_.replica.value;
    primary_relabelled |= !same || both;
  }

  World world_;
  const LabelRule rule_;
  std::mt19937 random_;
  JsonPatchServer server_;
  std::vector<Instance> instances_;
  std::vector<std::shared_ptr<Write>> in_flight_;
  uint64_t epoch_ = 1;
  uint64_t unique_ = 0;
  Claim highest_;
  std::string settled_on_;
  bool settling_ = false;
};

}  // namespace reconciler
