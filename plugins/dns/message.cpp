#include "plugins/dns/message.h"

#include <sys/random.h>

#include <algorithm>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "plugins/dns/wire.h"

namespace reconciler::dns {

namespace {

constexpr size_t max_txt_part = 255;
constexpr uint16_t fudge_s = 300;       // as every implementation has it
constexpr unsigned tsig_mac_field = 3;  // of a TSIG record's data

// Without data, as questions, preconditions of absence and deletions are.
ldns_rr* bare_record(const std::string& name, ldns_rr_type type, ldns_rr_class rr_class) {
  ldns_rr* record = ldns_rr_new();
  ldns_rr_set_owner(record, dname(name).release());
  ldns_rr_set_type(record, type);
  ldns_rr_set_class(record, rr_class);
  ldns_rr_set_ttl(record, 0);
  return record;
}

ldns_rr* txt_record(const std::string& name, const std::string& data, uint32_t ttl) {
  ldns_rr* record = bare_record(name, LDNS_RR_TYPE_TXT, LDNS_RR_CLASS_IN);
  ldns_rr_set_ttl(record, ttl);
  for (size_t at = 0; at < data.size();) {
    const size_t size =
        std::min<size_t>(1 + static_cast<unsigned char>(data[at]), data.size() - at);
    ldns_rr_push_rdf(record, ldns_rdf_new_frm_data(LDNS_RDF_TYPE_STR, size, data.data() + at));
    at += size;
  }
  return record;
}

Result<Owned<ldns_rr>> made_of(const std::string& name, const Record& record) {
  const std::string line =
      fmt::format("{} {} IN {} {}", name, record.ttl, name_of(record.type), record.data);
  ldns_rr* made = nullptr;
  const ldns_status status = ldns_rr_new_frm_str(&made, line.c_str(), 0, nullptr, nullptr);
  if (status != LDNS_STATUS_OK) {
    return Error(fmt::format("record `{}`: {}", line, ldns_get_errorstr_by_id(status)));
  }
  return Owned<ldns_rr>(made);
}

Result<Message> finished(ldns_pkt& packet, const Key& key) {
  Message message;
  if (::getrandom(&message.id, sizeof message.id, 0) != sizeof message.id) {
    return Error("no random number for a message");
  }
  ldns_pkt_set_id(&packet, message.id);
  if (!key.name.empty()) {
    // It takes the name of the algorithm with its dot, and no other.
    const ldns_status signed_well =
        ldns_pkt_tsig_sign(&packet, key.name.c_str(), key.secret.c_str(), fudge_s,
                           (key.algorithm + ".").c_str(), nullptr);
    if (signed_well != LDNS_STATUS_OK) {
      return Error(fmt::format("sign: {}", ldns_get_errorstr_by_id(signed_well)));
    }
    const ldns_rdf* mac = ldns_rr_rdf(ldns_pkt_tsig(&packet), tsig_mac_field);
    message.mac.assign(reinterpret_cast<const char*>(ldns_rdf_data(mac)), ldns_rdf_size(mac));
  }
  uint8_t* bytes = nullptr;
  size_t size = 0;
  const ldns_status written = ldns_pkt2wire(&bytes, &packet, &size);
  const Owned<uint8_t> owned(bytes);
  if (written != LDNS_STATUS_OK) {
    return Error(fmt::format("write: {}", ldns_get_errorstr_by_id(written)));
  }
  message.bytes.assign(reinterpret_cast<const char*>(bytes), size);
  return message;
}

}  // namespace

ldns_rr_type type_of(Type type) {
  switch (type) {
    case Type::a:
      return LDNS_RR_TYPE_A;
    case Type::aaaa:
      return LDNS_RR_TYPE_AAAA;
    case Type::cname:
      return LDNS_RR_TYPE_CNAME;
    case Type::srv:
      return LDNS_RR_TYPE_SRV;
    case Type::txt:
      return LDNS_RR_TYPE_TXT;
  }
  abort_with("a type of DNS record that is none");
}

Owned<ldns_rdf> dname(const std::string& name) {
  return Owned<ldns_rdf>(ldns_dname_new_frm_str(name.c_str()));
}

const char* name_of(Type type) {
  switch (type) {
    case Type::a:
      return "A";
    case Type::aaaa:
      return "AAAA";
    case Type::cname:
      return "CNAME";
    case Type::srv:
      return "SRV";
    case Type::txt:
      return "TXT";
  }
  abort_with("a type of DNS record that is none");
}

std::string txt_data(std::string_view text) {
  std::string data;
  do {
    const std::string_view part = text.substr(0, max_txt_part);
    data += static_cast<char>(part.size());
    data += part;
    text.remove_prefix(part.size());
  } while (!text.empty());
  return data;
}

std::string txt_text(std::string_view data) {
  std::string text;
  while (!data.empty()) {
    const size_t size = static_cast<unsigned char>(data[0]);
    text += data.substr(1, size);
    data.remove_prefix(std::min(data.size(), 1 + size));
  }
  return text;
}

bool is_name(const std::string& name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
  return plain && name.size() > 1 && name.ends_with('.') && dname(name) != nullptr;
}

bool is_within(const std::string& name, const std::string& zone) {
  const Owned<ldns_rdf> inner = dname(name);
  const Owned<ldns_rdf> outer = dname(zone);
  return ldns_dname_compare(inner.get(), outer.get()) == 0 ||
         ldns_dname_is_subdomain(inner.get(), outer.get());
}

bool is_base64(const std::string& text) {
  ldns_rdf* data = nullptr;
  const ldns_status status = ldns_str2rdf_b64(&data, text.c_str());
  const Owned<ldns_rdf> owned(data);
  return status == LDNS_STATUS_OK && ldns_rdf_size(data) > 0;
}

Result<Message> make_query(const std::string& name, Type type, const Key& key) {
  const Owned<ldns_pkt> packet(ldns_pkt_new());
  ldns_rr* question = bare_record(name, type_of(type), LDNS_RR_CLASS_IN);
  ldns_rr_set_question(question, true);
  ldns_pkt_push_rr(packet.get(), LDNS_SECTION_QUESTION, question);
  return finished(*packet, key);
}

Result<Message> make_update(const Update& update, const Key& key) {
  const Owned<ldns_pkt> packet(ldns_pkt_new());
  ldns_pkt_set_opcode(packet.get(), LDNS_PACKET_UPDATE);
  const auto push = [&](ldns_pkt_section section, ldns_rr* record) {
    ldns_pkt_push_rr(packet.get(), section, record);
  };
  ldns_rr* zone = bare_record(update.zone, LDNS_RR_TYPE_SOA, LDNS_RR_CLASS_IN);
  ldns_rr_set_question(zone, true);
  push(LDNS_SECTION_QUESTION, zone);

  // RFC 2136, sections 2.4.2 and 2.4.3: the whole set of records is as it was read, or there is none.
  constexpr ldns_pkt_section preconditions = LDNS_SECTION_ANSWER;
  for (const std::string& data : update.held) {
    push(preconditions, txt_record(update.holder, data, 0));
  }
  if (update.held.empty()) {
    push(preconditions, bare_record(update.holder, LDNS_RR_TYPE_TXT, LDNS_RR_CLASS_NONE));
  }

  constexpr ldns_pkt_section changes = LDNS_SECTION_AUTHORITY;
  push(changes, bare_record(update.holder, LDNS_RR_TYPE_TXT, LDNS_RR_CLASS_ANY));
  push(changes, txt_record(update.holder, update.hold, update.ttl));
  for (const Type type : update.cleared) {
    push(changes, bare_record(update.name, type_of(type), LDNS_RR_CLASS_ANY));
  }
  for (const Record& record : update.records) {
    Result<Owned<ldns_rr>> made = made_of(update.name, record);
    if (!made) return made.error();
    push(changes, made->release());
  }
  return finished(*packet, key);
}

}  // namespace reconciler::dns
