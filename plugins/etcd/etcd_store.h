// One group's key in etcd, and its lease.
#pragma once

#include <string>

#include "plugins/etcd/client.h"
#include "plugins/etcd/settings.h"
#include "plugins/host.h"
#include "plugins/store/store.h"

namespace reconciler::etcd {

// Owned by its GroupValue.
class EtcdStore : public Store {
 public:
  EtcdStore(Host host, const Settings& settings, const Settings::Group& group, Client& client);
  ~EtcdStore() override;

  void read(OnRead on_read) override;
  void write(const std::string& value, const vr_topology& topology, const Stored& expected,
             OnWritten on_written) override;
  void stop() override;
  // The lease that the key has is kept alive while its value is agreed, whoever granted it: the key lives as long as
  // one program that agrees with it, and two programs have nothing to fight about.
  void keep(bool agreed, const std::function<void()>& lost) override;

 private:
  void grant(const std::string& value, uint64_t version, OnWritten on_written);
  void put(const std::string& value, uint64_t version, OnWritten on_written);
  void keep_alive();
  void on_kept(const Result<std::string>& body);
  void tell_failure(const Error& error);

  const Host host_;
  const Settings& settings_;
  const Settings::Group& group_;
  Client& client_;
  Client::Id call_ = 0;
  uint64_t lease_ = 0;    // of the key as it was last read or written
  uint64_t granted_ = 0;  // the last one that was asked for, whatever became of the write
  uint64_t kept_ = 0;     // 0: none
  uint64_t period_ms_ = 0;
  bool is_failing_ = false;  // and that was told
  Timer keep_alive_;
  Client::Id keeping_ = 0;
  std::function<void()> lost_;
};

}  // namespace reconciler::etcd
