// What etcd's JSON gateway is told and says (etcd 3.4, api/etcdserverpb/rpc.proto: bytes are base64, 64-bit numbers are
// texts). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/result.h"
#include "plugins/store/store.h"

namespace reconciler::etcd {

inline constexpr const char* range_path = "/v3/kv/range";
inline constexpr const char* txn_path = "/v3/kv/txn";
inline constexpr const char* authenticate_path = "/v3/auth/authenticate";
inline constexpr const char* grant_path = "/v3/lease/grant";
inline constexpr const char* keep_alive_path = "/v3/lease/keepalive";

struct Read {
  Stored stored;       // its version is the key's mod_revision
  uint64_t lease = 0;  // 0: none
};

std::string range_of(const std::string& key);
Result<Read> read_range(std::string_view body);

// Puts `value` where the key still has that mod_revision (0: where there is no such key).
std::string put_where(const std::string& key, uint64_t mod_revision, const std::string& value,
                      uint64_t lease);
Result<bool> read_txn(std::string_view body);  // whether it was put

std::string authenticate_as(const std::string& user, const std::string& password);
Result<std::string> read_token(std::string_view body);

// `lease`: its number, which nobody else has.
std::string grant_for(uint64_t seconds, uint64_t lease);
Result<uint64_t> read_lease(std::string_view body);

std::string keep_alive(uint64_t lease);
Result<uint64_t> read_seconds(std::string_view body);  // its whole life from now on; 0: it is gone

// What an answer other than 200 says: `etcdserver: permission denied`.
struct Refusal {
  std::string text;
  bool is_of_token = false;  // etcd does not know it any more
};
Refusal read_refusal(int status, std::string_view body);

}  // namespace reconciler::etcd
