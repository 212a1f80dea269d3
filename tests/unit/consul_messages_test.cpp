// Requests to Consul, and its answers as its documentation has them.
#include <gtest/gtest.h>

#include <string>

#include "plugins/consul/messages.h"

namespace reconciler::consul {
namespace {

const Registration registration{"node", "valkey", "primary"};

TEST(ConsulMessages, paths_hold_whatever_name_there_is) {
  EXPECT_EQ(read_path("a/b c", ""), "/v1/kv/a/b%20c?consistent");
  EXPECT_EQ(read_path("a", "dc/1"), "/v1/kv/a?consistent&dc=dc%2F1");
  EXPECT_EQ(write_path("a?b", "dc1", 7), "/v1/kv/a%3Fb?cas=7&dc=dc1");
  EXPECT_EQ(service_path({"n", "a/b", "t"}, ""), "/v1/catalog/service/a%2Fb?consistent");
  EXPECT_EQ(transaction_path(""), "/v1/txn");
  EXPECT_EQ(transaction_path("dc1"), "/v1/txn?dc=dc1");
}

TEST(ConsulMessages, a_key_is_read_with_its_index) {
  const Result<Stored> stored = read_key(
      200,
      R"([{"LockIndex":0,"Key":"a","Flags":0,"Value":"eA==","CreateIndex":7,"ModifyIndex":9}])");
  ASSERT_TRUE(stored.ok());
  EXPECT_EQ(stored->value, "x");
  EXPECT_EQ(stored->version, 9u);
}

TEST(ConsulMessages, a_key_without_value_is_there_all_the_same) {
  const Result<Stored> stored = read_key(200, R"([{"Value":null,"ModifyIndex":9}])");
  ASSERT_TRUE(stored.ok());
  EXPECT_EQ(stored->value, "");
  EXPECT_EQ(stored->version, 9u);
}

TEST(ConsulMessages, only_consuls_own_404_is_a_missing_key) {
  ASSERT_TRUE(read_key(404, "").ok());
  EXPECT_EQ(read_key(404, "")->version, 0u);
  EXPECT_EQ(read_key(404, "page not found\n").error().message(), "HTTP 404: page not found");
  for (const char* body : {"", "[]", "{}", "null", "<html>", R"([{"Value":"eA=="}])",
                           R"([{"Value":"?","ModifyIndex":9}])"}) {
    EXPECT_FALSE(read_key(200, body).ok()) << body;
  }
}

TEST(ConsulMessages, check_and_set_says_whether_it_was_in_time) {
  EXPECT_TRUE(*read_written(200, "true\n"));
  EXPECT_FALSE(*read_written(200, "false"));
  EXPECT_FALSE(read_written(200, "{}").ok());
  EXPECT_EQ(read_written(403, "Permission denied").error().message(),
            "HTTP 403: Permission denied");
}

TEST(ConsulMessages, a_transaction_sets_key_node_and_service_or_nothing) {
  EXPECT_EQ(transaction("a", 9, "x", registration, "10.0.0.5", 6379),
            R"([{"KV":{"Verb":"cas","Key":"a","Value":"eA==","Index":9}},)"
            R"({"Node":{"Verb":"set","Node":{"Node":"node","Address":"10.0.0.5"}}},)"
            R"({"Service":{"Verb":"set","Node":"node","Service":{"ID":"valkey","Service":"valkey",)"
            R"("Address":"10.0.0.5","Port":6379,"Tags":["primary"]}}}])");
}

TEST(ConsulMessages, a_withdrawal_takes_the_service_off) {
  EXPECT_EQ(
      withdrawal("a", 0, "x", registration),
      R"([{"KV":{"Verb":"cas","Key":"a","Value":"eA==","Index":0}},)"
      R"({"Service":{"Verb":"delete","Node":"node","Service":{"ID":"valkey","Service":"valkey"}}}])");
}

TEST(ConsulMessages, a_transaction_that_came_too_late_is_no_failure) {
  EXPECT_TRUE(*read_transaction(200, R"({"Results":[],"Errors":null})"));
  EXPECT_FALSE(*read_transaction(
      409,
      R"({"Results":null,"Errors":[{"OpIndex":0,"What":"failed to set key \"a\", index is stale"}]})"));
  EXPECT_EQ(read_transaction(409, R"({"Errors":[{"OpIndex":2,"What":"Permission denied"}]})")
                .error()
                .message(),
            "HTTP 409: Permission denied");
  EXPECT_FALSE(read_transaction(200, "{}").ok());
  EXPECT_FALSE(read_transaction(409, "").ok());
}

TEST(ConsulMessages, our_registration_is_found_among_others) {
  const std::string others =
      R"({"Node":"other","ServiceID":"valkey","ServiceAddress":"10.0.0.9","ServicePort":1,"ServiceTags":["primary"]},)"
      R"({"Node":"node","ServiceID":"other","ServiceAddress":"10.0.0.9","ServicePort":1,"ServiceTags":[]})";
  const Result<Registered> none = read_service(200, "[" + others + "]", registration);
  ASSERT_TRUE(none.ok());
  EXPECT_FALSE(none->is_there);
  const Result<Registered> found = read_service(
      200,
      "[" + others +
          R"(,{"Node":"node","ServiceID":"valkey","ServiceAddress":"FD00::7","ServicePort":6379,"ServiceTags":["primary"]}])",
      registration);
  ASSERT_TRUE(found.ok());
  EXPECT_TRUE(found->is_there);
  EXPECT_TRUE(found->has_tag);
  EXPECT_EQ(found->address, "[fd00::7]:6379");
  EXPECT_FALSE(read_service(200, "{}", registration).ok());
  EXPECT_FALSE(read_service(403, "Permission denied", registration).ok());
}

TEST(ConsulMessages, a_registration_agrees_only_with_what_the_key_says) {
  const HeldDecision known{{0, 1, 0}, true, "10.0.0.5:6379"};
  const HeldDecision suspected{{0, 1, 1}, false, "10.0.0.5:6379"};
  const Registered right{true, "10.0.0.5:6379", true};
  EXPECT_TRUE(agrees(right, known));
  EXPECT_FALSE(agrees(right, suspected));
  EXPECT_TRUE(agrees({}, suspected));
  EXPECT_FALSE(agrees({}, known));
  EXPECT_FALSE(agrees({true, "10.0.0.5:6379", false}, known));
  EXPECT_FALSE(agrees({true, "10.0.0.6:6379", true}, known));
}

}  // namespace
}  // namespace reconciler::consul
