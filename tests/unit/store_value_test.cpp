// The value that a store keeps: what is put in is read out of it, and nothing else is.
#include <gtest/gtest.h>

#include <string>

#include "plugins/store/value.h"

namespace reconciler {
namespace {

constexpr vr_instance primary{sizeof(vr_instance), "10.0.0.5", 6379, 1};
constexpr vr_instance replica{sizeof(vr_instance), "fd00::7", 6380, 0};
constexpr const vr_instance* replicas[] = {&replica};

vr_topology topology(vr_primary_state state) {
  return {sizeof(vr_topology), "g", 0, 6, 1, 1, 1, state, &primary, 1, replicas, "", 0, 0};
}

TEST(StoreValue, is_one_line_of_json_under_the_decision_of_the_store) {
  EXPECT_EQ(value_of(topology(VR_PRIMARY_KNOWN), {2, 6, 4}).value(),
            R"({"group":"g","primary":{"host":"10.0.0.5","port":6379},)"
            R"("replicas":[{"host":"fd00::7","port":6380,"healthy":false}],)"
            R"("era":2,"epoch":6,"step":4,"state":"known","suspected":null})");
}

TEST(StoreValue, names_no_primary_while_it_is_suspected) {
  EXPECT_EQ(
      value_of(topology(VR_PRIMARY_SUSPECTED), {2, 6, 5}).value(),
      R"({"group":"g","primary":null,)"
      R"("replicas":[{"host":"fd00::7","port":6380,"healthy":false}],)"
      R"("era":2,"epoch":6,"step":5,"state":"suspected","suspected":{"host":"10.0.0.5","port":6379}})");
}

TEST(StoreValue, gives_back_the_decision_that_it_holds) {
  for (const vr_primary_state state : {VR_PRIMARY_KNOWN, VR_PRIMARY_SUSPECTED}) {
    for (const Decision& decision :
         {Decision{0, 0, 0}, Decision{1, 7, 3}, Decision{UINT32_MAX, 1ull << 52, UINT32_MAX}}) {
      EXPECT_EQ(held_of_value(value_of(topology(state), decision).value()),
                held_of(topology(state), decision));
    }
  }
}

TEST(StoreValue, holds_every_epoch_up_to_the_highest_that_is_exact) {
  const uint64_t highest = 1ull << 53;
  for (const uint64_t epoch : {highest, highest - 1, highest / 2 + 1, uint64_t{1795449600123457}}) {
    const Decision decision{2, epoch, 4};
    const Result<std::string> value = value_of(topology(VR_PRIMARY_KNOWN), decision);
    ASSERT_TRUE(value.ok()) << epoch;
    EXPECT_EQ(held_of_value(*value)->decision, decision);
  }
}

TEST(StoreValue, is_not_made_of_a_decision_that_would_be_read_as_another_one) {
  for (const uint64_t epoch :
       {uint64_t{(1ull << 53) + 1}, uint64_t{1} << 63, uint64_t{UINT64_MAX}}) {
    EXPECT_FALSE(value_of(topology(VR_PRIMARY_KNOWN), {2, epoch, 4}).ok()) << epoch;
  }
}

TEST(StoreValue, holds_no_decision_where_it_was_not_written_here) {
  const std::string good = value_of(topology(VR_PRIMARY_KNOWN), {2, 6, 4}).value();
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    return text.replace(text.find(from), from.size(), to);
  };
  for (const std::string& text :
       {std::string(), std::string("released"), std::string("[]"), std::string("null"),
        good.substr(0, good.size() - 1), with("\"era\":2", "\"era\":-2"),
        with("\"epoch\":6", "\"epoch\":6.5"), with("\"epoch\":6", "\"epoch\":1e300"),
        with("\"step\":4", "\"step\":\"4\""), with("\"known\"", "\"unknown\""),
        with("\"port\":6379", "\"port\":65536"), with("10.0.0.5", ""),
        with("\"suspected\":null", "\"suspected\":{}"), with("\"known\"", "\"suspected\"")}) {
    EXPECT_EQ(held_of_value(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace reconciler
