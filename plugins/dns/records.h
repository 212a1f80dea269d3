// What a name is to say of a primary. Pure.
#pragma once

#include <string>
#include <vector>

#include "common/result.h"
#include "plugins/dns/message.h"

namespace reconciler::dns {

enum class Publish { address, cname, srv };

// Which types of a name's records are ours.
std::vector<Type> types_of(Publish publish);

// `host` in canonical form. An error where the primary is announced in a form that such a record can't say.
Result<std::vector<Record>> records_for(Publish publish, const std::string& host, uint16_t port,
                                        uint32_t ttl);

// Beside `valkey.example.org.`: the name whose TXT record holds the decision.
std::string holder_of(const std::string& name);

}  // namespace reconciler::dns
