#include "plugins/kubernetes/replica_labels.h"

#include <algorithm>
#include <utility>

#include <fmt/ranges.h>

#include "common/random.h"
#include "plugins/kubernetes/json_patch.h"
#include "plugins/kubernetes/match.h"

namespace reconciler {

namespace {

// After an error that no other instance is the cause of.
constexpr uint64_t shortest_retry_ms = 8000;
constexpr uint64_t longest_retry_ms = 16000;
// From here on a conflict is believed to be none: others would have changed the pod.
constexpr int doubtful_writes = 3;
constexpr uint64_t forgiven_after_ns = 600ull * 1000000000;
// Who hears it is spread over some seconds anyway: a hundred instances must not all write.
constexpr uint64_t shortest_turn_ms = 300;
constexpr uint64_t longest_turn_ms = 3000;
constexpr uint64_t alone_turn_ms = 200;

uint64_t later(uint64_t now_ns, uint64_t after_ms) { return now_ns + after_ms * 1000000; }

uint64_t wait_ms(int writes) {
  const uint64_t patience = patience_ms(writes);
  return random_between(patience, 2 * patience);
}

}  // namespace

ReplicaLabels::ReplicaLabels(Host host, ApiClient& api, const Settings& settings,
                             const std::string& group, PodView& watch,
                             std::function<void()> look_again)
    : host_(host),
      api_(api),
      settings_(settings),
      group_(group),
      watch_(watch),
      look_again_(std::move(look_again)),
      timer_(host) {}

void ReplicaLabels::pause() {
  following_ = false;
  timer_.stop();
}

void ReplicaLabels::forget() {
  pause();
  tell_missing({});
  no_longer_refused();
}

void ReplicaLabels::follow(const Wanted& wanted) {
  if (!api_.rule().marks_replicas()) return;
  following_ = true;
  const Pods& pods = watch_.items();
  std::erase_if(work_, [&](const auto& entry) { return !pods.contains(entry.first); });
  const Replicas replicas = find_replicas(wanted, pods, api_.pod_namespace());
  tell_missing(replicas);
  const auto relabellings = plan_replica_labels(replicas, wanted, pods, api_.rule());
  if (relabellings.empty()) no_longer_refused();
  for (auto& [name, work] : work_) {
    work.noticed = work.noticed && std::any_of(relabellings.begin(), relabellings.end(),
                                               [&, pod = &name](const Relabelling& relabelling) {
                                                 return relabelling.pod->name == *pod;
                                               });
  }
  for (const Relabelling& relabelling : relabellings) notice(relabelling, wanted);
  send_what_is_due();
}

void ReplicaLabels::notice(const Relabelling& relabelling, const Wanted& wanted) {
  const Pod& pod = *relabelling.pod;
  const uint64_t now = host_.now_ns();
  Work& work = work_[pod.name];
  if (work.uid != pod.uid || work.is_replica != relabelling.is_replica) {
    work.uid = pod.uid;
    work.is_replica = relabelling.is_replica;
    work.writes = 0;
    work.due_ns = later(now, turn_ms(wanted));
  } else if (!work.noticed) {
    if (now > work.due_ns + forgiven_after_ns) work.writes = 0;
    work.due_ns = later(now, wait_ms(work.writes));
  }
  work.noticed = true;
}

// The instance beside the primary at once, the others a little later, when they have looked again.
uint64_t ReplicaLabels::turn_ms(const Wanted& wanted) const {
  if (settings_.node_name.empty()) return random_between(0, alone_turn_ms);
  const Pods& pods = watch_.items();
  const bool beside = std::any_of(pods.begin(), pods.end(), [&](const auto& entry) {
    return entry.second.node == settings_.node_name &&
           names_pod(wanted.host, entry.second, api_.pod_namespace());
  });
  return beside ? 0 : random_between(shortest_turn_ms, longest_turn_ms);
}

void ReplicaLabels::send_what_is_due() {
  const uint64_t now = host_.now_ns();
  std::optional<uint64_t> next;
  for (auto& [name, work] : work_) {
    if (!work.noticed || work.under_way) continue;
    const auto pod = watch_.items().find(name);
    if (pod == watch_.items().end()) continue;
    const uint64_t due_ns = std::max(work.due_ns, not_before_ns_);
    if (due_ns <= now) {
      send(pod->second, work);
    } else {
      next = std::min(next.value_or(due_ns), due_ns);
    }
  }
  if (next) timer_.start((*next - now) / 1000000 + 1, look_again_);
}

void ReplicaLabels::send(const Pod& pod, Work& work) {
  work.under_way = true;
  // Where it meets a conflict, that much later again.
  work.due_ns = later(host_.now_ns(), wait_ms(++work.writes));
  api_.patch_aside<Pod>(
      api_.pods(), pod.name, replica_patch(pod, api_.rule(), work.is_replica),
      settings_.request_timeout_ms,
      [this, seen = pod, is_replica = work.is_replica](const WriteAnswer<Pod>& answer) {
        answered(seen, is_replica, answer);
      });
}

void ReplicaLabels::answered(const Pod& seen, bool is_replica, const WriteAnswer<Pod>& answer) {
  host_.count("patches_total", "result", answer.error ? answer.error->label().c_str() : "ok");
  if (answer.item && !answer.item->vanishing) watch_.written(*answer.item);
  const auto work = work_.find(seen.name);
  const bool asked_in_vain =
      answer.error && (!answer.error->mended_by_list() || refused_again(seen, *answer.error));
  if (work != work_.end()) {
    work->second.under_way = false;
    if (asked_in_vain) {
      work->second.writes = std::max(0, work->second.writes - 1);
      work->second.due_ns =
          later(host_.now_ns(), random_between(shortest_retry_ms, longest_retry_ms));
    }
  }
  if (const uint64_t asked_ms = answer.error ? answer.error->retry_after_ms : 0; asked_ms > 0) {
    not_before_ns_ = later(host_.now_ns(), asked_ms + random_between(0, asked_ms / 8));
  }
  const ReplicaRule& rule = api_.rule().replica;
  const std::string pod = api_.pod_namespace() + "/" + seen.name;
  const bool shown = answer.item && answer.item->uid == seen.uid &&
                     answer.item->replica_label == rule.value_for(is_replica);
  if (shown) {
    const auto& value = answer.item->replica_label;
    host_.log(VR_INFO, group_, "pod {}, {} healthy replica: label {}{}", pod,
              is_replica ? "a" : "no", rule.name, value ? "=" + *value : " taken off");
  } else if (!answer.error && answer.item && !answer.item->vanishing) {
    refused("pod " + pod + ": the API server took the label " + rule.name +
            " and does not show it (a webhook?)");
  } else if (asked_in_vain) {
    refused(answer.error->message);
  }
  if (following_) look_again_();
}

// A 422 is how a precondition fails, and how an admission policy refuses: then the pod stays as it was seen.
bool ReplicaLabels::refused_again(const Pod& seen, const ApiError& error) const {
  const auto work = work_.find(seen.name);
  const auto now = watch_.items().find(seen.name);
  return error.code == 422 && work != work_.end() && work->second.writes >= doubtful_writes &&
         now != watch_.items().end() && now->second.uid == seen.uid &&
         now->second.stamp.text == seen.stamp.text && now->second.pause == seen.pause &&
         now->second.replica_label == seen.replica_label;
}

void ReplicaLabels::refused(const std::string& why) {
  if (!std::exchange(refused_, true)) host_.log(VR_WARNING, group_, "{}", why);
  host_.set_degraded(group_, "replica-label-refused", why);
}

void ReplicaLabels::no_longer_refused() {
  if (std::exchange(refused_, false)) host_.clear_problem(group_, "replica-label-refused");
}

void ReplicaLabels::tell_missing(const Replicas& replicas) {
  const std::string missing = fmt::format("{}", fmt::join(replicas.without_pod, "; "));
  if (missing == missing_) return;
  missing_ = missing;
  if (missing.empty()) {
    host_.clear_problem(group_, "replica-without-pod");
  } else {
    host_.log(VR_WARNING, group_, "a healthy replica: {}", missing);
    host_.set_degraded(group_, "replica-without-pod", "a healthy replica: " + missing);
  }
}

}  // namespace reconciler
