#include "supervisor/sentinel_watcher/discovery.h"

#include <algorithm>
#include <set>
#include <utility>

namespace reconciler {

void Discovery::told_id(const Endpoint& sentinel, const std::string& id, bool is_configured) {
  Known& known = known_[sentinel];
  const bool is_another = !known.id.empty() && known.id != id;
  known.hearsay = false;
  known.id = id;
  known.is_stranger = (known.is_stranger || is_another) && !is_configured && !is_told_of(id);
  known.answers = known.told_itself = true;
}

void Discovery::told_peers(const Endpoint& sentinel, std::vector<PeerReply> peers) {
  if (is_stranger(sentinel)) return;
  for (const PeerReply& peer : peers) {
    Known& told = known_[peer.endpoint];
    if (told.answers || peer.id.empty() || told.id == peer.id) continue;
    told.id = peer.id;
    told.hearsay = true;
  }
  Known& known = known_[sentinel];
  known.answers = known.told_itself = true;
  known.told_others = true;
  known.peers = std::move(peers);
  // This one's word is newer than that of all who are gone.
  for (auto& [endpoint, other] : known_) {
    if (!other.answers) other.peers.clear();
  }
  for (auto& [endpoint, other] : known_) {
    if (other.is_stranger) other.is_stranger = !is_told_of(other.id);
  }
  // What nobody tells of any more and never answered is forgotten.
  const std::vector<Endpoint> told = told_of();
  std::erase_if(known_, [&](const auto& entry) {
    return !entry.second.told_itself &&
           std::find(told.begin(), told.end(), entry.first) == told.end();
  });
}

void Discovery::refused(const Endpoint& sentinel) {
  Known& known = known_[sentinel];
  known.answers = known.told_itself = known.told_others = true;
  known.id.clear();
}

void Discovery::lost(const Endpoint& sentinel) {
  const auto known = known_.find(sentinel);
  if (known != known_.end()) known->second.answers = false;
}

std::vector<const PeerReply*> Discovery::told() const {
  const bool anybody_answers = std::any_of(known_.begin(), known_.end(), [](const auto& entry) {
    return entry.second.answers && !entry.second.is_stranger;
  });
  std::vector<const PeerReply*> told;
  for (const auto& [endpoint, known] : known_) {
    if (anybody_answers && !known.answers) continue;
    for (const PeerReply& peer : known.peers) {
      // Without an id yet, a hello of it has not been heard: it may be nobody.
      if (!peer.id.empty()) told.push_back(&peer);
    }
  }
  return told;
}

std::vector<Endpoint> Discovery::told_of() const {
  std::vector<Endpoint> addresses;
  for (const PeerReply* peer : told()) {
    if (std::find(addresses.begin(), addresses.end(), peer->endpoint) == addresses.end()) {
      addresses.push_back(peer->endpoint);
    }
  }
  return addresses;
}

bool Discovery::has_told(const Endpoint& sentinel) const {
  const auto known = known_.find(sentinel);
  return known != known_.end() && known->second.told_others;
}

bool Discovery::is_stranger(const Endpoint& sentinel) const {
  const auto known = known_.find(sentinel);
  return known != known_.end() && known->second.is_stranger;
}

bool Discovery::is_told_of(const std::string& id) const {
  const std::vector<const PeerReply*> peers = told();
  return std::any_of(peers.begin(), peers.end(),
                     [&](const PeerReply* peer) { return peer->id == id; });
}

bool Discovery::complete() const {
  return std::none_of(known_.begin(), known_.end(), [](const auto& entry) {
    return entry.second.answers && entry.second.id.empty();
  });
}

bool Discovery::stands_for(const Endpoint& one, const Endpoint& other, bool by_hearsay) const {
  const auto first = known_.find(one);
  const auto second = known_.find(other);
  return first != known_.end() && second != known_.end() && first->second.answers &&
         !first->second.id.empty() && first->second.id == second->second.id &&
         (by_hearsay || !second->second.hearsay);
}

std::size_t Discovery::number(const std::vector<Endpoint>& members,
                              std::size_t without_address) const {
  const std::vector<const PeerReply*> peers = told();
  const auto id_of = [&](const Endpoint& member) -> std::string {
    const auto known = known_.find(member);
    if (known != known_.end() && !known->second.id.empty()) return known->second.id;
    const auto peer = std::find_if(peers.begin(), peers.end(),
                                   [&](const PeerReply* each) { return each->endpoint == member; });
    return peer == peers.end() ? "" : (*peer)->id;
  };
  std::set<std::string> ids;
  std::size_t without_id = without_address;
  for (const Endpoint& member : members) {
    if (std::string id = id_of(member); id.empty()) {
      ++without_id;
    } else {
      ids.insert(std::move(id));
    }
  }
  std::set<std::string> elsewhere;
  for (const PeerReply* peer : peers) {
    if (!ids.contains(peer->id)) elsewhere.insert(peer->id);
  }
  return ids.size() + std::max(elsewhere.size(), without_id);
}

}  // namespace reconciler
