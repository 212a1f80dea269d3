// DNS messages that are built are read back by libldns itself; replies are made of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <ldns/ldns.h>

#include <memory>
#include <string>

#include "plugins/dns/message.h"
#include "plugins/dns/records.h"

namespace reconciler::dns {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Key no_key;
const Key key{"reconciler.", "hmac-sha256", "c2VjcmV0IG9mIHRoZSBrZXk="};

struct Packet {
  explicit Packet(const std::string& bytes) {
    EXPECT_EQ(ldns_wire2pkt(&packet, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()),
              LDNS_STATUS_OK);
  }
  ~Packet() { ldns_pkt_free(packet); }

  std::vector<std::string> section(const ldns_rr_list* list) const {
    std::vector<std::string> lines;
    for (size_t i = 0; i < ldns_rr_list_rr_count(list); ++i) {
      const std::unique_ptr<char, void (*)(void*)> text(ldns_rr2str(ldns_rr_list_rr(list, i)),
                                                        free);
      std::string line = text.get();
      line.pop_back();
      for (char& c : line) c = c == '\t' ? ' ' : c;
      while (line.ends_with(' ')) line.pop_back();
      lines.push_back(line);
    }
    return lines;
  }

  ldns_pkt* packet = nullptr;
};

const Update update{.zone = "example.org.",
                    .name = "valkey.example.org.",
                    .holder = "_valkey-reconciler.valkey.example.org.",
                    .held = {},
                    .hold = txt_data("v1/0.3.0/known/10.0.0.7:6379"),
                    .cleared = types_of(Publish::address),
                    .records = {{Type::a, 5, "10.0.0.7"}},
                    .ttl = 5};

TEST(DnsUpdate, goes_through_only_where_there_is_no_decision_yet) {
  const Packet packet(make_update(update, no_key)->bytes);
  EXPECT_THAT(packet.section(ldns_pkt_answer(packet.packet)),
              ElementsAre(HasSubstr("_valkey-reconciler.valkey.example.org. 0 NONE TXT")));
}

TEST(DnsUpdate, goes_through_only_where_the_decision_is_the_one_that_was_read) {
  Update next = update;
  next.held = {txt_data("v1/0.2.0/known/10.0.0.6:6379"), txt_data("scribbled")};
  const Packet packet(make_update(next, no_key)->bytes);
  EXPECT_THAT(
      packet.section(ldns_pkt_answer(packet.packet)),
      ElementsAre(
          "_valkey-reconciler.valkey.example.org. 0 IN TXT \"v1/0.2.0/known/10.0.0.6:6379\"",
          "_valkey-reconciler.valkey.example.org. 0 IN TXT \"scribbled\""));
}

TEST(DnsUpdate, changes_decision_and_address_in_one_message) {
  const Packet packet(make_update(update, no_key)->bytes);
  const ldns_pkt* parsed = packet.packet;
  EXPECT_EQ(ldns_pkt_get_opcode(parsed), LDNS_PACKET_UPDATE);
  EXPECT_THAT(
      packet.section(ldns_pkt_authority(parsed)),
      ElementsAre(
          "_valkey-reconciler.valkey.example.org. 0 ANY TXT \\# 0",
          "_valkey-reconciler.valkey.example.org. 5 IN TXT \"v1/0.3.0/known/10.0.0.7:6379\"",
          "valkey.example.org. 0 ANY A \\# 0", "valkey.example.org. 0 ANY AAAA \\# 0",
          "valkey.example.org. 0 ANY CNAME \\# 0", "valkey.example.org. 5 IN A 10.0.0.7"));
}

TEST(DnsText, longer_than_one_string_is_several) {
  const std::string text(600, 'x');
  EXPECT_EQ(txt_data(text).size(), 603U);
  EXPECT_EQ(txt_text(txt_data(text)), text);
  EXPECT_EQ(txt_text(txt_data("")), "");
  EXPECT_EQ(txt_text(std::string("\x05"
                                 "ab",
                                 3)),
            "ab")
      << "cut off";
}

// What a server with this key says to `asked`.
std::string answer_to(const Message& asked, const Key& signed_by, bool authoritative = true,
                      ldns_pkt_rcode rcode = LDNS_RCODE_NOERROR) {
  Packet reply(asked.bytes);
  ldns_rr_free(ldns_pkt_tsig(reply.packet));
  ldns_pkt_set_tsig(reply.packet, nullptr);
  ldns_pkt_set_qr(reply.packet, true);
  ldns_pkt_set_aa(reply.packet, authoritative);
  ldns_pkt_set_rcode(reply.packet, rcode);
  for (const char* line :
       {"valkey.example.org. 5 IN A 10.0.0.7", "other.example.org. 5 IN A 10.0.0.8",
        "valkey.example.org. 5 IN AAAA fd00::7"}) {
    ldns_rr* record = nullptr;
    EXPECT_EQ(ldns_rr_new_frm_str(&record, line, 0, nullptr, nullptr), LDNS_STATUS_OK);
    ldns_pkt_push_rr(reply.packet, LDNS_SECTION_ANSWER, record);
  }
  if (!signed_by.name.empty()) {
    ldns_rdf* mac =
        ldns_rdf_new_frm_data(LDNS_RDF_TYPE_INT16_DATA, asked.mac.size(), asked.mac.data());
    EXPECT_EQ(ldns_pkt_tsig_sign(reply.packet, signed_by.name.c_str(), signed_by.secret.c_str(),
                                 300, "hmac-sha256.", mac),
              LDNS_STATUS_OK);
    ldns_rdf_deep_free(mac);
  }
  uint8_t* bytes = nullptr;
  size_t size = 0;
  EXPECT_EQ(ldns_pkt2wire(&bytes, reply.packet, &size), LDNS_STATUS_OK);
  std::string answer(reinterpret_cast<const char*>(bytes), size);
  free(bytes);
  return answer;
}

TEST(DnsReply, has_the_records_that_were_asked_for_and_no_others) {
  const Message asked = *make_query("Valkey.example.org.", Type::a, key);
  const Result<Reply> reply = read_reply(answer_to(asked, key), asked, key);
  ASSERT_TRUE(reply) << reply.error().message();
  EXPECT_TRUE(reply->is_authoritative);
  EXPECT_THAT(reply->records, ElementsAre(Record{Type::a, 5, "10.0.0.7"}));
}

TEST(DnsReply, is_believed_by_its_signature_alone) {
  const Message asked = *make_query("valkey.example.org.", Type::a, key);
  Key other = key;
  other.secret = "YW5vdGhlciBzZWNyZXQ=";
  EXPECT_FALSE(read_reply(answer_to(asked, no_key), asked, key)) << "not signed";
  EXPECT_FALSE(read_reply(answer_to(asked, other), asked, key)) << "by another secret";
  const Message earlier = *make_query("valkey.example.org.", Type::a, key);
  EXPECT_FALSE(read_reply(answer_to(earlier, key), asked, key)) << "to another question";
  EXPECT_FALSE(read_reply(answer_to(asked, no_key, true, LDNS_RCODE_NXRRSET), asked, key));
  EXPECT_TRUE(read_reply(answer_to(asked, no_key), asked, no_key)) << "no key, no signature";
}

TEST(DnsReply, a_refusal_is_named) {
  const Message asked = *make_query("valkey.example.org.", Type::a, key);
  const Result<Reply> reply =
      read_reply(answer_to(asked, no_key, false, LDNS_RCODE_REFUSED), asked, key);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->code, Code::refused);
  EXPECT_EQ(reply->code_name, "REFUSED");
}

