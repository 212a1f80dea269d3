#include "plugins/etcd/etcd_store.h"

#include <algorithm>
#include <random>
#include <utility>

#include "plugins/etcd/messages.h"

namespace reconciler::etcd {

namespace {

// Until it is known how long a lease lives that somebody granted: the shortest has 5 s.
constexpr uint64_t first_period_ms = 1500;
constexpr uint64_t longest_lease_s = 24 * 60 * 60;

uint64_t any_lease() {
  std::random_device random;
  return std::uniform_int_distribution<uint64_t>(1, INT64_MAX)(random);
}

}  // namespace

EtcdStore::EtcdStore(Host host, const Settings& settings, const Settings::Group& group,
                     Client& client)
    : host_(host), settings_(settings), group_(group), client_(client), keep_alive_(host) {}

EtcdStore::~EtcdStore() {
  stop();
  client_.cancel(keeping_);
}

void EtcdStore::read(OnRead on_read) {
  call_ = client_.call(range_path, range_of(group_.key),
                       [this, on_read = std::move(on_read)](const Result<std::string>& body) {
                         if (!body) return on_read(body.error().within("read " + group_.key));
                         Result<Read> found = read_range(*body);
                         if (!found) return on_read(found.error().within("read " + group_.key));
                         lease_ = found->lease;
                         found->stored.is_as_set = found->stored.version == 0 ||
                                                   (lease_ != 0) == (settings_.lease_s != 0);
                         on_read(std::move(found->stored));
                       });
}

void EtcdStore::write(const std::string& value, const vr_topology& /*topology*/,
                      const Stored& expected, OnWritten on_written) {
  if (settings_.lease_s == 0) lease_ = 0;
  if (settings_.lease_s == 0 || lease_ != 0) {
    return put(value, expected.version, std::move(on_written));
  }
  if (granted_ == 0) return grant(value, expected.version, std::move(on_written));
  call_ = client_.call(keep_alive_path, etcd::keep_alive(granted_),
                       [this, value, version = expected.version,
                        on_written = std::move(on_written)](const Result<std::string>& body) {
                         if (!body) return on_written(body.error().within("use a lease again"));
                         const Result<uint64_t> seconds = read_seconds(*body);
                         if (!seconds) {
                           return on_written(seconds.error().within("use a lease again"));
                         }
                         if (*seconds == 0) return grant(value, version, on_written);
                         lease_ = granted_;
                         put(value, version, on_written);
                       });
}

// Its number is ours, so that it is known whether or not the answer comes.
void EtcdStore::grant(const std::string& value, uint64_t version, OnWritten on_written) {
  granted_ = any_lease();
  call_ = client_.call(
      grant_path, grant_for(settings_.lease_s, granted_),
      [this, value, version, on_written = std::move(on_written)](const Result<std::string>& body) {
        if (!body) return on_written(body.error().within("grant a lease"));
        const Result<uint64_t> lease = read_lease(*body);
        if (!lease) return on_written(lease.error().within("grant a lease"));
        lease_ = granted_ = *lease;
        put(value, version, on_written);
      });
}

void EtcdStore::put(const std::string& value, uint64_t version, OnWritten on_written) {
  call_ = client_.call(txn_path, put_where(group_.key, version, value, lease_),
                       [this, on_written = std::move(on_written)](const Result<std::string>& body) {
                         if (!body) return on_written(body.error().within("write " + group_.key));
                         const Result<bool> done = read_txn(*body);
                         if (!done) return on_written(done.error().within("write " + group_.key));
                         on_written(*done);
                       });
}

void EtcdStore::stop() { client_.cancel(std::exchange(call_, 0)); }

void EtcdStore::keep(bool agreed, const std::function<void()>& lost) {
  lost_ = lost;
  const uint64_t wanted = agreed ? lease_ : 0;
  if (wanted == kept_) return;
  kept_ = wanted;
  keep_alive_.stop();
  client_.cancel(std::exchange(keeping_, 0));  // what it finds out is of no interest any more
  period_ms_ = first_period_ms;
  if (kept_ != 0) keep_alive();  // at once: nobody knows how much of its life is left
}

// One that fails is tried again with the next turn, by another server where it was not answered: a lease outlives two that
// are lost.
void EtcdStore::keep_alive() {
  keep_alive_.start(period_ms_, [this] { keep_alive(); });
  if (keeping_ != 0) {
    client_.give_up(keeping_);
    tell_failure(Error("no answer so far"));
  }
  keeping_ = client_.call(keep_alive_path, etcd::keep_alive(kept_),
                          [this](const Result<std::string>& body) { on_kept(body); });
}

void EtcdStore::on_kept(const Result<std::string>& body) {
  keeping_ = 0;
  const Result<uint64_t> seconds = body ? read_seconds(*body) : Result<uint64_t>(body.error());
  if (!seconds) return tell_failure(seconds.error());
  is_failing_ = false;
  if (*seconds == 0) return lost_();
  period_ms_ = std::min(*seconds, longest_lease_s) * 1000 / 3;
  keep_alive_.start(period_ms_, [this] { keep_alive(); });
}

void EtcdStore::tell_failure(const Error& error) {
  if (std::exchange(is_failing_, true)) return;
  host_.log(VR_WARNING, group_.name, "keep the lease of {}: {}", group_.key, error.message());
}

}  // namespace reconciler::etcd
