// What the plugin asks of the API server: list, watch and write objects of one namespace, and whether it is there. Two
// connections keep them out of each other's way: one for changes (patches, and the lists that an attempt waits for),
// one for watches.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugins/host.h"
#include "plugins/http/http_client.h"
#include "plugins/kubernetes/api_error.h"
#include "plugins/kubernetes/api_object.h"
#include "plugins/kubernetes/cluster.h"
#include "plugins/kubernetes/credentials.h"
#include "plugins/kubernetes/pod.h"
#include "plugins/kubernetes/rights_needed.h"

namespace reconciler {

// Objects of one kind in the client's namespace.
template <typename Item>
struct Resource {
  ResourceName name;
  std::string path;
  ItemReader<Item> read;
  const KeptMember* parts = nullptr;  // that it reads; null: perhaps any
  void (*trim)(Item&) = nullptr;      // takes off what is needed for selecting alone; may be null

  std::string parts_of(std::string_view json) const {
    return parts == nullptr ? std::string(json) : sieved(json, *parts);
  }
};

// How a list ended.
struct ListEnd {
  std::optional<ApiError> error;
  uint64_t version = 0;
  std::string version_text;
};

template <typename Item>
struct ListAnswer : ListEnd {
  std::vector<Item> items;
};

// What is done with the objects of a list while they are read.
template <typename Item>
struct ListTaker {
  std::function<void()> begun;  // whatever was taken before is void: a list may have to begin again
  ItemTaker<Item> take;
};

template <typename Item>
struct WriteAnswer {
  std::optional<ApiError> error;
  std::optional<Item> item;  // as it is now; always one without an error
};

// Owned by the KubernetesTarget. Destroying it ends what is open and tells nobody; no function given to it is called
// before the call that it was given to has returned.
class ApiClient {
 public:
  using Id = HttpClient::Id;

  struct WatchFunctions {
    std::function<void()> opened;
    std::function<bool(std::string_view line)>
        line;  // false: the watch is to end, and nothing more is told
    std::function<void(const std::optional<ApiError>&)>
        ended;  // no error: as it does every few minutes
  };
  enum class Connection : uint8_t { changes, watches };

  ApiClient(Host host, const Cluster& cluster, std::string pod_namespace, LabelRule rule,
            uint64_t timeout_ms);

  const std::string& pod_namespace() const { return namespace_; }
  const LabelRule& rule() const { return rule_; }
  const std::string& url() const { return url_; }

  Resource<Pod> pods() const;
  // `group` and `version` empty: of the core group.
  std::string path_of(const std::string& group, const std::string& version,
                      const char* plural) const;

  // The objects as they are at one moment now, page by page: never from the server's cache. `query` says what selects them,
  // as in a URL. It is asked when the list is begun, which may be at once, or when another one has ended.
  using Query = std::function<std::string()>;
  template <typename Item>
  void list(const Resource<Item>& resource, Query query,
            std::function<void(ListAnswer<Item>)> done) {
    auto items = std::make_shared<std::vector<Item>>();  // shared by the functions
    list_each<Item>(
        resource, std::move(query),
        {[items] { items->clear(); }, [items](Item item) { items->push_back(std::move(item)); }},
        [items, done = std::move(done)](ListEnd end) {
          done({std::move(end), std::move(*items)});
        });
  }
  // clang-tidy 14 does not see in a template that a parameter is moved on.
  // NOLINTBEGIN(performance-unnecessary-value-param)
  // The same, for whom each object is to be given as soon as it is read.
  template <typename Item>
  void list_each(const Resource<Item>& resource, Query query, ListTaker<Item> taker,
                 std::function<void(ListEnd)> done) {
    // Shared: it lives in the functions of one page after another.
    auto end = std::make_shared<ListEnd>();
    list_pages(
        resource.name, resource.path, std::move(query),
        [end, resource, taker = std::move(taker)](std::string_view body,
                                                  bool first) -> Result<std::string> {
          if (first) taker.begun();
          Result<Page> page = read_page<Item>(resource.parts_of(body), resource.read, taker.take);
          if (!page) return page.error();
          end->version = page->version;
          end->version_text = page->version_text;
          return page->rest;
        },
        [end, done = std::move(done)](const std::optional<ApiError>& error) {
          end->error = error;
          done(std::move(*end));
        });
  }

