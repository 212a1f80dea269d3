#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/kubernetes/json_sieve.h"
#include "plugins/kubernetes/pod.h"

namespace reconciler {
namespace {

constexpr KeptMember inner[] = {{"b"}};
constexpr KeptMember outer[] = {{"a"}, kept("deep", inner)};
constexpr KeptMember all = kept("", outer);

TEST(KubernetesSieve, KeepsWhatIsNamedAndNothingElse) {
  EXPECT_EQ(sieved(R"({"x": [1, {"a": 2}], "a" : {"any": [1, "}"]}, "y": "z"})", all),
            R"({"a":{"any": [1, "}"]}})");
  EXPECT_EQ(sieved(R"({"deep": [{"b": 1, "c": 2}, {"c": [{}]}, 7, []], "c": -1.5e3})", all),
            R"({"deep":[{"b":1},{},7,[]]})");
  EXPECT_EQ(sieved(" {} ", all), "{}");
}

TEST(KubernetesSieve, TakesQuotesAndBracketsWithinTextsForWhatTheyAre) {
  EXPECT_EQ(sieved(R"({"x":"a\"}]\\","a":"\\","y":"{["})", all), R"({"a":"\\"})");
}

TEST(KubernetesSieve, ANameThatIsWrittenWithEscapesStays) {
  EXPECT_EQ(sieved(R"({"\u0061":1,"x":2})", all), R"({"\u0061":1})");
}

TEST(KubernetesSieve, LeavesToTheParserWhatIsNoJson) {
  for (const char* text : {"", "{", R"({"a")", R"({"a":1)", R"({"a":1 "deep":2})", R"({"x":"...)",
                           R"({"x":[1,{})", R"({"a":})", R"([1,)", R"({a:1})", R"({"x":"\)"}) {
    EXPECT_EQ(sieved(text, all), text);
  }
  const std::string within("{\"x\":\"\0\"}", 9);
  EXPECT_EQ(sieved(within, all), within);
}

TEST(KubernetesSieve, WhatIsTooDeepIsLeftToTheParserToo) {
  const std::string deep = std::string(100, '[') + std::string(100, ']');
  EXPECT_EQ(sieved(deep, all), deep);
}

// Most of a pod's text is managedFields, volumes and the like.
TEST(KubernetesSieve, APodIsReadTheSameFromItsParts) {
  const std::string text = R"({"kind":"Pod","metadata":{"name":"a","uid":"u","resourceVersion":"7",
    "creationTimestamp":"2026","labels":{"valkey-master":"true","app":"x"},
    "annotations":{"other":"y","valkey-reconciler.io/paused":"by jane"},
    "finalizers":["f"],"deletionTimestamp":"2026","deletionGracePeriodSeconds":0,
    "managedFields":[{"manager":"kubectl","operation":"Update","fieldsV1":{"f:metadata":
      {"f:labels":{".":{},"f:valkey-master":{}},"f:annotations":{}},"f:spec":{"f:volumes":{}}}}]},
    "spec":{"volumes":[{"name":"v"}],"nodeName":"n","hostname":"h","subdomain":"s",
      "containers":[{"image":"i","env":[{"name":"e"}],"ports":[{"containerPort":6379,"name":"p"}]}]},
    "status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}],
      "podIP":"10.0.0.1","podIPs":[{"ip":"10.0.0.1"}],"containerStatuses":[{"image":"i"}]}})";
  const LabelRule rule{"valkey-master", "true"};
  const auto whole = read_pod(json::parse(text).get(), rule);
  const auto parts = read_pod(json::parse(sieved(text, parts_of_pods)).get(), rule);
  ASSERT_TRUE(whole.ok() && parts.ok());
  EXPECT_TRUE(decides_the_same(*whole, *parts));
  EXPECT_EQ(parts->version, 7u);
  ASSERT_TRUE(parts->label_manager);
  EXPECT_EQ(*parts->label_manager, "kubectl");
  EXPECT_EQ(parts->paused(), "by jane");
  EXPECT_EQ(parts->pause, whole->pause);
  EXPECT_EQ(parts->vanishing, whole->vanishing);
  EXPECT_EQ(parts->named_ports, whole->named_ports);
  EXPECT_LT(sieved(text, parts_of_pods).size(), text.size() * 3 / 4);
}

}  // namespace
}  // namespace reconciler
