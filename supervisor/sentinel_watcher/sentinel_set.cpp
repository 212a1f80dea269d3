#include "supervisor/sentinel_watcher/sentinel_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/log.h"
#include "common/random.h"

namespace reconciler {

namespace {

// Many groups are polled a few at a time, so that an event never waits behind the answers for all of them.
constexpr std::size_t max_polls_per_interval = 50;
// And on a new connection: when so few commands are unanswered, so many further groups are asked for.
constexpr std::size_t few_questions = 32;
// One that is not on the roster any more and doesn't answer: a pod that got another address.
constexpr uint64_t forget_after_ms = 30'000;
// How often Sentinels are asked for the others, beside the event of a new one.
constexpr uint64_t discovery_interval_ms = 30'000;

using Identity = Sentinel::Identity;

SentinelSettings without_groups(SentinelSettings settings) {
  settings.groups = {};
  return settings;
}

Proof proof_for(const GroupSettings& group, const SentinelSettings& settings) {
  return {group.reset_after, group.act_on, group.demote_on, settings.ask_instances};
}

}  // namespace

SentinelSet::SentinelSet(uv_loop_t* loop, const SentinelSettings& settings, Reports& reports)
    : loop_(loop),
      settings_(without_groups(settings)),
      reports_(reports),
      access_(settings_.access, fmt::format("Sentinels of set {}", settings_.name), reports_),
      instance_access_(settings_.instances, fmt::format("instances of set {}", settings_.name),
                       reports_),
      names_(loop, settings_.resolve_interval,
             [this] {
               for (const auto& group : groups_) group->names_found();
             }),
      shared_{loop_, reports_, names_, settings_, instance_access_},
      roster_(loop, settings_, reports,
              {.answers =
                   [this](const Endpoint& endpoint) {
                     const Member* known = member(endpoint);
                     return known != nullptr && known->sentinel->answers();
                   },
               .on_change = [this] { gather(); }}),
      discovery_timer_(loop) {
  groups_.reserve(settings.groups.size());
  for (const GroupSettings& group : settings.groups) {
    groups_.push_back(
        std::make_unique<GroupWatch>(shared_, group.name, proof_for(group, settings_)));
  }
  std::sort(groups_.begin(), groups_.end(),
            [](const auto& one, const auto& other) { return one->name() < other->name(); });
}

SentinelSet::~SentinelSet() = default;

void SentinelSet::start() {
  gather();
  roster_.start();
  if (!settings_.discover) return;
  discovery_timer_.start_repeating(discovery_interval_ms, [this] {
    for (const auto& known : members_) {
      ask_id(*known);
      ask_for_peers(*known);
      known->sentinel->flush();
    }
  });
}

GroupWatch* SentinelSet::group(std::string_view name) {
  const auto place = std::lower_bound(
      groups_.begin(), groups_.end(), name,
      [](const auto& one, std::string_view wanted) { return one->name() < wanted; });
  return place == groups_.end() || (*place)->name() != name ? nullptr : place->get();
}

void SentinelSet::add_gauges(std::vector<ipc::Gauge>& gauges) const {
  for (const auto& known : members_) {
    gauges.push_back({"sentinel_up",
                      {{"set", settings_.name}, {"sentinel", known->sentinel->name()}},
                      known->sentinel->up() ? 1.0 : 0.0});
  }
  for (const auto& group : groups_) group->add_gauges(gauges);
}

void SentinelSet::add_states(std::vector<SentinelState>& states) const {
  for (const auto& known : members_) {
    const Sentinel& sentinel = *known->sentinel;
    states.push_back({settings_.name, sentinel.name(), sentinel.answers(), sentinel.hears(),
                      sentinel.tls_version(), !settings_.access.tls.insecure_skip_verify,
                      sentinel.troubles()});
  }
}

const SentinelSet::Member* SentinelSet::member(const Endpoint& endpoint) const {
  const auto place = std::find_if(members_.begin(), members_.end(), [&](const auto& known) {
    return known->sentinel->endpoint() == endpoint;
  });
  return place == members_.end() ? nullptr : place->get();
}

void SentinelSet::gather() {
  const std::vector<SocketAddress> wanted = roster_.wanted();
  for (const SocketAddress& address : wanted) {
    if (member(address.endpoint) == nullptr) add(address);
  }
  const uint64_t now = uv_now(loop_);
  for (std::size_t i = members_.size(); i-- > 0;) {
    Member& known = *members_[i];
    const Endpoint& endpoint = known.sentinel->endpoint();
    known.sentinel->set_host(roster_.name_leading_to(endpoint, known.sentinel->host()));
    const bool is_wanted =
        std::any_of(wanted.begin(), wanted.end(),
                    [&](const SocketAddress& address) { return address.endpoint == endpoint; });
    if (roster_.is_twin(endpoint, wanted)) {
      forget(i, "it is known under another address");
    } else if (!is_wanted && roster_.is_stranger(endpoint)) {
      roster_.forget(endpoint);
      forget(i, "it is somebody else's");
    } else if (is_wanted || known.sentinel->answers()) {
      known.unwanted_since.reset();
    } else if (!known.unwanted_since) {
      known.unwanted_since = now;
    } else if (now - *known.unwanted_since >= forget_after_ms) {
      roster_.forget(endpoint);
      forget(i, "nothing leads to it any more");
    }
  }
  identify_all();
  count();
}

void SentinelSet::count() {
  std::vector<Endpoint> addresses;
  bool has_told = false;
  for (const auto& known : members_) {
    Sentinel& sentinel = *known->sentinel;
    has_told |=
        sentinel.set_told_of_others(!settings_.discover || roster_.has_told(sentinel.endpoint()));
    if (sentinel.identity() == Identity::its_own) addresses.push_back(sentinel.endpoint());
  }
  const std::size_t number = roster_.number(addresses);
  for (const auto& group : groups_) group->set_known(number, has_told);
}

void SentinelSet::identify_all() {
  const std::vector<SocketAddress> wanted = roster_.wanted();
  for (const auto& known : members_) identify(*known, wanted);
}

void SentinelSet::identify(Member& member, const std::vector<SocketAddress>& wanted) {
  Sentinel& sentinel = *member.sentinel;
  Identity identity = Identity::its_own;
  if (roster_.is_stranger(sentinel.endpoint())) {
    identity = Identity::stranger;
  } else if (roster_.is_twin(sentinel.endpoint(), wanted)) {
    identity = Identity::twin;  // until it is forgotten
  }
  if (!sentinel.set_identity(identity)) return;
  if (identity != Identity::its_own) {
    for (const auto& group : groups_) group->forget_word(sentinel);
  }
  member.unasked = groups_.size();
  ask_some(member);
}

void SentinelSet::add(const SocketAddress& address) {
  auto owned = std::make_unique<Member>(loop_);
  Member* member = owned.get();
  member->sentinel = std::make_unique<Sentinel>(
      loop_, settings_, access_, address.endpoint, Peer{address.socket, address.name}, reports_,
      Sentinel::Handlers{.on_hearing = [this, member] { set_tilt(*member, false); },
                         .on_fresh = [this, member] { fresh(*member); },
                         .on_answer = [this, member] { ask_some(*member); },
                         .on_events =
                             [this, member](const std::vector<SentinelEvent>& events) {
                               for (const SentinelEvent& event : events) heard(*member, event);
                               flush_all();
                             },
                         .on_lost = [this, member] { lost(*member); },
                         .on_failed = [this] { roster_.look_up_soon(); }});
  members_.push_back(std::move(owned));
  for (const auto& group : groups_) group->add(*member->sentinel);
  reports_.gauges_changed();
  member->sentinel->start();
}

void SentinelSet::forget(std::size_t place, const char* why) {
  Sentinel& sentinel = *members_[place]->sentinel;
  log::info(fmt::format("Sentinel {} is forgotten: {}", sentinel.name(), why));
  roster_.lost(sentinel.endpoint());
  for (const auto& group : groups_) group->remove(sentinel);
  reports_.gauges_changed();
  members_.erase(members_.begin() + static_cast<std::ptrdiff_t>(place));
}

void SentinelSet::fresh(Member& member) {
  count();
  // In one write, and answered in this order: whose word it is is known before it is heard.
  ask_id(member);
  member.unasked = groups_.size();
  ask_some(member);
  ask_for_peers(member);
  member.sentinel->flush();
  const std::size_t polls = std::clamp<std::size_t>(groups_.size(), 1, max_polls_per_interval);
  const auto period = std::max<uint64_t>(static_cast<uint64_t>(settings_.poll_interval) / polls, 1);
  // Sentinels that came up together are polled apart from each other.
  const uint64_t first = period / 2 + random_number() % (period / 2 + 1);
  member.poll.start(first, [this, &member, period] {
    poll(member);
    member.poll.start_repeating(period, [this, &member] { poll(member); });
  });
}

// Not all at once: the answers for thousands of groups would stand before those to an event, and in memory.
void SentinelSet::ask_some(Member& member) {
  if (member.unasked == 0 || member.sentinel->pending() >= few_questions) return;
  for (std::size_t i = 0; i < few_questions && member.unasked > 0; ++i) {
    groups_[groups_.size() - member.unasked--]->poll(*member.sentinel);
  }
  member.sentinel->flush();
}

// It is the PING of the connection for commands, too.
void SentinelSet::poll(Member& member) {
  if (!member.sentinel->answers() || groups_.empty()) return;
  const std::size_t count = (groups_.size() + max_polls_per_interval - 1) / max_polls_per_interval;
  for (std::size_t i = 0; i < count; ++i) {
    groups_[member.next_group % groups_.size()]->poll(*member.sentinel);
    member.next_group = (member.next_group + 1) % groups_.size();
  }
  member.sentinel->flush();
}

void SentinelSet::ask_id(Member& member) {
  if (!settings_.discover || !member.sentinel->answers()) return;
  member.sentinel->ask_id([this, &member](const Result<std::string>& id) {
    roster_.told_id(member.sentinel->endpoint(), id);
    // Another one may be its twin. What follows this answer is its word.
    identify_all();
  });
}

// Of one group each time: the groups of a set have the same Sentinels. Where it knows no such group, another one is asked for,
// in so many `tries`. After the group's own question, never before.
void SentinelSet::ask_for_peers(Member& member, std::size_t tries) {
  if (!settings_.discover || tries == 0 || !member.sentinel->answers() || member.asked_for_peers)
    return;
  GroupWatch* group = group_for_peers(member);
  if (group == nullptr) return;
  member.asked_for_peers = true;
  member.sentinel->ask_peers(
      group->name(), [this, &member, tries](const Result<Sentinel::Peers>& peers) {
        member.asked_for_peers = false;
        const bool once_more = std::exchange(member.ask_for_peers_again, false);
        if (!peers) {
          roster_.told_peers(member.sentinel->endpoint(), peers.error());
        } else if (*peers) {
          roster_.told_peers(member.sentinel->endpoint(), **peers);
        }
        if (once_more) return ask_for_peers(member);
        if (peers && !*peers) ask_for_peers(member, tries - 1);
      });
  member.sentinel->flush();
}

// The next one that it watches, else the next one of which it hasn't said yet.
GroupWatch* SentinelSet::group_for_peers(Member& member) {
  using Standing = SentinelView::Standing;
  std::optional<std::size_t> chosen;
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    const std::size_t place = (member.next_for_peers + i) % groups_.size();
    const Standing standing = groups_[place]->standing_of(*member.sentinel);
    if (standing != Standing::unknown_group && !chosen) chosen = place;
    if (standing != Standing::answered) continue;
    chosen = place;
    break;
  }
  if (!chosen) return nullptr;
  member.next_for_peers = *chosen + 1;
  return groups_[*chosen].get();
}