TEST(DnsReply, cut_off_or_garbled_anywhere_is_never_taken_for_another_one) {
  const Message asked = *make_query("valkey.example.org.", Type::a, key);
  const std::string whole = answer_to(asked, key);
  for (size_t at = 0; at < whole.size(); ++at) {
    EXPECT_FALSE(read_reply(whole.substr(0, at), asked, key)) << at;
    std::string garbled = whole;
    garbled[at] = static_cast<char>(garbled[at] ^ 0x55);
    const Result<Reply> reply = read_reply(garbled, asked, key);
    if (!reply || reply->code == Code::refused) continue;
    // Not part of what is signed: the message's number, the name of the key beside the signature.
    EXPECT_EQ(reply->records, read_reply(whole, asked, key)->records) << at;
  }
}

TEST(DnsReply, of_another_number_or_a_question_is_no_reply) {
  const Message asked = *make_query("valkey.example.org.", Type::a, no_key);
  std::string answer = answer_to(asked, no_key);
  EXPECT_TRUE(is_reply_to(answer, asked));
  EXPECT_FALSE(is_reply_to(asked.bytes, asked));
  EXPECT_FALSE(is_reply_to(answer.substr(0, 11), asked));
  answer[0] = static_cast<char>(answer[0] ^ 1);
  EXPECT_FALSE(is_reply_to(answer, asked));
}

TEST(DnsRecords, say_the_primary_in_each_form) {
  EXPECT_THAT(*records_for(Publish::address, "10.0.0.7", 6379, 5),
              ElementsAre(Record{Type::a, 5, "10.0.0.7"}));
  EXPECT_THAT(*records_for(Publish::address, "fd00::7", 6379, 5),
              ElementsAre(Record{Type::aaaa, 5, "fd00::7"}));
  EXPECT_THAT(*records_for(Publish::cname, "valkey-0.shop", 6379, 5),
              ElementsAre(Record{Type::cname, 5, "valkey-0.shop."}));
  EXPECT_THAT(*records_for(Publish::srv, "valkey-0.shop", 6380, 5),
              ElementsAre(Record{Type::srv, 5, "0 0 6380 valkey-0.shop."}));
}

TEST(DnsRecords, refuse_what_they_cannot_say) {
  EXPECT_FALSE(records_for(Publish::address, "valkey-0.shop", 6379, 5));
  EXPECT_FALSE(records_for(Publish::cname, "10.0.0.7", 6379, 5));
  EXPECT_FALSE(records_for(Publish::cname, "valkey-0", 6379, 5)) << "no full name";
  EXPECT_FALSE(records_for(Publish::srv, "valkey-0.shop\n. A", 6379, 5));
  EXPECT_FALSE(records_for(Publish::srv, "fd00::7", 6379, 5));
}

TEST(DnsNames, are_within_their_zone_or_not) {
  EXPECT_TRUE(is_within("Valkey.Example.org.", "example.org."));
  EXPECT_TRUE(is_within("example.org.", "example.org."));
  EXPECT_FALSE(is_within("badexample.org.", "example.org."));
  EXPECT_FALSE(is_name(std::string(64, 'x') + ".org."));
  EXPECT_FALSE(is_name("a..b."));
  EXPECT_FALSE(is_name("."));
}

}  // namespace
}  // namespace reconciler::dns
