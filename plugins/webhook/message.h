// What a receiver is told beside the JSON, and what its answer means. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "plugins/valkey_reconciler_plugin.h"

namespace reconciler::webhook {

// `<run>/<group>/<era>.<epoch>.<step>/<number>`: the same for each try of one body, which has that number, and another for
// any other. `run`: of this start of the labeler, since a receiver must not take what it hears after a restart for what
// it has heard before: steps are counted from there.
std::string idempotency_key(std::string_view run, const vr_topology& topology, uint64_t number);

// `t=1795449600,v1=<HMAC-SHA256 of "1795449600.<key>.<body>", hexadecimal>`.
std::string signature(std::string_view secret, int64_t unix_s, std::string_view key,
                      std::string_view body);

// VR_APPLIED, VR_RETRY or VR_REJECTED.
vr_outcome outcome_of(int status);

// The parts of the URL behind its host, and of the headers' values, that may be secrets: receivers like to repeat what they
// don't know. Those of less than eight bytes are none.
std::vector<std::string> secrets_of(std::string_view url, const std::vector<std::string>& headers);

// An error where it is no `Name: value`, or has a name of our own. The line is not quoted: it may be a secret.
Result<void> check_header(std::string_view line);

}  // namespace reconciler::webhook
