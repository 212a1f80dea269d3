// Replies, of which nothing is believed but what their signature covers.
#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "plugins/dns/message.h"
#include "plugins/dns/wire.h"

namespace reconciler::dns {

namespace {

constexpr unsigned tsig_error_field = 5;  // of a TSIG record's data

std::string text_of(const ldns_rdf* field) {
  const Owned<char> text(ldns_rdf2str(field));
  std::string lower = text ? text.get() : "";
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string data_of(const ldns_rr& rr, Type type) {
  std::string data;
  for (size_t i = 0; i < ldns_rr_rd_count(&rr); ++i) {
    const ldns_rdf* field = ldns_rr_rdf(&rr, i);
    if (type == Type::txt) {
      data.append(reinterpret_cast<const char*>(ldns_rdf_data(field)), ldns_rdf_size(field));
    } else {
      data += (data.empty() ? "" : " ") + text_of(field);
    }
  }
  return data;
}

// Those of the answer that are of the question's name and type: a CNAME's target may have come along.
std::vector<Record> records_of(const ldns_pkt& packet) {
  constexpr Type types[] = {Type::a, Type::aaaa, Type::cname, Type::srv, Type::txt};
  std::vector<Record> records;
  if (ldns_pkt_qdcount(&packet) != 1 || ldns_pkt_get_opcode(&packet) != LDNS_PACKET_QUERY) {
    return records;
  }
  const ldns_rr* question = ldns_rr_list_rr(ldns_pkt_question(&packet), 0);
  for (size_t i = 0; i < ldns_pkt_ancount(&packet); ++i) {
    const ldns_rr* rr = ldns_rr_list_rr(ldns_pkt_answer(&packet), i);
    if (ldns_rr_get_type(rr) != ldns_rr_get_type(question) ||
        ldns_dname_compare(ldns_rr_owner(rr), ldns_rr_owner(question)) != 0) {
      continue;
    }
    for (const Type type : types) {
      if (type_of(type) == ldns_rr_get_type(rr)) {
        records.push_back({type, ldns_rr_ttl(rr), data_of(*rr, type)});
      }
    }
  }
  std::sort(records.begin(), records.end());
  return records;
}

Code code_of(ldns_pkt_rcode rcode) {
  switch (rcode) {
    case LDNS_RCODE_NOERROR:
      return Code::no_error;
    case LDNS_RCODE_NXDOMAIN:
      return Code::no_such_name;
    case LDNS_RCODE_YXDOMAIN:
    case LDNS_RCODE_YXRRSET:
    case LDNS_RCODE_NXRRSET:
      return Code::precondition_failed;
    default:
      return Code::refused;
  }
}

std::string code_name_of(const ldns_pkt& packet) {
  const Owned<char> name(ldns_pkt_rcode2str(ldns_pkt_get_rcode(&packet)));
  std::string text = name ? name.get() : "?";
  const ldns_rr* tsig = ldns_pkt_tsig(&packet);
  const ldns_rdf* error = tsig != nullptr ? ldns_rr_rdf(tsig, tsig_error_field) : nullptr;
  switch (error != nullptr ? ldns_rdf2native_int16(error) : 0) {
    case 16:
      return text + " (BADSIG: another secret)";
    case 17:
      return text + " (BADKEY: it does not know this key)";
    case 18:
      return text + " (BADTIME: the clocks differ)";
    default:
      return text;
  }
}

}  // namespace

bool is_reply_to(std::string_view bytes, const Message& asked) {
  if (bytes.size() < LDNS_HEADER_SIZE) return false;
  const auto byte = [&](size_t at) { return static_cast<uint8_t>(bytes[at]); };
  return (byte(0) << 8 | byte(1)) == asked.id && (byte(2) & 0x80) != 0;
}

Result<Reply> read_reply(std::string_view bytes, const Message& asked, const Key& key) {
  ldns_pkt* parsed = nullptr;
  const auto* wire = reinterpret_cast<const uint8_t*>(bytes.data());
  const ldns_status status = ldns_wire2pkt(&parsed, wire, bytes.size());
  const Owned<ldns_pkt> packet(parsed);
  if (status != LDNS_STATUS_OK) {
    return Error(fmt::format("a reply that is none: {}", ldns_get_errorstr_by_id(status)));
  }
  Reply reply{code_of(ldns_pkt_get_rcode(parsed)), code_name_of(*parsed), ldns_pkt_aa(parsed),
              ldns_pkt_tc(parsed), records_of(*parsed)};
  if (key.name.empty() || reply.code == Code::refused) return reply;
  const Owned<ldns_rdf> mac(
      ldns_rdf_new_frm_data(LDNS_RDF_TYPE_INT16_DATA, asked.mac.size(), asked.mac.data()));
  ldns_rr* tsig = ldns_pkt_tsig(parsed);
  const bool verified = ldns_pkt_tsig_verify(parsed, wire, bytes.size(), key.name.c_str(),
                                             key.secret.c_str(), mac.get());
  // It takes the record off meanwhile, and forgets it where it gives up halfway.
  if (ldns_pkt_tsig(parsed) == nullptr) ldns_rr_free(tsig);
  if (!verified) return Error("a reply whose signature is wrong or missing");
  return reply;
}

}  // namespace reconciler::dns
