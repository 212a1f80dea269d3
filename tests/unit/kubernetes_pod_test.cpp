#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "plugins/kubernetes/json_patch.h"
#include "plugins/kubernetes/label_syntax.h"
#include "plugins/kubernetes/match.h"
#include "plugins/kubernetes/object_store.h"
#include "plugins/kubernetes/patch_document.h"
#include "plugins/kubernetes/pod.h"
#include "plugins/settings.h"

namespace reconciler {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const LabelRule rule{"valkey-master", "true"};

const ItemReader<Pod> as_pod = [](const cJSON* json) { return read_pod(json, rule); };

constexpr char whole_pod[] = R"({
  "metadata": {"name": "valkey-0", "uid": "u-1", "resourceVersion": "200",
    "labels": {"app": "x", "valkey-master": "true"},
    "annotations": {"valkey-reconciler.io/stamp": "v1 0.3.0 10.0.0.7:6379 promoted 1 g"},
    "managedFields": [
      {"manager": "kubectl-label", "fieldsV1": {"f:metadata": {"f:labels": {"f:valkey-master": {}}}}},
      {"manager": "kubelet", "fieldsV1": {"f:status": {}}}]},
  "spec": {"nodeName": "node-a", "hostname": "valkey-0", "subdomain": "valkey",
    "containers": [{"name": "v", "ports": [{"containerPort": 6379}]}, {"name": "w"}]},
  "status": {"phase": "Running", "podIP": "10.0.0.7",
    "podIPs": [{"ip": "10.0.0.7"}, {"ip": "FD00::7"}],
    "conditions": [{"type": "Ready", "status": "True"}]}})";

TEST(KubernetesPod, KeepsWhatDecidingNeeds) {
  const Result<Pod> pod = read_pod(whole_pod, rule);
  ASSERT_TRUE(pod.ok());
  EXPECT_EQ(pod->name, "valkey-0");
  EXPECT_EQ(pod->uid, "u-1");
  EXPECT_EQ(pod->version, 200u);
  EXPECT_EQ(pod->node, "node-a");
  EXPECT_EQ(pod->hostname, "valkey-0");
  EXPECT_EQ(pod->subdomain, "valkey");
  EXPECT_THAT(pod->addresses, ElementsAre("10.0.0.7", "fd00::7"));
  EXPECT_THAT(pod->ports, ElementsAre(6379));
  EXPECT_TRUE(pod->ready);
  EXPECT_FALSE(pod->finished);
  EXPECT_FALSE(pod->terminating);
  EXPECT_TRUE(pod->carries(rule));
  ASSERT_TRUE(pod->label_manager);
  EXPECT_EQ(*pod->label_manager, "kubectl-label");
  EXPECT_EQ(pod->stamp.stamp->claim.decision.epoch, 3u);
}

TEST(KubernetesPod, CarriesTheLabelWithItsValueOnly) {
  const LabelRule other{"valkey-master", "yes"};
  const Result<Pod> pod = read_pod(whole_pod, other);
  ASSERT_TRUE(pod.ok());
  EXPECT_EQ(pod->label, "true");
  EXPECT_FALSE(pod->carries(other));
}

TEST(KubernetesPod, SeesWhatIsOver) {
  Result<Pod> pod = read_pod(R"({"metadata":{"name":"a","uid":"b","deletionTimestamp":"2026"},
                                 "status":{"phase":"Failed"}})",
                             rule);
  ASSERT_TRUE(pod.ok());
  EXPECT_TRUE(pod->finished);
  EXPECT_TRUE(pod->terminating);
  EXPECT_FALSE(pod->has_labels);
  EXPECT_FALSE(pod->has_annotations);
}

TEST(KubernetesPod, VanishesWhenItsGraceIsOverAndNoFinalizerHoldsIt) {
  const auto vanishing = [](const std::string& more) {
    return read_pod(R"({"metadata":{"name":"a","uid":"b")" + more + "}}", rule)->vanishing;
  };
  const std::string deleted = R"(,"deletionTimestamp":"2026","deletionGracePeriodSeconds":)";
  EXPECT_TRUE(vanishing(deleted + "0"));
  EXPECT_TRUE(vanishing(deleted + R"(0,"finalizers":[])"));
  EXPECT_FALSE(vanishing(deleted + R"(0,"finalizers":["x"])"));
  EXPECT_FALSE(vanishing(deleted + "30"));
  EXPECT_FALSE(vanishing(deleted + R"("0")"));
  EXPECT_FALSE(vanishing(R"(,"deletionGracePeriodSeconds":0)"));
}