void SentinelSet::flush_all() {
  for (const auto& known : members_) known->sentinel->flush();
}

void SentinelSet::lost(Member& member) {
  member.poll.stop();
  member.unasked = 0;
  member.asked_for_peers = member.ask_for_peers_again = false;
  roster_.lost(member.sentinel->endpoint());
  for (const auto& group : groups_) group->lost(*member.sentinel);
}

// Said once where it begins and once where it ends: whoever has not heard in between takes it for over.
bool SentinelSet::set_tilt(Member& member, bool tilt) {
  if (std::exchange(member.tilt, tilt) == tilt) return false;
  for (const auto& group : groups_) group->set_tilt(*member.sentinel, tilt);
  return true;
}

void SentinelSet::heard(Member& member, const SentinelEvent& event) {
  if (event.group.empty()) {  // +tilt, -tilt
    const bool tilt = event.channel == "+tilt";
    if (!set_tilt(member, tilt)) return;
    log::write(tilt ? log::Level::warning : log::Level::info,
               fmt::format("Sentinel {} {} tilt mode", member.sentinel->name(),
                           tilt ? "entered" : "left"));
    for (const auto& group : groups_) group->ask(*member.sentinel);
    return;
  }
  if (member.sentinel->identity() != Identity::its_own) return;
  if (event.channel == "+sentinel") {
    member.ask_for_peers_again = member.asked_for_peers;
    return ask_for_peers(member);
  }
  if (GroupWatch* watch = group(event.group)) watch->heard(*member.sentinel, event);
}

}  // namespace reconciler
