// Which Sentinels there are beside the configured ones: what each of them tells of the others, and which two are one. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/topology.h"
#include "supervisor/sentinel_watcher/sentinel_reply.h"

namespace reconciler {

// Told by a SentinelRoster, which owns it. A Sentinel is known by the address under which it is connected to; that two
// addresses are one Sentinel shows in its id (SENTINEL MYID), or it would have two votes.
class Discovery {
 public:
  // `is_configured`: who is there nobody else can say.
  void told_id(const Endpoint& sentinel, const std::string& id, bool is_configured = false);
  void told_peers(const Endpoint& sentinel, std::vector<PeerReply> peers);
  // It won't tell its id or its peers: nobody can be taken up safely.
  void refused(const Endpoint& sentinel);
  // It doesn't answer any more; what it told counts only while nobody else answers.
  void lost(const Endpoint& sentinel);
  // Nothing leads to it any more.
  void forget(const Endpoint& sentinel) { known_.erase(sentinel); }

  // The addresses that the Sentinels tell of, each once.
  std::vector<Endpoint> told_of() const;

  // It has told of the others, or that it won't.
  bool has_told(const Endpoint& sentinel) const;

  // Another Sentinel was known at this address, and nobody tells of the id that it has: it is one of somebody else's. What it
  // tells of others is not taken.
  bool is_stranger(const Endpoint& sentinel) const;

  // Each Sentinel that answers has told its id: from then on it shows whether an address is a new Sentinel.
  bool complete() const;

  // Whether both are one Sentinel, and `one` answers. `by_hearsay`: what others say of `other` counts, too.
  bool stands_for(const Endpoint& one, const Endpoint& other, bool by_hearsay) const;

  // How many Sentinels are at these addresses or told of. Who doesn't answer is still who it was, and one without an id, or
  // (`without_address`) without an address, may be one that is told of.
  std::size_t number(const std::vector<Endpoint>& members, std::size_t without_address = 0) const;

 private:
  struct Known {
    bool answers = false;
    bool told_itself = false;  // it answered once: what it is stays known until it is forgotten
    bool hearsay = false;      // its id is what its peers tell
    bool told_others = false;  // or refused to
    bool is_stranger = false;  // until somebody tells of its id
    std::string id;
    std::vector<PeerReply> peers;
  };

  bool is_told_of(const std::string& id) const;
  // Who is told of by those that answer, or by all where nobody does.
  std::vector<const PeerReply*> told() const;

  std::map<Endpoint, Known> known_;
};

}  // namespace reconciler
