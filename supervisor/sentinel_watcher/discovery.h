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
  void told_id(const Endpoint& sentinel, const std::string& id);
  void told_peers(const Endpoint& sentinel, std::vector<PeerReply> peers);
  // It won't tell its id or its peers: nobody can be taken up safely.
  void refused(const Endpoint& sentinel);
  // It doesn't answer any more; what it told counts only while nobody else answers.
  void lost(const Endpoint& sentinel);
  // Nothing leads to it any more.
  void forget(const Endpoint& sentinel) { known_.erase(sentinel); }

  // The addresses that the Sentinels tell of, each once.
  std::vector<Endpoint> told_of() const;

  // Each Sentinel that answers has told its id: from then on it shows whether an address is a new Sentinel.
  bool complete() const;

  // Whether both are one Sentinel, and `one` answers. `by_hearsay`: what others say of `other` counts, too.
  bool stands_for(const Endpoint& one, const Endpoint& other, bool by_hearsay) const;

  // How many Sentinels are at these addresses or told of. Who doesn't answer is still who it was.
  std::size_t number(const std::vector<Endpoint>& members) const;

 private:
  struct Known {
    bool answers = false;
    bool told_itself = false;  // it answered once: what it is stays known until it is forgotten
    bool hearsay = false;      // its id is what its peers tell
    std::string id;
    std::vector<PeerReply> peers;
  };

  // Who is told of by those that answer, or by all where nobody does.
  std::vector<const PeerReply*> told() const;

  std::map<Endpoint, Known> known_;
};

}  // namespace reconciler