TEST(KubernetesPod, SaysWhyItsGroupIsPaused) {
  const auto paused_by = [](const std::string& annotation) {
    const Result<Pod> pod = read_pod(
        R"({"metadata": {"name": "v", "uid": "u", "annotations": {)" + annotation + "}}}", rule);
    return std::string(pod->paused());
  };
  EXPECT_EQ(paused_by(R"("valkey-reconciler.io/paused": "by jane")"), "by jane");
  EXPECT_EQ(paused_by(R"("valkey-reconciler.io/paused": "false")"), "");
  EXPECT_EQ(paused_by(R"("valkey-reconciler.io/paused": "")"), "");
  EXPECT_EQ(paused_by(R"("other": "true")"), "");
}

TEST(KubernetesPod, SurvivesJsonOfAnyShape) {
  for (const char* text :
       {"", "{", "null", "[]", "7", "\"x\"", "{\"metadata\":7}", "{\"metadata\":{\"name\":7}}",
        "{\"metadata\":{\"name\":\"a\"}}", "{\"metadata\":{\"name\":\"\",\"uid\":\"u\"}}"}) {
    EXPECT_FALSE(read_pod(std::string_view(text), rule).ok()) << text;
  }
  const Result<Pod> odd = read_pod(R"({"metadata":{"name":"a","uid":"b","resourceVersion":12,
    "labels":[1],"annotations":"x","managedFields":{"a":[{}]},"deletionTimestamp":false},
    "spec":[],"status":{"podIPs":{"ip":"10.0.0.1"},"podIP":["x"],"conditions":[1,null,{}]}})",
                                   rule);
  ASSERT_TRUE(odd.ok());
  EXPECT_EQ(odd->version, 0u);
  EXPECT_TRUE(odd->addresses.empty());
  EXPECT_FALSE(odd->has_labels);
}

TEST(KubernetesPod, SurvivesEveryTruncationAndManyBrokenBytes) {
  const std::string text = whole_pod;
  for (size_t length = 0; length < text.size(); ++length) {
    EXPECT_FALSE(read_pod(text.substr(0, length), rule).ok());
  }
  std::mt19937 random(1);
  size_t read = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string broken = text;
    for (int i = 0; i < 3; ++i) broken[random() % broken.size()] = static_cast<char>(random());
    read += read_pod(broken, rule).ok() ? 1u : 0u;
    const auto event =
        read_watch_event<Pod>("{\"type\":\"ADDED\",\"object\":" + broken + "}", as_pod);
    read += event.ok() ? 1u : 0u;
  }
  EXPECT_GT(read, 1000u);  // else the bytes were not the interesting ones
}

TEST(KubernetesPod, ReadsAPageOfAList) {
  std::vector<Pod> pods;
  const ItemTaker<Pod> take = [&pods](Pod pod) { pods.push_back(std::move(pod)); };
  const Result<Page> page = read_page<Pod>(
      std::string(R"({"metadata":{"resourceVersion":"77","continue":"abc"},"items":[)") +
          whole_pod + ",{}]}",
      as_pod, take);
  ASSERT_TRUE(page.ok());
  EXPECT_EQ(pods.size(), 1u);
  EXPECT_EQ(page->unreadable, 1u);
  EXPECT_EQ(page->version, 77u);
  EXPECT_EQ(page->version_text, "77");
  EXPECT_EQ(page->rest, "abc");
  EXPECT_TRUE(read_page<Pod>(R"({"metadata":{},"items":null})", as_pod, take).ok());
  EXPECT_FALSE(read_page<Pod>(R"({"kind":"Status"})", as_pod, take).ok());
  EXPECT_FALSE(read_page<Pod>("<html>", as_pod, take).ok());
}

