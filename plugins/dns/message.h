// DNS messages as bytes: queries, updates (RFC 2136), both signed by TSIG (RFC 8945), and their replies. Pure; libldns
// builds and parses, and never sends.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace reconciler::dns {

enum class Type { a, aaaa, cname, srv, txt };

const char* name_of(Type type);

// Without a name messages are neither signed nor verified.
struct Key {
  std::string name;
  std::string algorithm;  // `hmac-sha256`
  std::string secret;     // base64
};

// Of `data`: an address in canonical form; a name in lower case with its last dot; for SRV `0 0 6379 name.`; for TXT the
// text's bytes as they are on the wire, so that they can be a precondition byte by byte.
struct Record {
  Type type = Type::a;
  uint32_t ttl = 0;
  std::string data;

  friend bool operator==(const Record&, const Record&) = default;
  friend auto operator<=>(const Record&, const Record&) = default;
};

// The wire form of a TXT record's text, and back.
std::string txt_data(std::string_view text);
std::string txt_text(std::string_view data);

// One message that goes through as a whole or not at all.
struct Update {
  std::string zone;
  std::string name;               // whose records change
  std::string holder;             // the name whose TXT records hold the decision
  std::vector<std::string> held;  // their data, as read: the precondition. Empty: there are none
  std::string hold;               // their data from now on
  std::vector<Type> cleared;      // which records of `name` go
  std::vector<Record> records;    // and which come
  uint32_t ttl = 0;               // of the holder's
};

struct Message {
  std::string bytes;
  uint16_t id = 0;
  std::string mac;  // what the reply's signature includes; empty: not signed
};

// Names end with a dot and were checked (is_name).
Result<Message> make_query(const std::string& name, Type type, const Key& key);
Result<Message> make_update(const Update& update, const Key& key);

bool is_name(const std::string& name);
bool is_within(const std::string& name, const std::string& zone);
bool is_base64(const std::string& text);

// Whether these bytes look like the reply to `asked`; read_reply() tells whether it is one.
bool is_reply_to(std::string_view bytes, const Message& asked);

enum class Code { no_error, no_such_name, precondition_failed, refused };

struct Reply {
  Code code = Code::no_error;
  std::string code_name;  // `REFUSED`, `NOTAUTH (BADKEY)`
  bool is_authoritative = false;
  bool is_truncated = false;
  std::vector<Record> records;  // of the name and type that were asked for
};

// An error where it can't be read or its signature is wrong or missing. A server that can't verify ours can't sign: its
// refusal is believed.
Result<Reply> read_reply(std::string_view bytes, const Message& asked, const Key& key);

}  // namespace reconciler::dns
