// Selectors, what several have in common, and how the objects that one watch tells of are divided among groups.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "plugins/kubernetes/label_selector.h"
#include "plugins/kubernetes/object_views.h"
#include "plugins/kubernetes/service.h"

namespace reconciler {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using Labels = std::vector<std::pair<std::string, std::string>>;

Pod pod_with(const std::string& name, uint64_t version, Labels labels,
             const std::string& uid = "u") {
  Pod pod;
  pod.name = name;
  pod.uid = uid;
  pod.version = version;
  pod.labels = std::move(labels);
  return pod;
}

LabelSelector selector(const std::string& text) {
  const Result<LabelSelector> read = read_selector(text);
  EXPECT_TRUE(read.ok()) << text;
  return *read;
}

std::string cover(const std::vector<std::string>& texts, size_t longest = 1000) {
  std::vector<LabelSelector> selectors;
  for (const std::string& text : texts) selectors.push_back(selector(text));
  return text_of(cover_of(selectors, longest));
}

std::vector<Selection> selections(const std::vector<std::string>& texts) {
  std::vector<Selection> all;
  for (const std::string& text : texts) all.push_back({selector(text), {}});
  return all;
}

TEST(KubernetesSelector, IsReadAndSaidAgain) {
  const LabelSelector read = selector("a=b, c!=d,x.y/e in (g, f,g),h notin (),i==,!j,k,in");
  EXPECT_EQ(text_of(read), "a=b,c!=d,x.y/e in (f,g),h!=,i=,!j,k,in");
  EXPECT_EQ(selector(text_of(read)), read);
  for (const char* text : {"", ",", "a=b,", "a in", "a in (b", "a in b", "a=b c", "=b", "!",
                           "a>b=c", "a=b=c", "{group}=x", "a=b\n"}) {
    EXPECT_FALSE(read_selector(text).ok()) << text;
  }
}

TEST(KubernetesSelector, SelectsAsTheApiServerDoes) {
  const Pod pod = pod_with("p", 1, {{"app", "valkey"}, {"empty", ""}});
  for (const char* text :
       {"app=valkey", "app==valkey", "app in (x,valkey)", "app", "!other", "other!=x",
        "other notin (x)", "app!=x", "empty", "empty=", "empty in ()", "app=valkey,!other"}) {
    EXPECT_TRUE(selector(text).selects(pod)) << text;
  }
  for (const char* text : {"app=x", "app in (x,y)", "!app", "other", "other=", "other in ()",
                           "app!=valkey", "app notin (valkey)", "empty!=", "app=valkey,other"}) {
    EXPECT_FALSE(selector(text).selects(pod)) << text;
  }
}

TEST(KubernetesSelector, OneQueryIsSaidForSeveral) {
  EXPECT_EQ(cover({"app=valkey,group=a"}), "app=valkey,group=a");
  EXPECT_EQ(cover({"app=valkey,group=a", "app=valkey,group=b"}), "app=valkey,group in (a,b)");
  EXPECT_EQ(cover({"group=a", "group=b", "group=c"}), "group in (a,b,c)");
  EXPECT_EQ(cover({"a=1,b=x", "b=y,a=2"}), "a in (1,2),b in (x,y)");
  EXPECT_EQ(cover({"app in (v,r),group in (a,b)", "app in (r,v),group=c"}),
            "app in (r,v),group in (a,b,c)");
  EXPECT_EQ(cover({"app=valkey,!a", "app=valkey,!b"}), "app=valkey");
  EXPECT_EQ(cover({"app=valkey,tier!=a", "app=valkey,tier=b"}), "app=valkey");
  EXPECT_EQ(cover({"a", "b"}), "") << "nothing can be said";
  EXPECT_EQ(cover({"app!=a", "app!=b"}), "");
}

TEST(KubernetesSelector, ALongListOfValuesIsLeftOut) {
  const std::vector<std::string> two{"app=valkey,group=a", "app=valkey,group=b"};
  const size_t length = std::string("app%3Dvalkey%2Cgroup%20in%20%28a%2Cb%29").size();
  EXPECT_EQ(cover(two, length), "app=valkey,group in (a,b)");
  EXPECT_EQ(cover(two, length - 1), "app=valkey,group");
  EXPECT_EQ(cover({"app=valkey,group=a"}, 1), "app=valkey,group=a") << "as it was configured";
}

TEST(KubernetesSelector, QueriesAreUrls) {
  EXPECT_EQ(query_of(Selection{selector("a=b"), {}}), "labelSelector=a%3Db");
  EXPECT_EQ(query_of(Selection{{}, "valkey"}), "fieldSelector=metadata.name%3Dvalkey");
  EXPECT_EQ(query_of(selections({"g=a", "g=b"})), "labelSelector=g%20in%20%28a%2Cb%29");
  EXPECT_EQ(query_of(std::vector<Selection>{{{}, "a"}, {{}, "b"}}), "");
  std::vector<std::string> many;
  for (int i = 0; i < 1000; ++i) many.push_back("app=valkey,g=group-" + std::to_string(i));
  EXPECT_EQ(query_of(selections(many)), "labelSelector=app%3Dvalkey%2Cg");
}

// ---- views ----

class KubernetesViews : public testing::Test {
 protected:
  using Views = ObjectViews<Pod>;

