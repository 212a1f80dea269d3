// What Consul's HTTP API is told and says (developer.hashicorp.com/consul/api-docs: kv, txn, catalog). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/result.h"
#include "plugins/held_decision.h"
#include "plugins/store/store.h"

namespace reconciler::consul {

// The one instance of a service that leads to the primary, registered at a node of its own.
struct Registration {
  std::string node;
  std::string service;
  std::string tag;
};

// `/v1/kv/<key>`, with what a question for it and a change of it want. `datacenter` empty: the agent's own.
std::string read_path(const std::string& key, const std::string& datacenter);
std::string write_path(const std::string& key, const std::string& datacenter, uint64_t index);
std::string service_path(const Registration& registration, const std::string& datacenter);
std::string transaction_path(const std::string& datacenter);

// Its version is the key's ModifyIndex.
Result<Stored> read_key(int status, std::string_view body);
Result<bool> read_written(int status, std::string_view body);  // of a key alone

// Writes `value` where the key still has that ModifyIndex (0: where there is no such key), and the registration with it:
// all or nothing.
std::string transaction(const std::string& key, uint64_t index, const std::string& value,
                        const Registration& registration, const std::string& host, uint16_t port);
// The same with the registration taken off.
std::string withdrawal(const std::string& key, uint64_t index, const std::string& value,
                       const Registration& registration);
Result<bool> read_transaction(int status, std::string_view body);

// What the catalog has of the service, at our node.
struct Registered {
  bool is_there = false;
  std::string address;   // `host:port`, as HeldDecision has it
  bool has_tag = false;  // and no other
};
Result<Registered> read_service(int status, std::string_view body,
                                const Registration& registration);

// Whether that is what a value says which holds `held`.
bool agrees(const Registered& registered, const HeldDecision& held);

}  // namespace reconciler::consul
