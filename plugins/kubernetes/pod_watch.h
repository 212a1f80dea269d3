// Keeps the pods of one selector as they are: one list, then a watch that goes on from it. Without the right to watch,
// a list every few seconds.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/backoff.h"
#include "plugins/host.h"
#include "plugins/kubernetes/api_client.h"
#include "plugins/kubernetes/pod_store.h"

namespace reconciler {

// Owned by a GroupTarget, for which it works.
class PodWatch {
 public:
  struct Listener {
    std::function<void()> listed;                          // for the first time
    std::function<void(const PodStore::Change&)> changed;  // something that matters for deciding
    std::function<void()> live;                            // after it was not
    std::function<void(const ApiError&)> failed;           // a list of its own
  };
  struct Times {
    uint64_t poll_ms = 10000;     // between lists, without the right to watch
    uint64_t resync_ms = 300000;  // between lists, with a watch
  };

  PodWatch(Host host, ApiClient& api, std::string group, std::string selector, Times times,
           Listener listener);
  PodWatch(const PodWatch&) = delete;
  PodWatch& operator=(const PodWatch&) = delete;
  ~PodWatch();

  void start();

  const Pods& pods() const { return store_.pods(); }
  const std::string& selector() const { return selector_; }
  bool listed() const { return listed_; }  // there is something to decide by
  bool live() const { return live_; }      // and it is as it is now, by an open watch
  bool polls() const { return polls_; }    // without the right to watch

  // One consistent list now, for an attempt that met a conflict.
  void list(std::function<void(const std::optional<ApiError>&)> done);

  // The answer to a patch of our own.
  void written(Pod pod) { store_.written(std::move(pod)); }

  // The watch's connection is not to be trusted any more, or: it is worth trying again at once.
  void reconnect();
  void retry_now();

 private:
  void list_then_watch();
  void note_list_failure(const ApiError& error);
  void open_watch();
  void opened();
  bool take_line(std::string_view line);
  void ended(const std::optional<ApiError>& error);
  bool note_end();
  void lost(const std::string& cause);
  void again_later(std::function<void()> what, const std::optional<ApiError>& error = {});
  uint64_t pause_after(const std::optional<ApiError>& error);
  void note_version(uint64_t version);
  void rewind();
  void plan_next_list();
  void refused(const ApiError& error);
  void try_again();
  void tell(const PodStore::Change& change);

  Host host_;
  ApiClient& api_;
  const std::string group_;
  const std::string selector_;
  const Times times_;
  const Listener listener_;
  PodStore store_;
  std::string version_;  // where the watch goes on
  uint64_t newest_ = 0;  // the highest version that was seen; 0: none that is a number
  bool listed_ = false;
  bool live_ = false;
  bool polls_ = false;
  bool told_lost_ = false;
  std::optional<ApiError> list_failure_;
  uint64_t opened_at_ns_ = 0;
  std::optional<ApiClient::Id> watch_;
  std::function<void()> waiting_;  // what is tried again later
  Timer again_;
  Timer next_list_;
  Backoff backoff_;
  Backoff refused_backoff_;
};

}  // namespace reconciler
