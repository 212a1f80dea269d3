// What a receiver of webhooks is told beside the JSON, and what its answers mean.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "plugins/webhook/message.h"

namespace reconciler::webhook {
namespace {

TEST(WebhookMessage, has_the_signature_that_its_page_describes) {
  // printf '1795449600.k.{}' | openssl dgst -sha256 -hmac secret
  EXPECT_EQ(signature("secret", 1795449600, "k", "{}"),
            "t=1795449600,v1=e2afd12b8be940691aa750c4581ba57364f63aaa60c1f12ba2d493c95f0ad73c");
}

TEST(WebhookMessage, has_another_signature_whatever_is_changed) {
  const std::string right = signature("secret", 1, "k", "{}");
  for (const std::string& other :
       {signature("Secret", 1, "k", "{}"), signature("secret", 2, "k", "{}"),
        signature("secret", 1, "l", "{}"), signature("secret", 1, "k", "{ }")}) {
    EXPECT_NE(other, right);
  }
}

TEST(WebhookMessage, has_a_key_of_run_group_decision_and_number) {
  vr_topology topology{};
  topology.group = "my primary\n";
  topology.era = 1;
  topology.epoch = 6;
  topology.step = 2;
  EXPECT_EQ(idempotency_key("0123", topology, 7), "0123/my%20primary%0A/1.6.2/7");
}

TEST(WebhookMessage, is_applied_retried_or_rejected_by_the_answers_status) {
  for (int status = 0; status < 600; ++status) {
    const bool rejected = status == 400 || status == 409 || status == 410 || status == 413 ||
                          status == 415 || status == 422;
    EXPECT_EQ(outcome_of(status), status / 100 == 2 ? VR_APPLIED
                                  : rejected        ? VR_REJECTED
                                                    : VR_RETRY)
        << status;
  }
}

TEST(WebhookMessage, takes_headers_of_ones_own_that_are_some) {
  for (const char* line : {"Authorization: Bearer x", "X-Team:data", "x-y:a:b", "X: \xc3\xa4"}) {
    EXPECT_TRUE(check_header(line).ok()) << line;
  }
  for (const char* line : {"", "X", ": x", "X Y: x", "X:", "X:  ", "X: a\r\nY: b", "X\n: a",
                           "Content-Length: 1", "HOST: x", "valkey-reconciler-signature: x"}) {
    EXPECT_FALSE(check_header(line).ok()) << line;
  }
}

TEST(WebhookMessage, knows_what_may_be_secret) {
  EXPECT_THAT(secrets_of("https://hooks.example.org/valkey/T0123456789?key=abcdefgh",
                         {"Authorization: Bearer hush-hush"}),
              testing::ElementsAre("T0123456789", "abcdefgh", "hush-hush"));
  EXPECT_THAT(secrets_of("http://hooks.example.org", {}), testing::IsEmpty());
}

TEST(WebhookMessage, does_not_quote_a_header_that_is_wrong) {
  EXPECT_EQ(check_header("hush").error().message(), "`Name: value` is expected");
  EXPECT_EQ(check_header("X: hu\x01sh").error().message(), "X: its value has control characters");
}

}  // namespace
}  // namespace reconciler::webhook