TEST(KubernetesPod, ReadsEachKindOfWatchEvent) {
  const auto set = read_watch_event<Pod>(
      std::string(R"({"type":"MODIFIED","object":)") + whole_pod + "}", as_pod);
  ASSERT_TRUE(set.ok());
  EXPECT_EQ(set->type, WatchEvent<Pod>::Type::set);
  EXPECT_EQ(set->version_text, "200");
  const auto removed = read_watch_event<Pod>(
      std::string(R"({"type":"DELETED","object":)") + whole_pod + "}", as_pod);
  ASSERT_TRUE(removed.ok());
  EXPECT_EQ(removed->type, WatchEvent<Pod>::Type::removed);
  const auto bookmark = read_watch_event<Pod>(
      R"({"type":"BOOKMARK","object":{"kind":"Pod","metadata":{"resourceVersion":"9"}}})", as_pod);
  ASSERT_TRUE(bookmark.ok());
  EXPECT_EQ(bookmark->type, WatchEvent<Pod>::Type::bookmark);
  EXPECT_EQ(bookmark->version_text, "9");
  const auto error = read_watch_event<Pod>(
      R"({"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old"}})", as_pod);
  ASSERT_TRUE(error.ok());
  EXPECT_EQ(error->type, WatchEvent<Pod>::Type::error);
  EXPECT_EQ(error->code, 410);
  for (const char* line : {"", "{}", R"({"type":"NEW","object":{}})", R"({"type":"ADDED"})",
                           R"({"type":"ADDED","object":{"metadata":{"name":"","uid":"u"}}})",
                           R"({"type":"ADDED","object":{"metadata":{"name":7,"uid":"u"}}})"}) {
    EXPECT_FALSE(read_watch_event<Pod>(line, as_pod).ok()) << line;
  }
}

// ---- which pod is the instance ----

Pod pod_named(const std::string& name, const std::string& ip) {
  Pod pod;
  pod.name = name;
  pod.uid = "uid-" + name;
  pod.hostname = name;
  pod.subdomain = "valkey";
  pod.addresses = {ip};
  pod.ports = {6379};
  pod.ready = true;
  return pod;
}

TEST(KubernetesMatch, KnowsAPodByAddressNameAndHostName) {
  const Pod pod = pod_named("valkey-0", "10.0.0.7");
  for (const char* host : {"10.0.0.7", "valkey-0", "valkey-0.valkey", "valkey-0.valkey.shop",
                           "valkey-0.valkey.shop.svc", "valkey-0.valkey.shop.svc.cluster.local",
                           "valkey-0.valkey.shop.svc.my.own.domain"}) {
    EXPECT_TRUE(names_pod(host, pod, "shop")) << host;
  }
  for (const char* host : {"", "10.0.0.70", "valkey-01", "valkey", "valkey-0.other",
                           "valkey-0.valkey.other", "valkey-0.valkey.shop.pod", "."}) {
    EXPECT_FALSE(names_pod(host, pod, "shop")) << host;
  }
  Pod bare = pod;
  bare.hostname.clear();
  bare.subdomain.clear();
  EXPECT_TRUE(names_pod("valkey-0", bare, "shop"));
  EXPECT_FALSE(names_pod("valkey-0.valkey", bare, "shop"));
  Pod renamed = pod;
  renamed.hostname = "db";
  EXPECT_TRUE(names_pod("db.valkey.shop", renamed, "shop"));
  EXPECT_TRUE(names_pod("valkey-0", renamed, "shop"));
  EXPECT_FALSE(names_pod("valkey-0.valkey.shop", renamed, "shop"));
}

TEST(KubernetesMatch, PrefersThePodThatIsStillThere) {
  Pod finished = pod_named("a", "10.0.0.7");
  finished.finished = true;
  Pod terminating = pod_named("b", "10.0.0.7");
  terminating.terminating = true;
  Pod starting = pod_named("c", "10.0.0.7");
  starting.ready = false;
  const Pod ready = pod_named("d", "10.0.0.7");
  EXPECT_EQ(find_instance({&finished, &terminating, &starting, &ready}, "10.0.0.7", 6379, "s").pod,
            &ready);
  EXPECT_EQ(find_instance({&finished, &starting, &terminating}, "10.0.0.7", 6379, "s").pod,
            &starting);
  EXPECT_EQ(find_instance({&finished, &terminating}, "10.0.0.7", 6379, "s").pod, &terminating);
  EXPECT_EQ(find_instance({&finished}, "10.0.0.7", 6379, "s").pod, &finished);
}

