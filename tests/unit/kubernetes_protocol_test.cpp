// Section 5 of the design by random walks: several instances with views of different age act on the same pods, are
// paused and die at any point, and their writes arrive whenever they like. What decides and what is sent is the real
// code; the API server is json_patch_server.h. Variations of the protocol that are known to be wrong must be found out,
// or the walks prove nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>

#include "plugins/count_ahead.h"
#include "plugins/kubernetes/json_patch.h"
#include "plugins/kubernetes/plan.h"
#include "tests/unit/json_patch_server.h"

namespace reconciler {
namespace {

const LabelRule rule{"valkey-master", "true"};
const std::vector<std::string> names{"a", "b", "c"};

enum class Variation {
  none,
  no_unique_number,
  fence_labelled_only,
  promote_first,
  skip_idle_fences,
  never_take_over
};

struct World {
  bool recreations = false;
  bool wipes = false;
  bool hand_labels = false;
  bool unsettled = false;  // provisional promotions and suspicions, too
  Variation variation = Variation::none;
};

struct Write {
  std::string pod;
  Pod seen;
  std::string body;
  Claim claim;
  Pod answer;  // the pod as this write left it
  bool promotes = false;
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
  void die();
  void see_everything();
  bool finish_attempt();

 private:
  void begin();
  void learn();
  bool takes_over();
  void watch_one();
  void take_answers();
  std::shared_ptr<Write> make(const Pod& pod, StampKind kind);

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

class Walk {
 public:
  Walk(uint32_t seed, World world) : world_(world), random_(seed), server_(rule) {
    for (size_t i = 0; i < names.size(); ++i) {
      server_.create(names[i], "10.0.0." + std::to_string(i + 1));
    }
    for (int i = 0; i < 3; ++i) instances_.emplace_back(*this);
  }

  // Two primaries under one epoch happen, too.
  Wanted topology(uint64_t epoch) {
    const bool tie = !world_.unsettled && pick(8) == 0;
    return decision({0, epoch, 0}, tie ? pick(names.size()) : primary_of(epoch));
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
    Wanted next = decision({0, last.epoch, *next_step(last.step, /*settled=*/false)},
                           suspected ? primary : (primary + 1 + pick(2)) % names.size());
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
      const uint32_t what = pick(100);
      Instance& instance = instances_[pick(instances_.size())];
      if (what < 8) {
        if (pick(3) == 0) ++epoch_;
        instance.order(after(instance.told()));
      } else if (what < 10) {
        instance.die();
      } else if (what < 11 && world_.recreations) {
        server_.recreate(names[pick(names.size())]);
      } else if (what < 12 && world_.wipes) {
        server_.wipe_label(names[pick(names.size())]);
      } else if (what < 13 && world_.hand_labels) {
        server_.set_label(names[pick(names.size())]);
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
    const Wanted newest = topology(epoch_);
    settled_on_ = newest.host;
    settling_ = true;
    for (int round = 0; round < 200; ++round) {
      bool idle = true;
      while (!in_flight_.empty()) arrive();
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
      return pod.carries(rule) == (pod.addresses.at(0) == settled_on_);
    });
  }

  uint32_t pick(size_t below) { return static_cast<uint32_t>(random_() % below); }
  uint64_t unique() { return world_.variation == Variation::no_unique_number ? 0 : ++unique_; }
  JsonPatchServer& server() { return server_; }
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
  size_t promotions = 0;
  size_t withdrawals = 0;
  size_t takeovers = 0;

 private:
  static size_t primary_of(uint64_t epoch) { return (epoch * 7) % names.size(); }
  static Wanted decision(Decision decision, size_t pod) {
    Wanted wanted;
    wanted.group = "g";
    wanted.host = "10.0.0." + std::to_string(pod + 1);
    wanted.port = 6379;
    wanted.claim = {decision, wanted.host + ":6379"};
    return wanted;
  }

  // One of the writes under way reaches the server; which, nobody knows.
  void arrive() {
    if (in_flight_.empty()) return;
    const size_t index = pick(in_flight_.size());
    const std::shared_ptr<Write> write = in_flight_[index];
    in_flight_.erase(in_flight_.begin() + static_cast<std::ptrdiff_t>(index));
    write->worked = server_.patch(write->pod, write->body);
    write->arrived = true;
    if (!write->worked) return;
    write->answer = server_.pod(write->pod);
    if (!write->promotes) return;
    ++promotions;
    two_labels |= !world_.hand_labels && server_.labelled() > 1;
    backwards |= !world_.recreations && write->claim < highest_;
    highest_ = std::max(highest_, write->claim);
  }