  template <typename Item>
  Id watch(const Resource<Item>& resource, const std::string& query,
           const std::string& from_version, WatchFunctions functions) {
    return watch_path(resource.name, resource.path, query, from_version, std::move(functions));
  }
  // NOLINTEND(performance-unnecessary-value-param)
  void stop_watch(Id id);

  // A JSON Patch. Where it was done and `wanted` says that nobody wants to know of it any more, its answer is not read
  // and `done` not called.
  template <typename Item>
  void patch(const Resource<Item>& resource, const std::string& object, std::string body,
             uint64_t timeout_ms, std::function<void(WriteAnswer<Item>)> done,
             std::function<bool()> wanted = nullptr) {
    write("patch", resource, object, std::move(body), timeout_ms, std::move(done),
          std::move(wanted));
  }
  // The same in two steps: its head goes ahead, by which the server knows already who wants what, and the body, without
  // which nothing is done, follows by release(). False from there: it has ended before, of which `done` was not told, and is
  // to be sent as it is. So it is where nothing comes of it here, since requests go one after the other, or many are held.
  template <typename Item>
  std::optional<Id> hold_patch(const Resource<Item>& resource, const std::string& object,
                               std::string body, std::function<void(WriteAnswer<Item>)> done,
                               std::function<bool()> wanted) {
    if (!may_hold()) return std::nullopt;
    return write("patch", resource, object, std::move(body), timeout_ms_, std::move(done),
                 std::move(wanted), Sending::held);
  }
  bool release(Id id, uint64_t timeout_ms);
  void withdraw(Id id);
  // The same for what nobody waits for: without an answer in time it takes nothing else with it.
  template <typename Item>
  void patch_aside(const Resource<Item>& resource, const std::string& object, std::string body,
                   uint64_t timeout_ms, std::function<void(WriteAnswer<Item>)> done) {
    write("patch", resource, object, std::move(body), timeout_ms, std::move(done), nullptr,
          Sending::aside);
  }
  template <typename Item>
  void create(const Resource<Item>& resource, const std::string& object, std::string body,
              uint64_t timeout_ms, std::function<void(WriteAnswer<Item>)> done) {
    write("create", resource, object, std::move(body), timeout_ms, std::move(done));
  }

  // The versions of a group of the API that the server has, the preferred one first.
  void discover(const char* group,
                std::function<void(std::optional<ApiError>, std::vector<std::string>)> done);

  // One Event, once: without an answer in time it is lost, and takes nothing else with it.
  void create_event(std::string body, std::function<void(std::optional<ApiError>)> done);

  // Whether the server answers on this connection, and keeps it warm. `false` with a cause also where it says itself
  // that it is about to stop: then an open watch stays open, and silent.
  void check(Connection connection, std::function<void(bool good, std::string cause)> done);

  // Whether this account has a right, as the API server itself reviews it; nothing where it doesn't say. `object`: as to
  // that one; empty: as to all.
  void review(const Right& right, const std::string& object,
              std::function<void(std::optional<bool>)> done);

  // Whether a patch or a list is on its way: its answer, or that there is none, tells what a check would.
  bool changing() const { return changes_.busy(); }

  // The watches, and whatever else is on their connection, end; the next one makes a new connection.
  void drop_watch_connection() { watches_.drop_connections(); }

  // Is told whether each request was answered at all (an empty cause) or why not.
  void on_reach(std::function<void(const std::string& cause)> function) {
    reach_ = std::move(function);
  }

  // Is told of each request that was refused for a missing right (403).
  void on_forbidden(std::function<void()> function) { forbidden_ = std::move(function); }

