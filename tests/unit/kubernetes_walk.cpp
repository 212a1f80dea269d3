#include "tests/unit/kubernetes_walk.h"

#include "common/json.h"
#include "plugins/kubernetes/json_patch.h"
#include "plugins/kubernetes/patch_document.h"
#include "plugins/kubernetes/replica_plan.h"

namespace reconciler {

void Instance::watch_one() {
  const auto& history = walk_->server().history();
  if (seen_ == history.size()) return;
  const JsonPatchServer::Event& event = history[seen_++];
  if (event.removed) {
    store_.remove(event.pod);
  } else {
    store_.set(event.pod);
  }
}

void Instance::see_everything() {
  while (seen_ < walk_->server().history().size()) watch_one();
}

void Instance::die() {
  // What it sent goes on its way. The next one begins with a list, or with an old one of a server that lags behind.
  *this = Instance(*walk_);
}

std::shared_ptr<Write> Instance::make(const Pod& pod, StampKind kind, bool is_replica) {
  const Stamp stamp{wanted_.claim, kind, walk_->unique(), "g"};
  auto write = std::make_shared<Write>();
  write->pod = pod.name;
  write->seen = pod;
  write->claim = wanted_.claim;
  write->promotes = kind == StampKind::promoted;
  write->body = write->promotes ? promote_patch(pod, stamp, walk_->rule())
                                : fence_patch(pod, stamp, walk_->rule(), is_replica);
  return write;
}

namespace {

// Without its tests, but for the uid; and with `stamp` written where there is one.
std::string untested(const std::string& body, const std::string& stamp) {
  const json::Document tested = json::parse(body);
  const json::Document operations(cJSON_CreateArray());
  const cJSON* operation = nullptr;
  cJSON_ArrayForEach(operation, tested.get()) {
    const bool is_test = json::text(operation, "op") == "test";
    if (is_test && json::text(operation, "path") != "/metadata/uid") continue;
    cJSON_AddItemToArray(operations.get(), cJSON_Duplicate(operation, 1));
  }
  if (!stamp.empty()) {
    cJSON* restore = cJSON_CreateObject();
    cJSON_AddItemToArray(operations.get(), restore);
    cJSON_AddStringToObject(restore, "op", "add");
    cJSON_AddStringToObject(restore, "path",
                            ("/metadata/annotations/" + pointer_step(stamp_annotation)).c_str());
    cJSON_AddStringToObject(restore, "value", stamp.c_str());
  }
  char* printed = cJSON_PrintUnformatted(operations.get());
  std::string text(printed);
  cJSON_free(printed);
  return text;
}

}  // namespace

std::shared_ptr<Write> Instance::make_relabelling(const Pod& pod, bool is_replica) {
  auto write = std::make_shared<Write>();
  write->pod = pod.name;
  write->seen = pod;
  write->relabels = true;
  write->body = replica_patch(pod, walk_->rule(), is_replica);
  const Variation variation = walk_->world().variation;
  if (variation == Variation::relabel_untested) write->body = untested(write->body, "");
  if (variation == Variation::relabel_restoring_stamps) {
    write->body = untested(write->body, pod.stamp.text);
  }
  return write;
}

// Its answer is not waited for: it comes by the watch.
void Instance::relabel() {
  if (walk_->world().marking == Marking::none) return;
  const Replicas replicas = find_replicas(wanted_, store_.items(), "shop");
  for (const Relabelling& each :
       plan_replica_labels(replicas, wanted_, store_.items(), walk_->rule())) {
    walk_->send(make_relabelling(*each.pod, each.is_replica));
  }
}

void Instance::learn() {
  wanted_ = told_;
  wanted_.claim.decision = ahead_.of(told_.claim.decision);
  const std::optional<Decision> known =
      known_ahead(wanted_, highest_stamp(wanted_, store_.items(), "shop"));
  if (!known) return;
  ahead_.learn(told_.claim.decision, *known);
  wanted_.claim.decision = *known;
}

// No walk has a clock: that at most one has the label must not hang on how long somebody stood.
bool Instance::takes_over() {
  if (walk_->world().variation == Variation::never_take_over) return false;
  if (!walk_->is_settling() && walk_->pick(4) != 0) return false;
  const std::optional<Takeover> takeover =
      takeover_from_unsettled(wanted_, highest_stamp(wanted_, store_.items(), "shop"));
  if (!takeover) return false;
  ++walk_->takeovers;
  ahead_.learn(told_.claim.decision, takeover->decision);
  wanted_.claim.decision = takeover->decision;
  return true;
}

void Instance::begin() {
  fences_.clear();
  promotion_.reset();
  promoting_ = false;
  if (told_.group.empty()) return;
  learn();
  Plan plan = make_plan(wanted_, store_.items(), walk_->rule(), "shop");
  if (plan.verdict == Plan::Verdict::stand_down && takes_over()) {
    plan = make_plan(wanted_, store_.items(), walk_->rule(), "shop");
  }
  if (plan.verdict == Plan::Verdict::right) relabel();
  if (plan.verdict != Plan::Verdict::change) return;
  const Replicas replicas = find_replicas(wanted_, store_.items(), "shop");
  const Variation variation = walk_->world().variation;
  for (const Pod* pod : plan.fences) {
    if (variation == Variation::fence_labelled_only && !pod->carries(walk_->rule())) continue;
    const bool idle = !pod->label && pod->stamp.state == StampReading::State::read &&
                      pod->stamp.stamp->claim == wanted_.claim;
    if (variation == Variation::skip_idle_fences && idle) continue;
    const bool is_replica = replicas.pods.contains(pod->name);
    const bool relabels =
        variation == Variation::relabel_for_fences && !pod->carries(walk_->rule());
    fences_.push_back(relabels ? make_relabelling(*pod, is_replica)
                               : make(*pod, StampKind::fenced, is_replica));
  }
  if (plan.promote != nullptr) promotion_ = make(*plan.promote, StampKind::promoted, false);
  for (const auto& fence : fences_) walk_->send(fence);
  if (promotion_ && (fences_.empty() || variation == Variation::promote_first)) {
    promoting_ = true;
    walk_->send(promotion_);
  }
}

void Instance::take_answers() {
  std::vector<std::shared_ptr<Write>> mine = fences_;
  if (promoting_) mine.push_back(promotion_);
  for (const auto& write : mine) {
    if (!write->arrived || write->answered) continue;
    write->answered = true;
    if (write->worked) store_.written(write->answer);
  }
  const auto answered = [](const auto& write) { return write->answered; };
  if (mine.empty() || !std::all_of(mine.begin(), mine.end(), answered)) return;
  if (!std::all_of(mine.begin(), mine.end(), [](const auto& write) { return write->worked; })) {
    const PodStore::Mark mark = store_.begin_list();
    store_.finish_list(mark, walk_->server().list(), walk_->server().version());
    begin();
  } else if (promotion_ && !promoting_) {
    promoting_ = true;
    walk_->send(promotion_);
  } else {
    if (wanted_.withdrawn) walk_->withdrawn(wanted_.claim);
    fences_.clear();
    promotion_.reset();
    promoting_ = false;
  }
}

void Instance::step() {
  if (!fences_.empty() || promoting_) {
    if (walk_->pick(2) == 0) take_answers();
    if (walk_->pick(3) == 0) watch_one();
    return;
  }
  if (walk_->pick(4) != 0) {
    watch_one();
  } else {
    begin();
  }
}

bool Instance::finish_attempt() {
  if (fences_.empty() && !promoting_) begin();
  take_answers();
  return fences_.empty() && !promoting_;
}

}  // namespace reconciler