  World world_;
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

std::shared_ptr<Write> Instance::make(const Pod& pod, StampKind kind) {
  const Stamp stamp{wanted_.claim, kind, walk_->unique(), "g"};
  auto write = std::make_shared<Write>();
  write->pod = pod.name;
  write->seen = pod;
  write->claim = wanted_.claim;
  write->promotes = kind == StampKind::promoted;
  write->body = write->promotes ? promote_patch(pod, stamp, rule) : fence_patch(pod, stamp, rule);
  return write;
}

void Instance::learn() {
  wanted_ = told_;
  wanted_.claim.decision = ahead_.of(told_.claim.decision);
  const std::optional<Decision> known = known_ahead(wanted_, store_.pods(), "shop");
  if (!known) return;
  ahead_.learn(told_.claim.decision, *known);
  wanted_.claim.decision = *known;
}

// No walk has a clock: that at most one has the label must not hang on how long somebody stood.
bool Instance::takes_over() {
  if (walk_->world().variation == Variation::never_take_over) return false;
  if (!walk_->is_settling() && walk_->pick(4) != 0) return false;
  const std::optional<Takeover> takeover = takeover_from_unsettled(wanted_, store_.pods());
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
  Plan plan = make_plan(wanted_, store_.pods(), rule, "shop");
  if (plan.verdict == Plan::Verdict::stand_down && takes_over()) {
    plan = make_plan(wanted_, store_.pods(), rule, "shop");
  }
  if (plan.verdict != Plan::Verdict::change) return;
  const Variation variation = walk_->world().variation;
  for (const Pod* pod : plan.fences) {
    if (variation == Variation::fence_labelled_only && !pod->carries(rule)) continue;
    const bool idle = !pod->label && pod->stamp.state == StampReading::State::read &&
                      pod->stamp.stamp.claim == wanted_.claim;
    if (variation == Variation::skip_idle_fences && idle) continue;
    fences_.push_back(make(*pod, StampKind::fenced));
  }
  if (plan.promote != nullptr) promotion_ = make(*plan.promote, StampKind::promoted);
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

struct Tally {
  int two_labels = 0;
  int backwards = 0;
  int unsettled = 0;
  size_t promotions = 0;
  size_t withdrawals = 0;
  size_t takeovers = 0;
};

Tally walk_many(uint32_t walks, World world, bool until_found = false) {
  Tally tally;
  for (uint32_t seed = 1; seed <= walks; ++seed) {
    Walk walk(seed, world);
    walk.run(400);
    if (until_found && walk.two_labels) {
      tally.two_labels = 1;
      return tally;
    }
    walk.settle();
    tally.unsettled += !walk.is_right();
    tally.two_labels += walk.two_labels;
    tally.backwards += walk.backwards;
    tally.promotions += walk.promotions;
    tally.withdrawals += walk.withdrawals;
    tally.takeovers += walk.takeovers;
  }
  return tally;
}

constexpr uint32_t many = 200;

Tally expect_holds(World world) {
  const Tally tally = walk_many(many, world);
  EXPECT_EQ(tally.two_labels, 0);
  EXPECT_EQ(tally.backwards, 0);
  EXPECT_EQ(tally.unsettled, 0);
  EXPECT_GT(tally.promotions, many * 2);
  return tally;
}

TEST(KubernetesProtocol, HoldsForManyWritersWithOldViews) { expect_holds({}); }
TEST(KubernetesProtocol, HoldsWhenLabelsAreWipedByHand) { expect_holds({.wipes = true}); }
TEST(KubernetesProtocol, HoldsWhenPodsAreCreatedAnewUnderTheirNames) {
  expect_holds({.recreations = true});
}
TEST(KubernetesProtocol, HoldsWithBoth) { expect_holds({.recreations = true, .wipes = true}); }
TEST(KubernetesProtocol, ComesRightWhateverIsLabelledByHand) {
  expect_holds({.recreations = true, .wipes = true, .hand_labels = true});
}

TEST(KubernetesProtocol, HoldsWithUnsettledDecisionsAndRestarts) {
  for (const bool wipes : {false, true}) {
    for (const bool recreations : {false, true}) {
      const Tally tally =
          expect_holds({.recreations = recreations, .wipes = wipes, .unsettled = true});
      EXPECT_GT(tally.withdrawals, many / 4);
      EXPECT_GT(tally.takeovers, many / 4);
    }
  }
}
TEST(KubernetesProtocol, HangsWhereNobodyGoesAboveAnUnsettledDecision) {
  const Tally tally = walk_many(many, {.unsettled = true, .variation = Variation::never_take_over});
  EXPECT_EQ(tally.two_labels, 0);
  EXPECT_GT(tally.unsettled, 0);
}

void expect_broken(Variation variation) {
  const Tally tally =
      walk_many(20000, {.recreations = true, .wipes = true, .variation = variation}, true);
  EXPECT_GT(tally.two_labels, 0);
}

TEST(KubernetesProtocol, BreaksWithoutTheUniqueNumber) {
  expect_broken(Variation::no_unique_number);
}
TEST(KubernetesProtocol, BreaksWhenOnlyLabelledPodsAreFenced) {
  expect_broken(Variation::fence_labelled_only);
}
TEST(KubernetesProtocol, BreaksWhenThePromotionGoesFirst) {
  expect_broken(Variation::promote_first);
}
TEST(KubernetesProtocol, BreaksWhenFencesThatChangeNothingAreSkipped) {
  expect_broken(Variation::skip_idle_fences);
}

}  // namespace
}  // namespace reconciler