TEST(KubernetesMatch, TellsPodsOfOneAddressApartByTheirPort) {
  const Pod one = pod_named("a", "10.0.0.7");
  Pod two = pod_named("b", "10.0.0.7");
  two.ports = {6380};
  EXPECT_EQ(find_instance({&one, &two}, "10.0.0.7", 6380, "s").pod, &two);
  EXPECT_EQ(find_instance({&one, &two}, "10.0.0.7", 6379, "s").pod, &one);
}

TEST(KubernetesMatch, ChoosesNoneOfTwo) {
  const Pod one = pod_named("a", "10.0.0.7");
  const Pod two = pod_named("b", "10.0.0.7");
  const Match match = find_instance({&one, &two}, "10.0.0.7", 6379, "s");
  EXPECT_EQ(match.pod, nullptr);
  EXPECT_EQ(match.cause, "pods a and b both are 10.0.0.7:6379");
  EXPECT_EQ(find_instance({&one}, "10.0.0.8", 6379, "s").cause,
            "no pod of the group is 10.0.0.8:6379");
}

TEST(KubernetesMatch, APodThatDeclaresOtherPortsIsNotTheInstanceHoweverWellItIs) {
  Pod primary;
  primary.name = "primary";
  primary.addresses = {"10.0.0.1"};
  primary.ports = {6379};
  Pod replica = primary;
  replica.name = "replica";
  replica.ports = {6380};
  replica.ready = true;
  const std::vector<const Pod*> pods{&primary, &replica};
  EXPECT_EQ(find_instance(pods, "10.0.0.1", 6379, "shop").pod, &primary);
  primary.terminating = true;
  EXPECT_EQ(find_instance(pods, "10.0.0.1", 6379, "shop").pod, &primary);
  EXPECT_EQ(find_instance(pods, "10.0.0.1", 6380, "shop").pod, &replica);
  EXPECT_EQ(find_instance(pods, "10.0.0.1", 6381, "shop").pod, &replica) << "nobody declares it";
}

TEST(KubernetesPatch, OnlyAnAnswerThatShowsTheWriteConfirmsIt) {
  Pod seen;
  seen.uid = "1";
  const Stamp fence{{{0, 3, 0}, "10.0.0.7:6379"}, StampKind::fenced, 9, "g"};
  Stamp promotion = fence;
  promotion.kind = StampKind::promoted;
  Pod answer = seen;
  answer.stamp = read_stamp(format_stamp(fence));
  EXPECT_TRUE(shows(answer, seen, fence, rule));
  EXPECT_FALSE(shows(answer, seen, promotion, rule));
  answer.label = "true";
  EXPECT_FALSE(shows(answer, seen, fence, rule)) << "the label is still there";
  answer.stamp = read_stamp(format_stamp(promotion));
  EXPECT_TRUE(shows(answer, seen, promotion, rule));
  answer.label = "other";
  EXPECT_FALSE(shows(answer, seen, promotion, rule));
  answer.label.reset();
  answer.stamp = {};
  EXPECT_FALSE(shows(answer, seen, fence, rule)) << "a webhook took the stamp off";
  Stamp another = fence;
  another.unique = 8;
  answer.stamp = read_stamp(format_stamp(another));
  EXPECT_FALSE(shows(answer, seen, fence, rule)) << "another write's";
  answer.stamp = read_stamp(format_stamp(fence));
  answer.uid = "2";
  EXPECT_FALSE(shows(answer, seen, fence, rule)) << "another pod";
}

TEST(KubernetesPod, ANulInTheTextIsNoJson) {
  const std::string text(whole_pod);
  EXPECT_FALSE(read_pod(text + std::string("\0{", 2), rule).ok());
  std::string within = text;
  within[within.find("valkey-0") + 3] = '\0';
  EXPECT_FALSE(read_pod(within, rule).ok());
}

TEST(KubernetesPod, AnObjectOfAWatchThatCannotBeReadIsToldByItsName) {
  const auto event = read_watch_event<Pod>(
      R"({"type":"MODIFIED","object":{"metadata":{"name":"a","resourceVersion":"9"}}})", as_pod);
  ASSERT_TRUE(event.ok());
  EXPECT_EQ(event->type, WatchEvent<Pod>::Type::unreadable);
  EXPECT_EQ(event->name, "a");
  EXPECT_EQ(event->version_text, "9");
}

