#include "plugins/etcd/etcd_store.h"

#include <utility>

#include "plugins/etcd/messages.h"

namespace reconciler::etcd {

EtcdStore::EtcdStore(Host host, const Settings& settings, const Settings::Group& group,
                     Client& client)
    : settings_(settings), key_(group.key), client_(client), keep_alive_(host) {}

EtcdStore::~EtcdStore() {
  stop();
  client_.cancel(keeping_);
}

void EtcdStore::read(OnRead on_read) {
  call_ = client_.call(range_path, range_of(key_),
                       [this, on_read = std::move(on_read)](const Result<std::string>& body) {
                         if (!body) return on_read(body.error().within("read " + key_));
                         Result<Read> found = read_range(*body);
                         if (!found) return on_read(found.error().within("read " + key_));
                         lease_ = found->lease;
                         found->stored.is_whole = found->stored.version == 0 ||
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
  call_ = client_.call(grant_path, grant_for(settings_.lease_s),
                       [this, value, version = expected.version,
                        on_written = std::move(on_written)](const Result<std::string>& body) {
                         if (!body) return on_written(body.error().within("grant a lease"));
                         const Result<uint64_t> lease = read_lease(*body);
                         if (!lease) return on_written(lease.error().within("grant a lease"));
                         lease_ = *lease;
                         put(value, version, on_written);
                       });
}

void EtcdStore::put(const std::string& value, uint64_t version, OnWritten on_written) {
  call_ = client_.call(txn_path, put_where(key_, version, value, lease_),
                       [this, on_written = std::move(on_written)](const Result<std::string>& body) {
                         if (!body) return on_written(body.error().within("write " + key_));
                         const Result<bool> done = read_txn(*body);
                         if (!done) return on_written(done.error().within("write " + key_));
                         on_written(*done);
                       });
}

void EtcdStore::stop() { client_.cancel(std::exchange(call_, 0)); }

void EtcdStore::keep(bool agreed, const std::function<void()>& lost) {
  lost_ = lost;
  if (!agreed || lease_ == 0) {
    keep_alive_.stop();
    client_.cancel(std::exchange(keeping_, 0));  // what it finds out is of no interest any more
  } else if (!keep_alive_.running()) {
    keep_alive_.start(settings_.lease_s * 1000 / 3, [this] { keep_alive(); });
  }
}

// One that fails is tried again with the next turn: a lease outlives two that are lost.
void EtcdStore::keep_alive() {
  keep_alive_.start(settings_.lease_s * 1000 / 3, [this] { keep_alive(); });
  client_.cancel(keeping_);
  keeping_ = client_.call(keep_alive_path, etcd::keep_alive(lease_),
                          [this](const Result<std::string>& body) {
                            if (!body) return;
                            const Result<bool> alive = read_is_alive(*body);
                            if (!alive || *alive) return;
                            keep_alive_.stop();
                            lost_();
                          });
}

}  // namespace reconciler::etcd
