#include "supervisor/sentinel_watcher/discovery.h"

#include <algorithm>
#include <utility>

namespace reconciler {

void Discovery::told_id(const Endpoint& sentinel, const std::string& id) {
  Known& known = known_[sentinel];
  known.answers = known.told_itself = true;
  known.id = id;
}

void Discovery::told_peers(const Endpoint& sentinel, std::vector<PeerReply> peers) {
  for (const PeerReply& peer : peers) {
    Known& told = known_[peer.endpoint];
    if (!told.answers && !peer.id.empty()) told.id = peer.id;
  }
  Known& known = known_[sentinel];
  known.answers = known.told_itself = true;
  known.peers = std::move(peers);
  // This one's word is newer than that of all who are gone.
  for (auto& [endpoint, other] : known_) {
    if (!other.answers) other.peers.clear();
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
  known.answers = known.told_itself = true;
  known.id.clear();
}

void Discovery::lost(const Endpoint& sentinel) {
  const auto known = known_.find(sentinel);
  if (known != known_.end()) known->second.answers = false;
}

std::vector<Endpoint> Discovery::told_of() const {
  const bool anybody_answers = std::any_of(known_.begin(), known_.end(),
                                           [](const auto& entry) { return entry.second.answers; });
  std::vector<Endpoint> told;
  for (const auto& [endpoint, known] : known_) {
    if (anybody_answers && !known.answers) continue;
    for (const PeerReply& peer : known.peers) {
      // Without an id yet, a hello of it has not been heard: it may be nobody.
      if (peer.id.empty()) continue;
      if (std::find(told.begin(), told.end(), peer.endpoint) == told.end()) {
        told.push_back(peer.endpoint);
      }
    }
  }
  return told;
}

bool Discovery::complete() const {
  return std::none_of(known_.begin(), known_.end(), [](const auto& entry) {
    return entry.second.answers && entry.second.id.empty();
  });
}

bool Discovery::stands_for(const Endpoint& one, const Endpoint& other) const {
  const auto first = known_.find(one);
  const auto second = known_.find(other);
  return first != known_.end() && second != known_.end() && first->second.answers &&
         !first->second.id.empty() && first->second.id == second->second.id;
}

}  // namespace reconciler