// ---- the store ----

Pod version(const std::string& name, const std::string& uid, uint64_t number,
            std::optional<std::string> label = std::nullopt) {
  Pod pod;
  pod.name = name;
  pod.uid = uid;
  pod.version = number;
  pod.label = std::move(label);
  return pod;
}

TEST(KubernetesPodStore, AnOldEventDoesNotUndoOurOwnWrite) {
  PodStore store;
  store.set(version("a", "1", 10));
  store.written(version("a", "1", 20, "true"));
  EXPECT_FALSE(store.set(version("a", "1", 15)).decisive);
  EXPECT_EQ(store.items().at("a").label, "true");
  EXPECT_FALSE(store.set(version("a", "1", 20, "true")).decisive);
  EXPECT_FALSE(store.remove(version("a", "1", 12)).decisive);
  EXPECT_TRUE(store.set(version("a", "1", 21)).decisive);
}

TEST(KubernetesPodStore, TellsThatSomebodyElseMovedALabel) {
  PodStore store;
  store.set(version("a", "1", 10));
  Pod moved = version("a", "1", 11, "true");
  moved.label_manager = std::string("kubectl-label");
  const PodStore::Change change = store.set(moved);
  EXPECT_EQ(change.moved, "a");
  EXPECT_EQ(change.moved_from, std::nullopt);
  EXPECT_EQ(change.moved_by, "kubectl-label");
  Pod stamped = version("a", "1", 12);
  stamped.stamp = read_stamp("v1 0.1.0 a:1 fenced 1 g");
  EXPECT_TRUE(store.set(stamped).moved.empty());
}

TEST(KubernetesPodStore, AStatusUpdateDecidesNothing) {
  PodStore store;
  EXPECT_TRUE(store.set(version("a", "1", 10)).decisive);
  EXPECT_FALSE(store.set(version("a", "1", 11)).decisive);
  EXPECT_TRUE(store.set(version("a", "2", 12)).decisive);
}

TEST(KubernetesPodStore, AListReplacesWhatIsNotNewer) {
  PodStore store;
  store.set(version("kept", "1", 5));
  store.set(version("gone", "2", 6));
  const PodStore::Mark mark = store.begin_list();
  store.set(version("new", "3", 20));  // came while the list was under way, after its moment
  store.written(version("kept", "1", 21, "x"));  // the same
  EXPECT_TRUE(store.finish_list(mark, {version("kept", "1", 5)}, 10).decisive);
  EXPECT_EQ(store.items().size(), 2u);
  EXPECT_EQ(store.items().at("kept").label, "x");
  EXPECT_TRUE(store.items().contains("new"));
}

TEST(KubernetesPodStore, AListAfterARestoreOfTheClusterGoesBack) {
  PodStore store;
  store.set(version("a", "1", 1000));
  const PodStore::Mark mark = store.begin_list();
  store.finish_list(mark, {version("a", "1", 10, "true")}, 12);
  EXPECT_EQ(store.items().at("a").version, 10u);
}

TEST(KubernetesPodStore, ARecreatedPodIsNotReplacedByLateNewsOfTheOldOne) {
  PodStore store;
  store.set(version("a", "2", 20));
  EXPECT_FALSE(store.set(version("a", "1", 18)).decisive);
  EXPECT_FALSE(store.remove(version("a", "1", 19)).decisive);
  EXPECT_EQ(store.items().at("a").uid, "2");
  store.written(version("a", "1", 30));
  EXPECT_EQ(store.items().at("a").uid, "2");
}

// ---- patches ----

TEST(KubernetesPatch, FencesALabelledPod) {
  Pod pod = version("a", "u-1", 5, "true");
  pod.has_labels = pod.has_annotations = true;
  pod.stamp = read_stamp("v1 0.1.0 a:1 promoted 1 g");
  const Stamp stamp{{{0, 2, 0}, "b:1"}, StampKind::fenced, 0x2a, "g"};
  EXPECT_EQ(fence_patch(pod, stamp, rule),
            R"([{"op":"test","path":"/metadata/uid","value":"u-1"},)"
            R"({"op":"test","path":"/metadata/annotations/valkey-reconciler.io~1stamp",)"
            R"("value":"v1 0.1.0 a:1 promoted 1 g"},)"
            R"({"op":"test","path":"/metadata/annotations/valkey-reconciler.io~1paused",)"
            R"("value":null},)"
            R"({"op":"remove","path":"/metadata/labels/valkey-master"},)"
            R"({"op":"add","path":"/metadata/annotations/valkey-reconciler.io~1stamp",)"
            R"("value":"v1 0.2.0 b:1 fenced 000000000000002a g"}])");
}

