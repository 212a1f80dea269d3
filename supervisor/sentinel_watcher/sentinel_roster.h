// Which addresses are the Sentinels of a set: those configured, those that configured names have, and those that
// Sentinels tell of.
#pragma once

#include <uv.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/config/configuration.h"
#include "common/result.h"
#include "common/topology.h"
#include "common/uv/handle.h"
#include "supervisor/sentinel_watcher/discovery.h"
#include "supervisor/sentinel_watcher/host_lookup.h"
#include "supervisor/sentinel_watcher/reports.h"

namespace reconciler {

// Driven by lookups, timers and what Sentinels tell; owned by a SentinelSet.
class SentinelRoster {
 public:
  struct Handlers {
    std::function<bool(const Endpoint&)> answers;  // whether that one does at the moment
    std::function<void()> on_change;               // from the loop, never from within
  };

  // `settings` and `reports` outlive it.
  SentinelRoster(uv_loop_t* loop, const SentinelSettings& settings, Reports& reports,
                 Handlers handlers);
  ~SentinelRoster();
  SentinelRoster(const SentinelRoster&) = delete;
  SentinelRoster& operator=(const SentinelRoster&) = delete;

  void start();

  // A connection failed: its host name may have another address by now.
  void look_up_soon();

  // What Sentinels tell of themselves and of each other.
  void told_id(const Endpoint& sentinel, const Result<std::string>& id);
  void told_peers(const Endpoint& sentinel, const Result<std::vector<PeerReply>>& peers);
  void lost(const Endpoint& sentinel);
  // Nothing leads to it any more.
  void forget(const Endpoint& sentinel) { discovery_.forget(sentinel); }

  // The Sentinels that there should be, each once.
  std::vector<SocketAddress> wanted() const;
  // The name for which its certificate must be: the present one as long as it leads there.
  std::string name_leading_to(const Endpoint& sentinel, const std::string& present) const;
  // It has told of the others, or that it won't.
  bool has_told(const Endpoint& sentinel) const { return discovery_.has_told(sentinel); }
  // Told of, and by now somebody else's.
  bool is_stranger(const Endpoint& sentinel) const { return discovery_.is_stranger(sentinel); }
  // It need not be heard: under another address, it is one of those `wanted`.
  bool is_twin(const Endpoint& sentinel, const std::vector<SocketAddress>& wanted) const;
  // How many Sentinels there are: those at these addresses, those told of, and each configured name without an address; one
  // that has several addresses counts once.
  std::size_t number(const std::vector<Endpoint>& members) const;

 private:
  struct HostName {
    HostName(uv_loop_t* loop, Endpoint endpoint, bool told)
        : lookup(loop, std::move(endpoint)), told_of(told) {}

    HostLookup lookup;
    bool told_of;                          // by a Sentinel; else configured
    std::vector<SocketAddress> addresses;  // of the last lookup that succeeded
    bool looked_up = false;                // one ended, whatever the way
    bool failing = false;                  // the last one failed
  };

  void look_up(HostName& host);
  void looked_up(HostName& host, Result<std::vector<SocketAddress>> found);
  bool answers_by(const HostName& host, int family) const;
  bool is_configured(const Endpoint& sentinel) const;
  void take_up_names();
  void changed();
  void refused(const Endpoint& sentinel, const std::string& what, const Error& cause);
  std::string id_of(const Endpoint& sentinel) const;
  std::string peers_of(const Endpoint& sentinel) const;
  struct Candidate {
    SocketAddress address;
    bool configured = false;  // else told of
  };

  // An address stands there once for each name that leads to it.
  std::vector<Candidate> candidates() const;

  uv_loop_t* loop_;
  const SentinelSettings& settings_;
  Reports& reports_;
  Handlers handlers_;
  std::vector<SocketAddress> literals_;
  std::vector<std::unique_ptr<HostName>> hosts_;
  Discovery discovery_;
  uv::Timer look_up_timer_;
  uv::Timer look_up_soon_timer_;
  uv::Timer change_timer_;
};

}  // namespace reconciler