  static std::set<std::string> names(const Views& views, size_t view) {
    std::set<std::string> all;
    for (const auto& [name, pod] : views.items(view)) all.insert(name);
    return all;
  }
  static std::vector<size_t> told(const Views::Changes& changes) {
    std::vector<size_t> views;
    for (const auto& change : changes) views.push_back(change.view);
    return views;
  }
  static Views::Changes finish(Views& views, Views::Listing& listing, std::vector<Pod> pods) {
    for (Pod& pod : pods) views.take(listing, std::move(pod));
    return views.finish_list(listing, 10);
  }

  Views views_{selections({"app=v,g=a", "app=v,g=b"}), nullptr};
};

TEST_F(KubernetesViews, EachSeesWhatItSelects) {
  EXPECT_THAT(told(views_.set(pod_with("p", 1, {{"app", "v"}, {"g", "a"}}))), ElementsAre(0));
  EXPECT_THAT(told(views_.set(pod_with("q", 2, {{"app", "v"}, {"g", "b"}}))), ElementsAre(1));
  EXPECT_THAT(told(views_.set(pod_with("r", 3, {{"app", "x"}, {"g", "b"}}))), IsEmpty());
  EXPECT_THAT(told(views_.set(pod_with("s", 4, {{"app", "v"}}))), IsEmpty());
  EXPECT_THAT(names(views_, 0), ElementsAre("p"));
  EXPECT_THAT(names(views_, 1), ElementsAre("q"));
}

TEST_F(KubernetesViews, APodThatIsRelabelledLeavesOneAndEntersAnother) {
  views_.set(pod_with("p", 1, {{"app", "v"}, {"g", "a"}}));
  EXPECT_THAT(told(views_.set(pod_with("p", 2, {{"app", "v"}, {"g", "b"}}))), ElementsAre(0, 1));
  EXPECT_THAT(names(views_, 0), IsEmpty());
  EXPECT_THAT(names(views_, 1), ElementsAre("p"));
  EXPECT_THAT(told(views_.set(pod_with("p", 3, {{"app", "x"}, {"g", "b"}}))), ElementsAre(1));
  EXPECT_THAT(names(views_, 1), IsEmpty());
}

TEST_F(KubernetesViews, APodThatIsGoneOrLeftTheWatchGoesFromWhereItWas) {
  views_.set(pod_with("p", 1, {{"app", "v"}, {"g", "a"}}));
  // With the labels from before, as the API server tells it.
  EXPECT_THAT(told(views_.remove(pod_with("p", 2, {{"app", "v"}, {"g", "a"}}))), ElementsAre(0));
  views_.set(pod_with("p", 3, {{"app", "v"}, {"g", "b"}}));
  EXPECT_THAT(told(views_.remove(pod_with("p", 4, {}))), ElementsAre(1));
  EXPECT_THAT(told(views_.remove(pod_with("p", 5, {}))), IsEmpty());
}

TEST_F(KubernetesViews, APodThatCannotBeReadIsInNone) {
  views_.set(pod_with("p", 9, {{"app", "v"}, {"g", "a"}}));
  views_.set(pod_with("q", 9, {{"app", "v"}, {"g", "b"}}));
  EXPECT_THAT(told(views_.forget("p")), ElementsAre(0));
  EXPECT_THAT(told(views_.forget("p")), IsEmpty());
  EXPECT_THAT(names(views_, 1), ElementsAre("q"));
}

TEST_F(KubernetesViews, TheAnswerToAPatchTellsThatThePodWasRelabelledBefore) {
  views_.set(pod_with("p", 1, {{"app", "v"}, {"g", "a"}}));
  views_.written(0, pod_with("p", 3, {{"app", "v"}, {"g", "b"}}));
  EXPECT_THAT(names(views_, 0), IsEmpty());
  EXPECT_THAT(names(views_, 1), IsEmpty()) << "as ever: it enters by the watch";
  EXPECT_THAT(told(views_.set(pod_with("p", 3, {{"app", "v"}, {"g", "b"}}))), ElementsAre(1));
}

TEST_F(KubernetesViews, AListOfAllIsDivided) {
  views_.set(pod_with("old", 1, {{"app", "v"}, {"g", "a"}}));
  auto listing = views_.begin_list(std::nullopt);
  const auto changes = finish(
      views_, listing,
      {pod_with("p", 5, {{"app", "v"}, {"g", "a"}}), pod_with("q", 6, {{"app", "v"}, {"g", "b"}}),
       pod_with("r", 7, {{"app", "v"}, {"g", "c"}})});
  EXPECT_THAT(told(changes), ElementsAre(0, 1));
  EXPECT_THAT(names(views_, 0), ElementsAre("p"));
  EXPECT_THAT(names(views_, 1), ElementsAre("q"));
}

TEST_F(KubernetesViews, AListOfOneLeavesTheOthersAlone) {
  views_.set(pod_with("p", 1, {{"app", "v"}, {"g", "a"}}));
  views_.set(pod_with("q", 2, {{"app", "v"}, {"g", "b"}}));
  auto listing = views_.begin_list(0);
  EXPECT_THAT(told(finish(views_, listing, {})), ElementsAre(0));
  EXPECT_THAT(names(views_, 0), IsEmpty());
  EXPECT_THAT(names(views_, 1), ElementsAre("q"));
}

TEST_F(KubernetesViews, OfAListThatBeganAgainOnlyWhatCameSinceCounts) {
  for (const std::optional<size_t> of : {std::optional<size_t>(), std::optional<size_t>(0)}) {
    auto listing = views_.begin_list(of);
    views_.take(listing, pod_with("before", 1, {{"app", "v"}, {"g", "a"}}));
    views_.restart_list(listing);
    finish(views_, listing, {pod_with("since", 2, {{"app", "v"}, {"g", "a"}})});
    EXPECT_THAT(names(views_, 0), ElementsAre("since"));
  }
}

// The shared watch goes on from the list of all, and may be behind what one of the views has listed since.
TEST_F(KubernetesViews, AWatchThatIsBehindAListBringsNothingBack) {
  auto listing = views_.begin_list(0);
  finish(views_, listing, {});
  EXPECT_THAT(told(views_.set(pod_with("p", 8, {{"app", "v"}, {"g", "a"}}))), IsEmpty());
  EXPECT_THAT(told(views_.set(pod_with("q", 8, {{"app", "v"}, {"g", "b"}}))), ElementsAre(1));
  EXPECT_THAT(told(views_.set(pod_with("p", 11, {{"app", "v"}, {"g", "a"}}))), ElementsAre(0));
}

TEST_F(KubernetesViews, WhoLeftWhileAListWasUnderWayIsNotBroughtBackByIt) {
  views_.set(pod_with("p", 1, {{"app", "v"}, {"g", "a"}}));
  auto listing = views_.begin_list(0);
  views_.set(pod_with("p", 20, {{"app", "v"}, {"g", "b"}}));
  finish(views_, listing, {pod_with("p", 1, {{"app", "v"}, {"g", "a"}})});
  EXPECT_THAT(names(views_, 0), IsEmpty());
  EXPECT_THAT(names(views_, 1), ElementsAre("p"));
}

TEST_F(KubernetesViews, AListThatEndsAfterANewerOneBringsNothingBack) {
  auto of_one = views_.begin_list(0);
  views_.take(of_one, pod_with("p", 1, {{"app", "v"}, {"g", "a"}}));
  auto of_all = views_.begin_list(std::nullopt);
  views_.finish_list(of_all, 12);  // it was deleted at 11
  EXPECT_THAT(told(views_.finish_list(of_one, 10)), IsEmpty());
  EXPECT_THAT(names(views_, 0), IsEmpty());
  // What the watch, which goes on from 12, has before that is old, too.
  EXPECT_THAT(told(views_.set(pod_with("p", 11, {{"app", "v"}, {"g", "a"}}))), IsEmpty());

  views_.restored();
  auto anew = views_.begin_list(std::nullopt);
  views_.take(anew, pod_with("p", 3, {{"app", "v"}, {"g", "a"}}));
  views_.finish_list(anew, 5);
  EXPECT_THAT(names(views_, 0), ElementsAre("p"));
}

TEST(KubernetesViewOfOne, APodThatLeftAndCameBackBeforeTheListsMomentStays) {
  ObjectViews<Pod> views(selections({"g=a"}), nullptr);
  const auto list_with = [&](Pod pod, uint64_t version, const std::function<void()>& meanwhile) {
    auto listing = views.begin_list(std::nullopt);
    meanwhile();
    views.take(listing, std::move(pod));
    views.finish_list(listing, version);
  };
  views.set(pod_with("p", 100, {{"g", "a"}}));
  list_with(pod_with("p", 105, {{"g", "a"}}), 110, [&] {
    views.remove(pod_with("p", 104, {}));  // it left the selector
    views.set(pod_with("p", 105, {{"g", "a"}}));
  });
  EXPECT_TRUE(views.items(0).contains("p"));

  list_with(pod_with("p", 105, {{"g", "a"}}), 119, [&] { views.remove(pod_with("p", 120, {})); });
  EXPECT_FALSE(views.items(0).contains("p")) << "gone since";

  views.set(pod_with("p", 130, {{"g", "a"}}));
  list_with(pod_with("p", 130, {{"g", "a"}}), 131,
            [&] { views.written(0, pod_with("p", 132, {})); });
  EXPECT_FALSE(views.items(0).contains("p")) << "by the answer to a patch";
}

TEST_F(KubernetesViews, WhatOnlySelectingNeededIsTakenOff) {
  Views views(selections({"g=a", "g=b"}), [](Pod& pod) { pod.labels.clear(); });
  views.set(pod_with("p", 1, {{"g", "a"}, {"x", "1"}}));
  EXPECT_THAT(views.items(0).at("p").labels, IsEmpty());
  EXPECT_THAT(told(views.set(pod_with("p", 2, {{"g", "a"}, {"x", "2"}}))), IsEmpty());
  views.written(0, pod_with("p", 3, {{"g", "a"}}));
  EXPECT_EQ(views.items(0).at("p").version, 3u);
  EXPECT_THAT(told(views.set(pod_with("p", 4, {{"g", "b"}}))), ElementsAre(0, 1));
}

TEST(KubernetesViewsOfServices, AreByNameAndBySlicesLabel) {
  ObjectViews<Service> services({{{}, "a"}, {{}, "b"}}, nullptr);
  Service service;
  service.name = "b";
  service.uid = "1";
  ASSERT_EQ(services.set(service).size(), 1u);
  EXPECT_TRUE(services.items(0).empty());
  EXPECT_EQ(services.items(1).size(), 1u);

  ObjectViews<Slice> slices(
      selections({"kubernetes.io/service-name in (a,ar)", "kubernetes.io/service-name in (b,br)"}),
      nullptr);
  Slice slice;
  slice.name = "br-valkey-reconciler";
  slice.uid = "1";
  slice.service = "br";
  ASSERT_EQ(slices.set(slice).size(), 1u);
  EXPECT_EQ(slices.items(1).size(), 1u);
  // One that lost its label is seen when it is asked for by its name.
  slice.service.clear();
  EXPECT_EQ(slices.set(slice).size(), 1u);
  slices.seen(1, slice);
  EXPECT_EQ(slices.items(1).size(), 1u);
}

// Whatever happens to the pods, in whatever way the selectors overlap: each view is what a watch of its own would show.
TEST(KubernetesViewsAtRandom, AreWhatAWatchOfEachWouldShow) {
  const std::vector<std::vector<std::string>> ways{
      {"g=a", "g=b", "g=c"},
      {"app=v,g in (a,b)", "app=v,g in (b,c)", "app=w,g=a"},
      {"g=a,app=v", "g=a,app=w", "g=b,!app"},
      {"app!=v", "!g", "g notin (a,b),app"},
      {"app=v", "app=v,g=a", "g"}};
  for (size_t way = 0; way < ways.size(); ++way) {
    std::mt19937 random(static_cast<uint32_t>(way));
    const auto pick = [&](size_t below) { return random() % below; };
    const std::vector<Selection> of = selections(ways[way]);
    ObjectViews<Pod> views(of, nullptr);
    std::vector<PodStore> alone(of.size());
    std::map<std::string, Pod> world;
    uint64_t version = 0;
    struct List {
      ObjectViews<Pod>::Listing listing;
      std::map<std::string, Pod> world;  // at its moment
      uint64_t version = 0;
    };
    std::optional<List> list;  // that is under way
    for (int step = 0; step < 5000; ++step) {
      const std::string name = std::string(1, static_cast<char>('p' + pick(5)));
      const auto before = world.find(name);
      ++version;
      const std::string uid = before == world.end() ? std::to_string(version) : before->second.uid;
      Pod after = pod_with(name, version, {}, uid);
      if (pick(3) != 0)
        after.labels.emplace_back("g", std::string(1, static_cast<char>('a' + pick(4))));
      if (pick(3) != 0) after.labels.emplace_back("app", pick(2) == 0 ? "v" : "w");
      const bool deleted = before != world.end() && pick(6) == 0;
      for (size_t view = 0; view < of.size(); ++view) {
        const bool was = before != world.end() && of[view].selects(before->second);
        const bool is = !deleted && of[view].selects(after);
        if (is) alone[view].set(after);
        if (was && !is) alone[view].remove(after);
      }
      if (deleted) {
        views.remove(after);
        world.erase(before);
      } else {
        views.set(after);
        world.insert_or_assign(name, after);
      }
      if (!list && pick(20) == 0) {
        const bool of_all = pick(2) == 0;
        list = {views.begin_list(of_all ? std::nullopt : std::optional(pick(of.size()))), world,
                version};
      } else if (list && pick(5) == 0) {
        const auto& one = list->listing.of;
        for (const auto& [of_name, pod] : list->world) {
          if (!one || of[*one].selects(pod)) views.take(list->listing, pod);
        }
        views.finish_list(list->listing, list->version);
        list.reset();
      }
      for (size_t view = 0; view < of.size(); ++view) {
        ASSERT_EQ(views.items(view).size(), alone[view].items().size()) << ways[way][view];
        for (const auto& [shown, pod] : alone[view].items()) {
          ASSERT_TRUE(views.items(view).contains(shown));
          ASSERT_EQ(views.items(view).at(shown).version, pod.version);
        }
      }
    }
  }
}

}  // namespace
}  // namespace reconciler
