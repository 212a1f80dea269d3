// One Sentinel: a connection for commands and one that listens to its events.
#pragma once

#include <uv.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/config/configuration.h"
#include "common/result.h"
#include "common/topology.h"
#include "common/uv/handle.h"
#include "supervisor/sentinel_watcher/connection_history.h"
#include "supervisor/sentinel_watcher/reports.h"
#include "supervisor/sentinel_watcher/sentinel_event.h"
#include "supervisor/sentinel_watcher/sentinel_link.h"
#include "supervisor/sentinel_watcher/sentinel_reply.h"

namespace reconciler {

// Driven by its connections, owned by a SentinelSet.
class Sentinel {
 public:
  struct Handlers {
    // Its events are heard from now on, after a time in which they may not have been.
    std::function<void()> on_hearing;
    // Events may have been missed, or it answers again: everything is to be asked anew.
    std::function<void()> on_fresh;
    // A question about a primary or its replicas was answered.
    std::function<void()> on_answer;
    // Those that came together.
    std::function<void(const std::vector<SentinelEvent>&)> on_events;
    // Its answers don't come any more, and what it said doesn't count.
    std::function<void()> on_lost;
    // After each attempt that failed: its host name may have another address by now.
    std::function<void()> on_failed;
  };
  // What GET-MASTER-ADDR-BY-NAME and SENTINEL MASTER said; nothing where it knows no such group.
  struct PrimaryAnswer {
    std::optional<Endpoint> address;
    std::optional<PrimaryReply> primary;
  };
  template <typename T>
  using Answer = std::function<void(const Result<T>&)>;
  using Replicas = std::optional<std::vector<ReplicaReply>>;
  using Peers = std::optional<std::vector<PeerReply>>;

  // `settings`, `access` and `reports` outlive it.
  Sentinel(uv_loop_t* loop, const SentinelSettings& settings, Access& access, Endpoint endpoint,
           const Peer& peer, Reports& reports, Handlers handlers);
  ~Sentinel();
  Sentinel(const Sentinel&) = delete;
  Sentinel& operator=(const Sentinel&) = delete;

  void start();

  // Under which name it is reached; another one may have its address by now.
  const std::string& host() const { return commands_.host(); }
  void set_host(const std::string& host);

  const Endpoint& endpoint() const { return endpoint_; }
  const std::string& name() const { return name_; }
  // What its troubles are kept by.
  const std::string& subject() const { return subject_; }
  bool answers() const { return commands_.up(); }
  // Whose word it is: its own; that of one who is heard under another address as well; that of one who has no say.
  enum class Identity : uint8_t { its_own, twin, stranger };
  Identity identity() const { return identity_; }
  // True where that is another than before.
  bool set_identity(Identity identity);
  // It has told who the others are, or won't; before that there may be as many as it says.
  bool has_told_of_others() const { return has_told_of_others_; }
  // True where that is another than before.
  bool set_told_of_others(bool told) { return std::exchange(has_told_of_others_, told) != told; }
  // Its events are heard, too.
  bool up() const { return commands_.up() && events_.up(); }
  bool hears() const { return events_.up(); }
  // Of the connection for commands: `TLSv1.3`; empty without.
  std::string tls_version() const { return commands_.tls_version(); }
  // What is wrong with it at the moment, as it was shown.
  std::vector<Reports::Trouble> troubles() const;
  // Commands that have no reply yet.
  std::size_t pending() const { return commands_.pending(); }

  // Sent with the next flush(), both commands in one write. The answer comes from the loop; never, if on_lost comes before.
  void ask_primary(const std::string& group, Answer<PrimaryAnswer> answer);
  void ask_replicas(const std::string& group, Answer<Replicas> answer);
  void ask_peers(const std::string& group, Answer<Peers> answer);
  void ask_id(Answer<std::string> answer);
  void flush();
  // Another one after each flush(): what is asked in one turn goes out together.
  uint32_t turn() const { return turn_; }

 private:
  void commands_up();
  void events_up(const std::vector<RefusedChannel>& refused);
  void went_down(bool events, const ConnectionFailure& failure);
  void all_up();
  void show_events_failure();
  void show_trouble(bool events, const ConnectionFailure& failure);

  uv_loop_t* loop_;
  Endpoint endpoint_;
  std::string name_;
  std::string subject_;
  Reports& reports_;
  Handlers handlers_;
  ConnectionHistory history_;
  // Of the question whose second half is yet to come; replies keep the order of the questions.
  std::optional<Result<std::optional<Endpoint>>> address_answer_;
  std::optional<ConnectionFailure> events_failure_;  // not yet shown
  uint32_t turn_ = 1;
  Identity identity_ = Identity::its_own;
  bool has_told_of_others_ = false;
  uv::Timer settled_;
  SentinelLink commands_;
  SentinelLink events_;
};

}  // namespace reconciler
