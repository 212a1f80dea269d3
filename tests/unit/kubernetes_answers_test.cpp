// What an answer of the API server, or none, is taken for; and how missing rights are told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/kubernetes/api_error.h"
#include "plugins/kubernetes/rights.h"
#include "plugins/kubernetes/rights_needed.h"

namespace reconciler {
namespace {

using Kind = ApiError::Kind;
using testing::HasSubstr;

const ApiAction patch{"patch", "shop", "valkey-0"};

HttpResponse answered(int status, const std::string& body = "") {
  HttpResponse response;
  response.status = status;
  response.body = body;
  return response;
}

TEST(KubernetesAnswers, EachHasItsKindAndItsLabel) {
  const std::vector<std::tuple<int, Kind, bool, bool>> cases{
      // status, kind, tried again slowly, decided again after a list
      {400, Kind::unexpected, true, false}, {401, Kind::unauthorized, false, false},
      {403, Kind::forbidden, true, false},  {404, Kind::moved_on, false, true},
      {405, Kind::unexpected, true, false}, {409, Kind::moved_on, false, true},
      {410, Kind::gone, false, false},      {422, Kind::moved_on, true, true},
      {429, Kind::busy, false, false},      {500, Kind::busy, false, false},
      {503, Kind::busy, false, false},      {504, Kind::busy, false, false},
  };
  for (const auto& [status, kind, refused, mended] : cases) {
    const ApiError error = api_error(patch, answered(status));
    EXPECT_EQ(error.kind, kind) << status;
    EXPECT_EQ(error.refused(), refused) << status;
    EXPECT_EQ(error.mended_by_list(), mended) << status;
    EXPECT_FALSE(error.without_answer()) << status;
    EXPECT_EQ(error.label(), std::to_string(status));
  }
}

TEST(KubernetesAnswers, NoneIsToldApartByHowItFailed) {
  const auto failed = [](auto set) {
    HttpResponse response;
    response.error = "why";
    set(response);
    return api_error(patch, response);
  };
  const ApiError unreachable = failed([](HttpResponse&) {});
  const ApiError timeout = failed([](HttpResponse& response) { response.timed_out = true; });
  const ApiError reset = failed([](HttpResponse& response) { response.lost = true; });
  const ApiError too_large = failed([](HttpResponse& response) { response.too_large = true; });
  EXPECT_EQ(unreachable.label(), "unreachable");
  EXPECT_EQ(timeout.label(), "timeout");
  EXPECT_EQ(reset.label(), "reset");
  EXPECT_EQ(too_large.label(), "too-large");
  EXPECT_TRUE(unreachable.without_answer() && timeout.without_answer() && reset.without_answer());
  EXPECT_FALSE(too_large.without_answer());
  EXPECT_TRUE(too_large.mended_by_list());
  EXPECT_EQ(reset.message, "patch pod shop/valkey-0: why");
  const ApiError malformed = malformed_answer(patch, "the answer is no pod");
  EXPECT_EQ(malformed.label(), "malformed");
  EXPECT_EQ(malformed.message, "patch pod shop/valkey-0: the answer is no pod");
  EXPECT_TRUE(malformed.mended_by_list());
}

TEST(KubernetesAnswers, RetryAfterIsObeyedWithinBounds) {
  const auto wait = [](int status, int64_t seconds) {
    HttpResponse response = answered(status);
    response.retry_after_s = seconds;
    return api_error(patch, response);
  };
  EXPECT_EQ(wait(429, 7).retry_after_ms, 7000u);
  EXPECT_THAT(wait(429, 7).message, HasSubstr("HTTP 429; it asks to wait 7 s"));
  EXPECT_EQ(wait(503, 1).retry_after_ms, 1000u);
  EXPECT_EQ(wait(429, 30).retry_after_ms, 30000u);
  EXPECT_EQ(wait(429, 86400).retry_after_ms, 30000u);
  EXPECT_EQ(wait(429, INT64_MAX).retry_after_ms, 30000u);
  EXPECT_EQ(wait(429, 0).retry_after_ms, 0u);
  EXPECT_EQ(wait(429, -5).retry_after_ms, 0u);
  EXPECT_EQ(wait(403, 7).retry_after_ms, 0u);
}

TEST(KubernetesRights, AreNamedWithResourceGroupAndNamespace) {
  EXPECT_EQ(forbidden_message({{"patch", "", "pods", true}}, "shop"),
            "forbidden: cannot patch pods in namespace shop");
  EXPECT_EQ(forbidden_message({{"list", "", "pods", true},
                               {"patch", "", "pods", true},
                               {"create", "discovery.k8s.io", "endpointslices", true},
                               {"create", "", "events", false}},
                              "shop"),
            "forbidden: cannot list, patch pods, create endpointslices.discovery.k8s.io, create "
            "events in namespace shop");
}

}  // namespace
}  // namespace reconciler
