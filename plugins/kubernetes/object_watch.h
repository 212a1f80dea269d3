// Keeps objects of one kind as they are, for all groups that work with some of them: one list, then a watch that goes on from
// it. Without the right to watch, a list every few seconds.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/backoff.h"
#include "plugins/host.h"
#include "plugins/kubernetes/api_client.h"
#include "plugins/kubernetes/object_views.h"

namespace reconciler {

// What a group has of it; object_view.h is what it holds.
struct WatchListener {
  std::function<void()> listed;                      // for the first time
  std::function<void(const ObjectChange&)> changed;  // something that matters for deciding
  std::function<void()> live;                        // after it was not
  std::function<void(const ApiError&)> failed;       // the list that it begins with
};

// Owned by the SharedWatches.
template <typename Item>
class ObjectWatch {
 public:
  using View = typename ObjectViews<Item>::View;
  using Listed = std::function<void(const std::optional<ApiError>&)>;
  struct Options {
    uint64_t poll_ms = 10000;     // between lists, without the right to watch
    uint64_t resync_ms = 300000;  // between lists, with a watch
    bool needed = true;           // false: the groups are served without the objects, less well
    std::function<void(const ApiError&)> failed{};  // is told of it before they are
  };

  // `group`: of which its problems are told; empty: of the target. There is a view for each selection, in their order.
  ObjectWatch(Host host, ApiClient& api, std::string group, Resource<Item> resource,
              std::vector<Selection> selections, Options options);
  ObjectWatch(const ObjectWatch&) = delete;
  ObjectWatch& operator=(const ObjectWatch&) = delete;
  ~ObjectWatch();

  void start();
  // There is not even a list to begin with, yet.
  void not_begun(const ApiError& error);

  // Each view's, before the start.
  // NOLINTNEXTLINE(performance-unnecessary-value-param): clang-tidy 14 does not see in a template that it is moved on
  void on(View view, WatchListener listener) { viewers_[view].listener = std::move(listener); }

  ObjectViews<Item>& views() { return views_; }
  const ObjectViews<Item>& views() const { return views_; }
  bool listed(View view) const { return viewers_[view].listed; }
  bool live() const { return live_; }    // the objects are as they are now, by an open watch
  bool polls() const { return polls_; }  // without the right to watch

  // One consistent list now, of one view's selection. Those who want one before it could be begun are served together, by a
  // list of all.
  void list(View view, Listed done) { want_list(view, std::move(done)); }

  const Resource<Item>& resource() const { return resource_; }
  // The same objects by another version of the API, from the next request on.
  void use(Resource<Item> resource) { resource_ = std::move(resource); }

  // The watch's connection is not to be trusted any more, or: it is worth trying again at once.
  void reconnect();
  void retry_now();

 private:
  struct Viewer {
    WatchListener listener;
    bool listed = false;
  };
  struct Want {
    std::optional<View> of;  // nothing: all
    Listed done;
  };
  // A list that was begun, for all who wanted one by then.
  struct Round {
    std::vector<Want> wants;
    typename ObjectViews<Item>::Listing listing;
    uint64_t newest = 0;
  };

  void list_then_watch();
  void list_all(Listed done) { want_list(std::nullopt, std::move(done)); }
  void want_list(std::optional<View> of, Listed done);
  std::string begin(Round& round);
  void end(Round& round, const ListEnd& answer);
  void note_list_failure(const ApiError& error);
  void open_watch();
  void opened();
  bool take_line(std::string_view line);
  void give_up_watch();
  void ended(const std::optional<ApiError>& error);
  bool note_end();
  void lost(const std::string& cause);
  void again_later(std::function<void()> what, const std::optional<ApiError>& error = {});
  uint64_t pause_after(const std::optional<ApiError>& error);
  void note_version(uint64_t version);
  void rewind(bool all_listed);
  void plan_next_list();
  void refused(const ApiError& error);
  void try_again();
  void tell(const typename ObjectViews<Item>::Changes& changes);
  std::string id(const char* problem) const;

  Host host_;
  ApiClient& api_;
  const std::string group_;
  Resource<Item> resource_;
  const Options options_;
  ObjectViews<Item> views_;
  const std::string query_;  // for all of them
  std::vector<Viewer> viewers_;
  std::vector<Want> wants_;  // until a list can be begun
  std::string version_;      // where the watch goes on
  uint64_t newest_ = 0;      // the highest version that was seen; 0: none that is a number
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
