// What message.cpp and reply.cpp share of libldns. Nobody else includes it.
#pragma once

#include <ldns/ldns.h>

#include <memory>
#include <string>

#include "plugins/dns/message.h"

namespace reconciler::dns {

struct Free {
  void operator()(ldns_pkt* packet) const { ldns_pkt_free(packet); }
  void operator()(ldns_rr* record) const { ldns_rr_free(record); }
  void operator()(ldns_rdf* field) const { ldns_rdf_deep_free(field); }
  void operator()(char* text) const { LDNS_FREE(text); }
  void operator()(uint8_t* bytes) const { LDNS_FREE(bytes); }
};
template <typename Thing>
using Owned = std::unique_ptr<Thing, Free>;

ldns_rr_type type_of(Type type);
Owned<ldns_rdf> dname(const std::string& name);

}  // namespace reconciler::dns
