// What Sentinel says, as it says it, and everything that it would never say.

#include "supervisor/sentinel_watcher/sentinel_reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/replies.h"

namespace reconciler {
namespace {

using testing::HasSubstr;

// As valkey 8.0.1 answers SENTINEL MASTER, shortened.
Fields primary_fields() {
  return {{"name", "myprimary"}, {"ip", "10.0.0.7"},  {"port", "6379"},
          {"runid", "f00"},      {"flags", "master"}, {"role-reported", "master"},
          {"config-epoch", "3"}, {"num-slaves", "2"}, {"quorum", "2"}};
}

Fields changed(Fields fields, const std::string& name, const std::string& value) {
  fields[name] = value;
  return fields;
}

Fields without(Fields fields, const std::string& name) {
  fields.erase(name);
  return fields;
}

TEST(PrimaryAddress, IsAnAddressAndAPort) {
  const auto address = parse_primary_address(strings({"10.0.0.7", "6379"}));
  ASSERT_TRUE(address);
  EXPECT_EQ(**address, (Endpoint{"10.0.0.7", 6379}));
  EXPECT_EQ(**parse_primary_address(strings({"fd00::7", "1"})), (Endpoint{"fd00::7", 1}));
  EXPECT_EQ(**parse_primary_address(strings({"vk-0.vk", "65535"})), (Endpoint{"vk-0.vk", 65535}));
}

TEST(PrimaryAddress, IsNothingForAnUnknownGroup) {
  const auto address = parse_primary_address(Reply{});
  ASSERT_TRUE(address);
  EXPECT_FALSE(*address);
}

TEST(PrimaryAddress, EverythingElseIsAnErrorThatSaysWhatWasExpected) {
  const std::vector<std::pair<Reply, std::string>> table = {
      {text("ERR unknown command 'SENTINEL'", Reply::Kind::error),
       "the error \"ERR unknown command 'SENTINEL'\""},
      {text("OK", Reply::Kind::status),
       "expected an address and a port, or nil, got the status \"OK\""},
      {text("10.0.0.7"), "got a string of 8 bytes"},
      {list({}), "got an array of 0"},
      {strings({"10.0.0.7"}), "got an array of 1"},
      {strings({"10.0.0.7", "6379", "x"}), "got an array of 3"},
      {list({text("10.0.0.7"), Reply{}}), "got an array of 2"},
      {list({list({}), text("6379")}), "got an array of 2"},
      {strings({"", "6379"}), "expected an IP address or host name"},
      {strings({"10.0.0.7\n", "6379"}), "expected an IP address or host name"},
      {strings({"a b", "6379"}), "expected an IP address or host name"},
      {strings({std::string(256, 'x'), "6379"}), "expected an IP address or host name"},
      {strings({std::string("a\0b", 3), "6379"}), "expected an IP address or host name"},
      {strings({"10.0.0.7", "0"}), "expected a port from 1 to 65535, got 0"},
      {strings({"10.0.0.7", "65536"}), "expected a port from 1 to 65535, got \"65536\""},
      {strings({"10.0.0.7", "-1"}), "expected a port"},
      {strings({"10.0.0.7", "6379x"}), "expected a port"},
      {strings({"10.0.0.7", " 6379"}), "expected a port"},
      {strings({"10.0.0.7", ""}), "expected a port"},
  };
  for (const auto& [reply, why] : table) {
    const auto address = parse_primary_address(reply);
    ASSERT_FALSE(address) << why;
    EXPECT_THAT(address.error().message(), HasSubstr(why));
  }
}

TEST(Primary, HasTheFieldsThatCount) {
  const auto primary = parse_primary(named(primary_fields()));
  ASSERT_TRUE(primary) << primary.error().message();
  EXPECT_EQ((*primary)->endpoint, (Endpoint{"10.0.0.7", 6379}));
  EXPECT_EQ((*primary)->config_epoch, 3u);
  EXPECT_FALSE((*primary)->down);
  EXPECT_FALSE((*primary)->reported_replica);
  EXPECT_EQ((*primary)->failover, FailoverState::none);
}

TEST(Primary, FlagsAndStatesAreUnderstood) {
  const auto parse = [](const std::string& name, const std::string& value) {
    auto primary = parse_primary(named(changed(primary_fields(), name, value)));
    EXPECT_TRUE(primary) << name << "=" << value;
    return **primary;
  };
  EXPECT_TRUE(parse("flags", "s_down,master").down);
  EXPECT_TRUE(parse("flags", "s_down,o_down,master,disconnected").down);
  EXPECT_FALSE(parse("flags", "master,master_down").down) << "says something of the peers only";
  EXPECT_TRUE(parse("role-reported", "slave").reported_replica);
  EXPECT_EQ(parse("failover-state", "wait_promotion").failover, FailoverState::beginning);
  EXPECT_EQ(parse("failover-state", "reconf_slaves").failover, FailoverState::promoted);
  EXPECT_EQ(parse("failover-state", "update_config").failover, FailoverState::promoted);
  EXPECT_EQ(parse("failover-state", "some_later_state").failover, FailoverState::other);
  EXPECT_EQ(parse("config-epoch", "18446744073709551615").config_epoch, UINT64_MAX);
  EXPECT_EQ(parse("flags", "master").other_sentinels, 0) << "where it is not said";
  Fields fields = primary_fields();
  fields["num-other-sentinels"] = "2";
  EXPECT_EQ((*parse_primary(named(fields)))->other_sentinels, 2);
  fields["num-other-sentinels"] = "100000";
  EXPECT_EQ((*parse_primary(named(fields)))->other_sentinels, 1'024) << "more are none";
  fields["num-other-sentinels"] = "many";
  EXPECT_THAT(parse_primary(named(fields)).error().message(),
              HasSubstr("num-other-sentinels: expected a number of Sentinels, got \"many\""));
}

TEST(Primary, IsNothingForAnUnknownGroup) {
  const auto primary = parse_primary(text("ERR No such master with that name", Reply::Kind::error));
  ASSERT_TRUE(primary);
  EXPECT_FALSE(*primary);
}

TEST(Primary, EverythingElseIsAnErrorThatSaysWhatWasExpected) {
  const std::vector<std::pair<Reply, std::string>> table = {
      {text("NOPERM no right", Reply::Kind::error), "the error \"NOPERM no right\""},
      {Reply{}, "expected an array of names and values, got nil"},
      {strings({"ip"}), "got an array of 1"},
      {list({text("ip"), Reply{}}), "expected a name or value as a string, got nil"},
      {list({text("ip"), list({})}), "expected a name or value as a string, got an array of 0"},
      {list({}), "the field ip is missing"},
      {named(without(primary_fields(), "port")), "the field port is missing"},
      {named(without(primary_fields(), "flags")), "the field flags is missing"},
      {named(without(primary_fields(), "config-epoch")), "the field config-epoch is missing"},
      {named(without(primary_fields(), "role-reported")), "the field role-reported is missing"},
      {named(changed(primary_fields(), "config-epoch", "-1")),
       "expected a config-epoch, got \"-1\""},
      {named(changed(primary_fields(), "config-epoch", "18446744073709551616")),
       "expected a config-epoch"},
      {named(changed(primary_fields(), "config-epoch", "")), "expected a config-epoch"},
      {named(changed(primary_fields(), "flags", "slave")),
       "expected the flag master, got \"slave\""},
      {named(changed(primary_fields(), "role-reported", "king")),
       "expected master or slave, got \"king\""},
      {named(changed(primary_fields(), "port", "99999")), "expected a port"},
  };
  for (const auto& [reply, why] : table) {
    const auto primary = parse_primary(reply);
    ASSERT_FALSE(primary) << why;
    EXPECT_THAT(primary.error().message(), HasSubstr(why));
  }
}

Fields replica_fields() {
  return {{"name", "10.0.0.8:6379"}, {"ip", "10.0.0.8"},           {"port", "6379"},
          {"flags", "slave"},        {"master-link-status", "ok"}, {"master-host", "10.0.0.7"}};
}

TEST(Replicas, HealthIsReadFromFlagsAndLink) {
  struct Row {
    std::string name, value;
    bool down;
    std::optional<bool> linked;
  };
  const std::vector<Row> table = {
      {"flags", "slave", false, true},
      {"flags", "s_down,slave", true, true},
      {"flags", "s_down,slave,disconnected", true, false},
      {"flags", "o_down,slave", true, true},
      {"flags", "slave,disconnected", false, false},
      {"flags", "slave,promoted,reconf_sent", false, true},
      {"master-link-status", "err", false, false},
      {"master-host", "?", false, std::nullopt},
  };
  for (const Row& row : table) {
    const auto replicas =
        parse_replicas(list({named(changed(replica_fields(), row.name, row.value))}));
    ASSERT_TRUE(replicas) << row.value;
    EXPECT_EQ((**replicas)[0].endpoint, (Endpoint{"10.0.0.8", 6379}));
    EXPECT_EQ((**replicas)[0].down, row.down) << row.value;
    EXPECT_EQ((**replicas)[0].linked, row.linked) << row.value;
  }
}

TEST(Replicas, MayBeNone) { EXPECT_TRUE((*parse_replicas(list({})))->empty()); }

TEST(Replicas, EverythingElseIsAnErrorThatSaysWhichAndWhatWasExpected) {
  const std::vector<std::pair<Reply, std::string>> table = {
      {text("NOPERM no right", Reply::Kind::error), "NOPERM"},
      {text("OK", Reply::Kind::status), "expected a list of replicas"},
      {list({named(replica_fields()), Reply{}}),
       "replica 1: expected an array of names and values, got nil"},
      {list({named(without(replica_fields(), "master-link-status"))}),
       "the field master-link-status is missing"},
      {list({named(changed(replica_fields(), "ip", "10.0.0 .8"))}), "expected an IP address"},
      {list(std::vector<Reply>(1025, named(replica_fields()))),
       "expected at most 1024 replicas, got 1025"},
  };
  for (const auto& [reply, why] : table) {
    const auto replicas = parse_replicas(reply);
    ASSERT_FALSE(replicas) << why;
    EXPECT_THAT(replicas.error().message(), HasSubstr(why));
  }
}

const std::string id(40, 'a');

TEST(Peers, AreKnownByAddressAndId) {
  const auto peers = parse_peers(list({
      named({{"name", id},
             {"ip", "10.0.0.22"},
             {"port", "26379"},
             {"runid", id},
             {"flags", "sentinel"}}),
      named({{"ip", "sentinel-2.example"}, {"port", "26380"}, {"runid", ""}}),
  }));
  ASSERT_TRUE(peers);
  ASSERT_TRUE(*peers);
  EXPECT_EQ((*peers)->at(0), (PeerReply{{"10.0.0.22", 26379}, id}));
  EXPECT_EQ((*peers)->at(1), (PeerReply{{"sentinel-2.example", 26380}, ""}));
  EXPECT_FALSE(*parse_peers(text("ERR No such master with that name", Reply::Kind::error)));
  EXPECT_THAT(parse_peers(list({named({{"ip", "10.0.0.22"}})})).error().message(),
              HasSubstr("Sentinel 0: the field port is missing"));
}

TEST(Peers, WithoutAnAddressAreLeftOutAndNothingElse) {
  const auto peer = [](const std::string& ip, const std::string& port) {
    return named({{"ip", ip}, {"port", port}, {"runid", id}});
  };
  const auto peers =
      parse_peers(list({peer("10.0.0.22", "0"), peer("", "26379"), peer("10.0.0.23", "26379")}));
  ASSERT_TRUE(peers) << peers.error().message();
  ASSERT_EQ((*peers)->size(), 1u);
  EXPECT_EQ((*peers)->at(0).endpoint.host, "10.0.0.23");
  EXPECT_THAT(parse_peers(list({peer("10.0.0.22", "0"), peer("10.0.0.23", "x")})).error().message(),
              HasSubstr("Sentinel 1: expected a port"));
}

TEST(Id, IsFortyHexadecimalDigits) {
  EXPECT_EQ(*parse_id(text(id)), id);
  for (const Reply& wrong :
       {text(id + "a"), text(std::string(40, 'x')), Reply{}, list({text(id)})}) {
    EXPECT_THAT(parse_id(wrong).error().message(), HasSubstr("expected an id"));
  }
}

TEST(Role, IsThatOfAPrimaryOrOfAReplica) {
  Reply offset;
  offset.kind = Reply::Kind::integer;
  EXPECT_TRUE(*parse_role(list({text("master"), offset, list({})})));
  EXPECT_FALSE(*parse_role(list({text("slave"), text("10.0.0.7"), offset, text("connected")})));
  EXPECT_THAT(parse_role(list({text("sentinel"), list({})})).error().message(),
              HasSubstr("expected the role master or slave, got \"sentinel\""));
  for (const Reply& wrong : {text("master"), list({}), list({offset}), Reply{}}) {
    EXPECT_THAT(parse_role(wrong).error().message(), HasSubstr("an array that begins with a role"));
  }
}

}  // namespace
}  // namespace reconciler