TEST(KubernetesPatch, FencesAPodWithoutLabelAndStamp) {
  Pod pod = version("a", "u-1", 5);
  pod.has_labels = pod.has_annotations = true;
  const std::string body = fence_patch(pod, {}, rule);
  EXPECT_THAT(
      body,
      HasSubstr(
          R"({"op":"test","path":"/metadata/annotations/valkey-reconciler.io~1stamp","value":null})"));
  EXPECT_THAT(body,
              HasSubstr(R"({"op":"test","path":"/metadata/labels/valkey-master","value":null})"));
}

TEST(KubernetesPatch, MakesTheParentsThatAreMissing) {
  Pod pod = version("a", "u-1", 5);
  const LabelRule slashed{"example.com/primary", "yes"};
  EXPECT_EQ(promote_patch(pod, {{{0, 2, 0}, "b:1"}, StampKind::promoted, 1, "g"}, slashed),
            R"([{"op":"test","path":"/metadata/uid","value":"u-1"},)"
            R"({"op":"test","path":"/metadata/annotations","value":null},)"
            R"({"op":"test","path":"/metadata/labels","value":null},)"
            R"({"op":"add","path":"/metadata/labels","value":{"example.com/primary":"yes"}},)"
            R"({"op":"add","path":"/metadata/annotations","value":{"valkey-reconciler.io/stamp":)"
            R"("v1 0.2.0 b:1 promoted 0000000000000001 g"}}])");
  EXPECT_THAT(fence_patch(pod, {}, slashed),
              HasSubstr(R"({"op":"test","path":"/metadata/labels","value":null})"));
}

TEST(KubernetesPatch, TestsAStampThatCannotBeReadByteByByte) {
  Pod pod = version("a", "u-1", 5);
  pod.has_labels = pod.has_annotations = true;
  pod.stamp = read_stamp("\"hand\\made\"");
  EXPECT_THAT(promote_patch(pod, {}, rule), HasSubstr(R"("value":"\"hand\\made\"")"));
}

TEST(KubernetesPatch, EscapesAJsonPointer) { EXPECT_EQ(pointer_step("a/b~c~1"), "a~1b~0c~01"); }

// ---- the syntax of labels ----

TEST(KubernetesLabels, AcceptsWhatKubernetesAccepts) {
  for (const char* name : {"a", "valkey-master", "A.b_c-9", "example.com/primary"}) {
    EXPECT_TRUE(check_label_name(name).ok()) << name;
  }
  for (const std::string& name :
       {std::string(), std::string("-a"), std::string("a-"), std::string("a b"), std::string("/a"),
        std::string("a/"), std::string("a/b/c"), std::string("Example.com/a"), std::string(64, 'a'),
        std::string("a..b/c"), std::string("ä"), std::string("a\n")}) {
    EXPECT_FALSE(check_label_name(name).ok()) << name;
  }
  for (const char* value : {"", "true", "1.2_3-x"}) EXPECT_TRUE(check_label_value(value).ok());
  for (const std::string& value : {std::string(" "), std::string("a/b"), std::string(64, 'a')}) {
    EXPECT_FALSE(check_label_value(value).ok()) << value;
  }
  EXPECT_TRUE(check_namespace("shop-1").ok());
  for (const char* name : {"", "Shop", "a.b", "-a", "../x"})
    EXPECT_FALSE(check_namespace(name).ok());
}

TEST(KubernetesLabels, PutsTheGroupIntoASelector) {
  EXPECT_EQ(with_group("a={group},b={group}", "x{group}"), "a=x{group},b=x{group}");
  EXPECT_EQ(with_group("a=b", "x"), "a=b");
  EXPECT_EQ(percent_encoded("a=b in (c)"), "a%3Db%20in%20%28c%29");
}

}  // namespace
}  // namespace reconciler
