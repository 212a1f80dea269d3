// One group's key in Consul, and the registration that goes with it.
#pragma once

#include <string>

#include "plugins/consul/messages.h"
#include "plugins/consul/settings.h"
#include "plugins/http/http_servers.h"
#include "plugins/store/store.h"

namespace reconciler::consul {

// Owned by its GroupValue; `servers` are shared by all groups.
class ConsulStore : public Store {
 public:
  ConsulStore(const Settings& settings, const Settings::Group& group, HttpServers& servers);
  ~ConsulStore() override;

  void read(OnRead on_read) override;
  void write(const std::string& value, const vr_topology& topology, const Stored& expected,
             OnWritten on_written) override;
  void stop() override;

 private:
  using OnAnswer = std::function<void(int status, std::string_view body)>;

  void read_registration(Stored stored, const OnRead& on_read);
  // `failed` is told why there was no answer.
  void send(const char* method, std::string path, std::string body, OnAnswer on_answer,
            std::function<void(Error)> failed);

  const Settings& settings_;
  const Settings::Group& group_;
  Secret token_;
  HttpServers& servers_;
  HttpServers::Id sent_ = 0;
};

}  // namespace reconciler::consul