 private:
  struct Listing;
  struct Watching;
  // Of the client's certificate, where it is a file.
  struct Shown {
    std::string version;    // of the files, when connections were last given up for another one
    uint64_t renewals = 0;  // how often they were
  };
  using Answered = std::function<void(HttpResponse)>;
  enum class Sending : uint8_t { at_once, aside, held };

  // Takes a page and returns where the rest is; empty: that was the last one.
  // `first`: whatever came before is void.
  using TakePage = std::function<Result<std::string>(std::string_view body, bool first)>;

  HttpRequest request_for(const char* method, std::string path) const;
  // Sends it, and once more where the token or the certificate was refused and the file has a new one.
  // Where `tells_reach`, it says whether the server is there: not so what nobody waits for.
  Id send(HttpClient& client, HttpRequest request, Answered done, bool tells_reach = true);
  void begun();
  void ended();
  void list_pages(const ResourceName& name, const std::string& path, Query query, TakePage take,
                  std::function<void(std::optional<ApiError>)> done);
  void begin_lists();
  void end_list(const Listing& listing, const std::optional<ApiError>& error);
  void list_page(const std::shared_ptr<Listing>& listing);
  void take_page(const std::shared_ptr<Listing>& listing, const HttpResponse& response);
  Id watch_path(const ResourceName& name, const std::string& path, const std::string& query,
                const std::string& from_version, WatchFunctions functions);
  // NOLINTBEGIN(performance-unnecessary-value-param): as above
  template <typename Item>
  Id write(const char* verb, const Resource<Item>& resource, const std::string& object,
           std::string body, uint64_t timeout_ms, std::function<void(WriteAnswer<Item>)> done,
           std::function<bool()> wanted = nullptr, Sending sending = Sending::at_once) {
    const ApiAction action{verb, namespace_, object, resource.name};
    return write_object(
        action, resource.path, std::move(body), timeout_ms, sending,
        [this, action, resource, done = std::move(done), wanted = std::move(wanted)](
            std::optional<ApiError> error, const std::string& said) {
          if (error) {
            done({std::move(error), std::nullopt});
            return;
          }
          if (wanted && !wanted()) return;
          Result<Item> item = resource.read(json::parse(resource.parts_of(said)).get());
          if (item) {
            done({std::nullopt, std::move(*item)});
          } else {
            done({counted(malformed_answer(
                      action, fmt::format("the answer is no {}", action.resource.singular))),
                  std::nullopt});
          }
        });
  }
  // NOLINTEND(performance-unnecessary-value-param)
  Id write_object(ApiAction action, const std::string& path, std::string body, uint64_t timeout_ms,
                  Sending sending,
                  std::function<void(std::optional<ApiError>, const std::string& said)> done);
  // Whether there is another certificate by now: then the client's connections, which were made with the one before, are
  // given up.
  bool renew(HttpClient& client);
  Shown& shown_by(const HttpClient& client);
  bool may_hold() const;
  void note(const HttpResponse& response);
  ApiError failed(const ApiAction& action, const HttpResponse& response);
  ApiError counted(ApiError error);

  Host host_;
  std::string namespace_;
  LabelRule rule_;
  uint64_t timeout_ms_;
  std::string url_;
  bool multiplexes_ = false;
  const std::vector<std::string>
      certificate_files_;  // certificate and key; empty names where they are no files
  Shown shown_by_changes_;
  Shown shown_by_watches_;
  Credentials credentials_;
  std::function<void(const std::string&)> reach_;
  std::function<void()> forbidden_;
  std::deque<std::shared_ptr<Listing>> waiting_lists_;  // until few enough are open
  size_t open_lists_ = 0;
  size_t requests_ = 0;       // that are under way
  size_t most_requests_ = 0;  // at once, since there was none
  bool large_list_ = false;   // has ended, and its last answer is still there
  HttpClient changes_;
  HttpClient watches_;
};

}  // namespace reconciler
