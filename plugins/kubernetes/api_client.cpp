#include "plugins/kubernetes/api_client.h"

#include <malloc.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/json.h"
#include "common/random.h"
#include "plugins/kubernetes/label_syntax.h"

namespace reconciler {

namespace {

constexpr size_t page_of_objects = 200;
constexpr int most_list_restarts = 3;
// At once: for a list by a label the server reads all pods of the namespace, so those of hundreds of groups together
// would take longer than a request may, and one that runs out of time takes the others' connection with it.
constexpr size_t most_lists = 4;
constexpr size_t most_held = 4;
constexpr size_t largest_page = 64u << 20;
// From here on what reading a page took, some 25 kB for each pod, is given back to the system.
constexpr size_t large_page = 256u << 10;
// And what so many requests at once took: libcurl's buffers, some 40 kB for each.
constexpr size_t many_requests = 32;
constexpr size_t largest_event = 4u << 20;
// Or as long as any other request may take: a slow server is no dead one.
constexpr uint64_t shortest_check_ms = 3000;
// How long a watch lasts, with HTTP/2: the check that goes over its own connection finds it when it is dead.
constexpr uint64_t shortest_watch_s = 240;
constexpr uint64_t longest_watch_s = 360;
// And with HTTP/1.1, where nothing but its end does.
constexpr uint64_t shortest_lone_watch_s = 15;
constexpr uint64_t longest_lone_watch_s = 20;
constexpr uint64_t watch_grace_s = 5;

// Another one for other files.
std::string version_of(const std::vector<std::string>& files) {
  std::string version;
  for (const std::string& file : files) {
    struct stat status {};
    if (file.empty() || ::stat(file.c_str(), &status) != 0) continue;
    version +=
        fmt::format("{} {}.{} ", status.st_ino, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
  }
  return version;
}

uint64_t between(uint64_t low, uint64_t high) { return low + random_number() % (high - low + 1); }

}  // namespace

struct ApiClient::Listing {
  ApiAction action;
  std::string resource;  // its path
  Query query;
  std::string first_page;
  std::string path;
  int restarts = 0;
  size_t largest = 0;  // page so far
  TakePage take;
  std::function<void(std::optional<ApiError>)> done;
};

struct ApiClient::Watching {
  WatchFunctions functions;
  std::string begun;  // of a line whose end has not come
};

ApiClient::ApiClient(Host host, const Cluster& cluster, std::string pod_namespace, LabelRule rule,
                     uint64_t timeout_ms)
    : host_(host),
      namespace_(std::move(pod_namespace)),
      rule_(std::move(rule)),
      timeout_ms_(timeout_ms),
      url_(cluster.endpoint.url),
      certificate_files_{cluster.endpoint.tls.cert_file, cluster.endpoint.tls.key_file},
      shown_by_changes_{version_of(certificate_files_)},
      shown_by_watches_{shown_by_changes_},
      credentials_(host, cluster.token, cluster.token_file),
      changes_(host, cluster.endpoint),
      watches_(host, cluster.endpoint) {}

Resource<Pod> ApiClient::pods() const {
  return {pods_name, path_of("", "", pods_name.plural),
          [rule = rule_](const cJSON* json) { return read_pod(json, rule); }, &parts_of_pods};
}

std::string ApiClient::path_of(const std::string& group, const std::string& version,
                               const char* plural) const {
  const std::string api = group.empty() ? "/api/v1" : "/apis/" + group + "/" + version;
  return api + "/namespaces/" + namespace_ + "/" + plural;
}

HttpRequest ApiClient::request_for(const char* method, std::string path) const {
  HttpRequest request;
  request.method = method;
  request.path = std::move(path);
  request.timeout_ms = timeout_ms_;
  request.headers.emplace_back("Accept: application/json");
  return request;
}

void ApiClient::note(const HttpResponse& response) {
  if (response.status != 0) multiplexes_ = response.multiplexed;
  const bool answered = response.status != 0 || response.too_large;
  if (reach_) reach_(answered ? std::string() : response.error);
}

ApiError ApiClient::failed(const ApiAction& action, const HttpResponse& response) {
  ApiError error = counted(api_error(action, response));
  if (error.kind == ApiError::Kind::forbidden && forbidden_) forbidden_();
  return error;
}

ApiError ApiClient::counted(ApiError error) {
  host_.count("api_errors_total", "code", error.label().c_str());
  return error;
}

void ApiClient::begun() { most_requests_ = std::max(most_requests_, ++requests_); }

void ApiClient::ended() {
  --requests_;
  const bool many = requests_ == 0 && std::exchange(most_requests_, 0) >= many_requests;
  if (std::exchange(large_list_, false) || many) ::malloc_trim(0);
}

ApiClient::Id ApiClient::send(HttpClient& client, HttpRequest request, Answered done,
                              bool tells_reach) {
  begun();
  HttpRequest first = request;
  const std::string& token = credentials_.header();
  if (!token.empty()) first.headers.push_back(token);
  const uint64_t renewals = shown_by(client).renewals;
  first.on_done = [this, &client, token, renewals, tells_reach, request = std::move(request),
                   done = std::move(done)](HttpResponse response) mutable {
    // The token may have been replaced by the timer while the request was under way.
    const bool another =
        response.status == 401 && (credentials_.read_again() || credentials_.header() != token ||
                                   shown_by(client).renewals != renewals || renew(client));
    if (response.held) {  // nothing was done, and release() will tell
      ended();
      return;
    }
    // Where the head alone was answered (403, 429) libcurl 7.88 may have lost that, and then can't send the body. And if it
    // was done: a patch is refused the second time.
    const bool anew = request.held && response.lost;
    if (tells_reach && !anew) note(response);
    if (!another && !anew) {
      done(std::move(response));
      ended();
      return;
    }
    if (const std::string& now = credentials_.header(); !now.empty())
      request.headers.push_back(now);
    request.held = false;
    request.on_done = [this, tells_reach, done = std::move(done)](HttpResponse second) {
      if (tells_reach) note(second);
      done(std::move(second));
      ended();
    };
    client.send(std::move(request));
  };
  return client.send(std::move(first));
}

// The client's certificate is the connection's, so that one that has run out stays with it: the next connection is made with
// what stands in the file by then.
bool ApiClient::renew(HttpClient& client) {
  Shown& shown = shown_by(client);
  std::string version = version_of(certificate_files_);
  if (shown.version == version) return false;
  shown.version = std::move(version);
  ++shown.renewals;
  client.drop_connections();
  return true;
}

ApiClient::Shown& ApiClient::shown_by(const HttpClient& client) {
  return &client == &changes_ ? shown_by_changes_ : shown_by_watches_;
}

// Each takes one of the requests that the server works on at a time.
bool ApiClient::may_hold() const { return multiplexes_ && changes_.held() < most_held; }

bool ApiClient::release(Id id, uint64_t timeout_ms) {
  if (changes_.release(id, timeout_ms)) return true;
  withdraw(id);
  return false;
}

void ApiClient::withdraw(Id id) {
  if (changes_.cancel(id)) ended();
}

void ApiClient::list_pages(const ResourceName& name, const std::string& path, Query query,
                           TakePage take, std::function<void(std::optional<ApiError>)> done) {
  auto listing =
      std::make_shared<Listing>();  // shared: it lives in the functions of one page after another
  listing->action = {"list", namespace_, {}, name};
  listing->resource = path;
  listing->query = std::move(query);
  listing->take = std::move(take);
  listing->done = std::move(done);
  waiting_lists_.push_back(std::move(listing));
  begin_lists();
}

void ApiClient::begin_lists() {
  while (open_lists_ < most_lists && !waiting_lists_.empty()) {
    const std::shared_ptr<Listing> listing = std::move(waiting_lists_.front());
    waiting_lists_.pop_front();
    ++open_lists_;
    host_.count("lists_total");
    listing->first_page =
        fmt::format("{}?{}&limit={}", listing->resource, listing->query(), page_of_objects);
    listing->path = listing->first_page;
    list_page(listing);
  }
}

void ApiClient::end_list(const Listing& listing, const std::optional<ApiError>& error) {
  --open_lists_;
  begin_lists();
  listing.done(error);
  large_list_ |= listing.largest >= large_page;
}

void ApiClient::list_page(const std::shared_ptr<Listing>& listing) {
  HttpRequest request = request_for("GET", listing->path);
  request.largest_body = largest_page;
  send(changes_, std::move(request),
       [this, listing](const HttpResponse& response) { take_page(listing, response); });
}

void ApiClient::take_page(const std::shared_ptr<Listing>& listing, const HttpResponse& response) {
  if (response.status != 200) {
    const ApiError error = failed(listing->action, response);
    // The moment of which the first page was is forgotten by now. What the answer offers instead, to go on with another
    // moment's, would be no list of any.
    const bool outlived =
        error.kind == ApiError::Kind::gone && listing->path != listing->first_page;
    if (outlived && ++listing->restarts <= most_list_restarts) {
      listing->path = listing->first_page;
      list_page(listing);
    } else {
      end_list(*listing, error);
    }
    return;
  }
  listing->largest = std::max(listing->largest, response.body.size());
  const bool first = listing->path == listing->first_page;
  Result<std::string> rest = listing->take(response.body, first);
  if (!rest) {
    end_list(*listing, counted(malformed_answer(listing->action, rest.error().message())));
    return;
  }
  if (rest->empty()) {
    end_list(*listing, std::nullopt);
    return;
  }
  listing->path = listing->first_page + "&continue=" + percent_encoded(*rest);
  list_page(listing);
}

ApiClient::Id ApiClient::watch_path(const ResourceName& name, const std::string& path,
                                    const std::string& query, const std::string& from_version,
                                    WatchFunctions functions) {
  host_.count("watches_total");
  auto state = std::make_shared<Watching>();  // shared by the request's functions
  state->functions = std::move(functions);
  const uint64_t seconds = multiplexes_ ? between(shortest_watch_s, longest_watch_s)
                                        : between(shortest_lone_watch_s, longest_lone_watch_s);
  HttpRequest request =
      request_for("GET", fmt::format("{}?watch=true&allowWatchBookmarks=true&{}"
                                     "&resourceVersion={}&timeoutSeconds={}",
                                     path, query, percent_encoded(from_version), seconds));
  if (!credentials_.header().empty()) request.headers.push_back(credentials_.header());
  request.largest_body = largest_event;
  request.stream_timeout_ms = (seconds + watch_grace_s) * 1000;
  // The last two know the request's id only when it was sent, which is before any of them is called.
  auto id = std::make_shared<Id>(0);
  request.on_open = [this, state] {
    if (reach_) reach_({});
    state->functions.opened();
  };
  const ApiAction action{"watch", namespace_, {}, name};
  request.on_data = [this, state, id, action](std::string_view data) {
    size_t end = 0;
    while ((end = data.find('\n')) != std::string_view::npos) {
      bool go_on = true;
      if (state->begun.empty()) {
        go_on = state->functions.line(data.substr(0, end));
      } else {
        state->begun.append(data.substr(0, end));
        const std::string line = std::exchange(state->begun, {});
        go_on = state->functions.line(line);
      }
      if (!go_on) {
        watches_.cancel(*id);
        return;
      }
      data.remove_prefix(end + 1);
    }
    state->begun.append(data);
    if (state->begun.size() <= largest_event) return;
    watches_.cancel(*id);
    HttpResponse too_large;
    too_large.error = "an event is larger than 4 MiB";
    too_large.too_large = true;
    state->functions.ended(failed(action, too_large));
  };
  request.on_done = [this, state, action](const HttpResponse& response) {
    const bool began = response.status / 100 == 2;
    if (!began) note(response);
    if (response.status == 401 && !credentials_.read_again()) renew(watches_);
    if (began && response.error.empty()) {
      state->functions.ended(std::nullopt);
      return;
    }
    HttpResponse broken = response;
    if (began) broken.status = 0;
    state->functions.ended(failed(action, broken));
  };
  *id = watches_.send(std::move(request));
  return *id;
}

void ApiClient::stop_watch(Id id) { watches_.cancel(id); }

ApiClient::Id ApiClient::write_object(
    ApiAction action, const std::string& path, std::string body, uint64_t timeout_ms,
    Sending sending, std::function<void(std::optional<ApiError>, const std::string& said)> done) {
  const bool patches = std::string_view(action.verb) == "patch";
  HttpRequest request = request_for(
      patches ? "PATCH" : "POST",
      fmt::format("{}{}?fieldManager={}", path, patches ? "/" + action.object : "", field_manager));
  request.headers.emplace_back(patches ? "Content-Type: application/json-patch+json"
                                       : "Content-Type: application/json");
  request.body = std::move(body);
  request.timeout_ms = timeout_ms;
  request.check = sending == Sending::aside;
  request.held = sending == Sending::held;
  Answered answered = [this, action = std::move(action),
                       done = std::move(done)](const HttpResponse& response) {
    if (response.status / 100 != 2) {
      done(failed(action, response), {});
    } else {
      done(std::nullopt, response.body);
    }
  };
  return send(changes_, std::move(request), std::move(answered),
              /*tells_reach=*/sending != Sending::aside);
}

void ApiClient::discover(
    const char* group,
    std::function<void(std::optional<ApiError>, std::vector<std::string>)> done) {
  HttpRequest request = request_for("GET", std::string("/apis/") + group);
  send(changes_, std::move(request),
       [this, group, done = std::move(done)](const HttpResponse& response) {
         const json::Document json = json::parse(response.body);
         std::vector<std::string> versions;
         const cJSON* entry = nullptr;
         cJSON_ArrayForEach(entry, json::member(json.get(), "versions")) {
           versions.emplace_back(json::text(entry, "version"));
         }
         if (response.status == 200 && !versions.empty()) {
           done(std::nullopt, std::move(versions));
           return;
         }
         ApiError error = failed({"discover", namespace_, {}, slices_name}, response);
         error.message = fmt::format("GET /apis/{}: {}", group, error.message);
         done(std::move(error), {});
       });
}

void ApiClient::create_event(std::string body, std::function<void(std::optional<ApiError>)> done) {
  HttpRequest request = request_for("POST", "/api/v1/namespaces/" + namespace_ + "/events");
  request.headers.emplace_back("Content-Type: application/json");
  request.body = std::move(body);
  request.check = true;  // by which it drops no connection that a watch is open on
  send(
      watches_, std::move(request),
      [this, done = std::move(done)](const HttpResponse& response) {
        if (response.status / 100 == 2) {
          done(std::nullopt);
        } else {
          done(counted(api_error({"create", namespace_, {}, events_name}, response)));
        }
      },
      /*tells_reach=*/false);
}

void ApiClient::check(Connection connection, std::function<void(bool, std::string)> done) {
  // Anyone who is authenticated may read it; and whoever is told that he may not was answered, too.
  HttpRequest request = request_for("GET", "/readyz");
  request.timeout_ms = std::max(shortest_check_ms, timeout_ms_);
  request.check = true;
  send(connection == Connection::changes ? changes_ : watches_, std::move(request),
       [done = std::move(done)](const HttpResponse& response) {
         if (response.status == 0) {
           done(false, response.error);
         } else if (response.status >= 500) {
           done(false, fmt::format("HTTP {} from /readyz", response.status));
         } else {
           done(true, {});
         }
       });
}

void ApiClient::review(const Right& right, const std::string& object,
                       std::function<void(std::optional<bool>)> done) {
  HttpRequest request =
      request_for("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews");
  request.headers.emplace_back("Content-Type: application/json");
  // No name needs escaping: a namespace is checked, an object's is the API server's own, the rest is ours.
  request.body = fmt::format(
      R"({{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","spec":)"
      R"({{"resourceAttributes":{{"namespace":"{}","verb":"{}","group":"{}","resource":"{}"{}}}}}}})",
      namespace_, right.verb, right.api_group, right.resource,
      object.empty() ? "" : fmt::format(R"(,"name":"{}")", object));
  request.check = true;
  // The answer may wait for somebody else's webhook: that the server is out of reach it does not say.
  send(
      changes_, std::move(request),
      [done = std::move(done)](const HttpResponse& response) {
        const json::Document json = json::parse(response.body);
        const cJSON* allowed = json::member(json::member(json.get(), "status"), "allowed");
        done(response.status / 100 == 2 && cJSON_IsBool(allowed)
                 ? std::optional(cJSON_IsTrue(allowed) != 0)
                 : std::nullopt);
      },
      /*tells_reach=*/false);
}

}  // namespace reconciler
