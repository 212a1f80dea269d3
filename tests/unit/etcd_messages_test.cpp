// Requests to etcd's gateway byte by byte, and answers as etcd 3.4.23 gave them.
#include <gtest/gtest.h>

#include <string>

#include "plugins/etcd/messages.h"

namespace reconciler::etcd {
namespace {

constexpr const char* header =
    R"({"header":{"cluster_id":"14841639068965178418","member_id":"10276657743932975437","revision":"3","raft_term":"2"})";

std::string answer(const std::string& rest) { return header + rest + "}"; }

TEST(EtcdMessages, a_key_is_read_by_its_name_in_base64) {
  EXPECT_EQ(range_of("/a"), R"({"key":"L2E="})");
}

TEST(EtcdMessages, a_key_is_read_with_its_revision_and_lease) {
  const Result<Read> read = read_range(
      answer(R"(,"kvs":[{"key":"L2E=","create_revision":"2","mod_revision":"3","version":"2",)"
             R"("value":"eA==","lease":"7587861094682345478"}],"count":"1")"));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->stored.value, "x");
  EXPECT_EQ(read->stored.version, 3u);
  EXPECT_EQ(read->lease, 7587861094682345478u);
}

TEST(EtcdMessages, a_key_that_is_not_there_has_revision_zero) {
  const Result<Read> read = read_range(answer(""));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->stored.version, 0u);
  EXPECT_EQ(read->stored.value, "");
}

TEST(EtcdMessages, an_answer_of_somebody_else_is_no_missing_key) {
  for (const char* body : {"", "{}", "<html>", "null", "[]", R"({"header":1})"}) {
    EXPECT_FALSE(read_range(body).ok()) << body;
    EXPECT_FALSE(read_txn(body).ok()) << body;
    EXPECT_FALSE(read_token(body).ok()) << body;
    EXPECT_FALSE(read_lease(body).ok()) << body;
    EXPECT_FALSE(read_seconds(body).ok()) << body;
  }
  EXPECT_FALSE(read_range(answer(R"(,"kvs":[{"key":"L2E=","value":"eA=="}])")).ok());
  EXPECT_FALSE(read_range(answer(R"(,"kvs":[{"mod_revision":"3","value":"?"}])")).ok());
}

TEST(EtcdMessages, a_value_is_put_where_the_revision_is_the_one_that_was_read) {
  EXPECT_EQ(put_where("/a", 3, "x", 0),
            R"({"compare":[{"key":"L2E=","target":"MOD","result":"EQUAL","mod_revision":"3"}],)"
            R"("success":[{"request_put":{"key":"L2E=","value":"eA==","lease":"0"}}]})");
}

TEST(EtcdMessages, a_transaction_that_came_too_late_says_nothing_of_success) {
  EXPECT_TRUE(*read_txn(answer(R"(,"succeeded":true,"responses":[{"response_put":{}}])")));
  EXPECT_FALSE(*read_txn(answer("")));
}

TEST(EtcdMessages, a_lease_is_asked_for_under_a_number_of_ours) {
  EXPECT_EQ(grant_for(5, INT64_MAX), R"({"TTL":"5","ID":"9223372036854775807"})");
}

TEST(EtcdMessages, a_lease_that_is_gone_has_no_time_left) {
  EXPECT_EQ(*read_seconds(R"({"result":{"header":{},"ID":"7","TTL":"5"}})"
                          "\n"),
            5u);
  EXPECT_EQ(*read_seconds(R"({"result":{"header":{},"ID":"7"}})"
                          "\n"),
            0u);
}

TEST(EtcdMessages, a_token_with_a_line_end_is_none) {
  EXPECT_EQ(*read_token(answer(R"(,"token":"abc.5")")), "abc.5");
  EXPECT_FALSE(read_token(answer(R"(,"token":"abc\r\nHost: x")")).ok());
}

TEST(EtcdMessages, a_refusal_is_quoted_and_tells_whether_another_token_may_do) {
  const struct {
    int status;
    const char* body;
    const char* text;
    bool is_of_token;
  } rows[] = {
      {401, R"({"error":"etcdserver: invalid auth token","code":16})",
       "HTTP 401: etcdserver: invalid auth token", true},
      {400, R"({"error":"etcdserver: revision of auth store is old","code":3})",
       "HTTP 400: etcdserver: revision of auth store is old", true},
      {403, R"({"error":"etcdserver: permission denied","code":7})",
       "HTTP 403: etcdserver: permission denied", false},
      {404, "404 page not found\n", "HTTP 404: 404 page not found", false},
  };
  for (const auto& row : rows) {
    const Refusal refusal = read_refusal(row.status, row.body);
    EXPECT_EQ(refusal.text, row.text);
    EXPECT_EQ(refusal.is_of_token, row.is_of_token) << row.text;
  }
}

}  // namespace
}  // namespace reconciler::etcd
