// Which addresses are Sentinels, and which texts name one instance.

#include "supervisor/sentinel_watcher/discovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "supervisor/sentinel_watcher/aliases.h"

namespace reconciler {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const Endpoint one{"10.0.0.21", 26379};
const Endpoint two{"10.0.0.22", 26379};
const Endpoint three{"10.0.0.23", 26379};
const Endpoint behind_service{"10.96.0.5", 26379};
const std::string id_1(40, '1');
const std::string id_2(40, '2');
const std::string id_3(40, '3');

TEST(Discovery, TellsOfThoseThatAnsweringOnesTellOf) {
  Discovery discovery;
  discovery.told_id(one, id_1);
  discovery.told_peers(one, {{two, id_2}, {three, id_3}});
  EXPECT_THAT(discovery.told_of(), ElementsAre(two, three));
  discovery.told_id(two, id_2);
  discovery.told_peers(two, {{one, id_1}});
  discovery.lost(one);
  EXPECT_THAT(discovery.told_of(), ElementsAre(one)) << "it doesn't answer any more";
  discovery.lost(two);
  EXPECT_THAT(discovery.told_of(), ElementsAre(two, three, one)) << "nobody does";
}

TEST(Discovery, WhatOneToldThatIsGoneIsForgottenOnceAnotherTells) {
  Discovery discovery;
  discovery.told_id(one, id_1);
  discovery.told_peers(one, {{two, id_2}, {three, id_3}});
  discovery.lost(one);
  discovery.told_id(two, id_2);
  discovery.told_peers(two, {{three, id_3}});
  discovery.lost(two);
  EXPECT_THAT(discovery.told_of(), ElementsAre(three)) << "nobody answers";
}

TEST(Discovery, OneThatIsForgottenLeavesNothing) {
  Discovery discovery;
  discovery.told_id(one, id_1);
  discovery.told_peers(one, {{two, id_2}});
  discovery.told_id(three, id_1);
  discovery.lost(one);
  EXPECT_TRUE(discovery.stands_for(three, one, true)) << "it is one under two addresses";
  discovery.forget(one);
  EXPECT_FALSE(discovery.stands_for(three, one, true)) << "whoever lives there next is another one";
}

TEST(Discovery, ATwinThatIsLeftStaysKnownAsOne) {
  Discovery discovery;
  discovery.told_id(behind_service, id_1);
  discovery.told_id(one, id_1);
  discovery.lost(one);
  discovery.told_peers(behind_service, {{two, id_2}});
  EXPECT_TRUE(discovery.stands_for(behind_service, one, true)) << "or it would be taken up again";
}

TEST(Discovery, LeavesOutThoseThatNobodyHasHeardOf) {
  Discovery discovery;
  discovery.told_peers(one, {{two, ""}});
  EXPECT_THAT(discovery.told_of(), IsEmpty());
}

TEST(Discovery, IsCompleteWhenEachThatAnswersHasToldItsId) {
  Discovery discovery;
  discovery.told_peers(one, {{two, id_2}});
  EXPECT_FALSE(discovery.complete());
  discovery.told_id(one, id_1);
  EXPECT_TRUE(discovery.complete());
  discovery.refused(one);
  EXPECT_FALSE(discovery.complete());
  discovery.lost(one);
  EXPECT_TRUE(discovery.complete());
}

TEST(Discovery, KnowsOneSentinelUnderTwoAddresses) {
  Discovery discovery;
  discovery.told_id(behind_service, id_1);
  discovery.told_id(two, id_2);
  discovery.told_peers(two, {{one, id_1}});
  EXPECT_TRUE(discovery.stands_for(behind_service, one, true));
  EXPECT_FALSE(discovery.stands_for(one, behind_service, true)) << "that one doesn't answer";
  EXPECT_FALSE(discovery.stands_for(behind_service, two, true));
  discovery.told_peers(two, {{one, id_3}});
  EXPECT_FALSE(discovery.stands_for(behind_service, one, true)) << "another one lives there by now";
}

TEST(Discovery, WhoAnAddressIsOthersCannotSayAgainstItsOwnWord) {
  Discovery discovery;
  discovery.told_id(one, id_1);
  discovery.told_peers(one, {{three, id_1}});
  EXPECT_TRUE(discovery.stands_for(one, three, true));
  EXPECT_FALSE(discovery.stands_for(one, three, false)) << "it was never asked itself";
  discovery.told_id(three, id_1);
  EXPECT_TRUE(discovery.stands_for(one, three, false));
}

TEST(Discovery, CountsASentinelOnceUnderHoweverManyAddressesAndNames) {
  Discovery discovery;
  EXPECT_EQ(discovery.number({one, two, three}), 3U);
  discovery.told_id(behind_service, id_1);
  discovery.told_peers(behind_service, {{two, id_2}, {three, id_3}});
  EXPECT_EQ(discovery.number({behind_service}), 3U);
  discovery.told_id(two, id_2);
  discovery.told_peers(two, {{one, id_1}, {{"vk-2.vk", 26379}, id_3}});
  EXPECT_EQ(discovery.number({behind_service, two}), 3U);
  discovery.lost(behind_service);
  EXPECT_EQ(discovery.number({behind_service, one, two, three}), 3U) << "who it was, it still is";
}

TEST(Discovery, OneThatDoesNotTellItsIdIsWhomTheOthersKnowAtItsAddress) {
  Discovery discovery;
  const std::vector<Endpoint> all{one, two, three};
  for (const Endpoint& sentinel : all) discovery.refused(sentinel);
  discovery.told_peers(one, {{two, id_2}, {three, id_3}});
  discovery.told_peers(two, {{one, id_1}, {three, id_3}});
  discovery.told_peers(three, {{one, id_1}, {two, id_2}});
  EXPECT_EQ(discovery.number(all), 3U);
}

TEST(Discovery, OneWithoutIdOrAddressMayBeOneThatIsToldOf) {
  Discovery discovery;
  discovery.told_id(one, id_1);
  discovery.told_id(two, id_2);
  discovery.told_peers(one, {{two, id_2}, {three, id_3}});
  discovery.told_peers(two, {{one, id_1}, {three, id_3}});
  EXPECT_EQ(discovery.number({one, two}), 3U);
  EXPECT_EQ(discovery.number({one, two}, 1), 3U) << "a name that can't be resolved";
  EXPECT_EQ(discovery.number({one, two}, 2), 4U);
  EXPECT_EQ(discovery.number({one, two, behind_service}), 3U) << "it has not answered yet";
}

TEST(Discovery, WhoSitsWhereTheOthersKnewAnotherIsAStrangerUntilTheyTellOfIt) {
  Discovery discovery;
  const std::string foreign_id(40, 'f');
  discovery.told_id(one, id_1);
  discovery.told_peers(one, {{two, id_2}, {three, id_3}});
  EXPECT_FALSE(discovery.is_stranger(two)) << "it has not said who it is";
  discovery.told_id(two, foreign_id);
  EXPECT_TRUE(discovery.is_stranger(two));
  discovery.told_peers(two, {{behind_service, foreign_id}});
  EXPECT_THAT(discovery.told_of(), ElementsAre(two, three)) << "whom it tells of is nobody";
  discovery.told_peers(one, {{three, id_3}});
  EXPECT_TRUE(discovery.is_stranger(two)) << "though nobody is known there any more";
  discovery.lost(one);
  EXPECT_THAT(discovery.told_of(), ElementsAre(three)) << "though it is the only one that answers";
  EXPECT_TRUE(discovery.is_stranger(two));
  discovery.told_peers(one, {{two, foreign_id}, {three, id_3}});
  EXPECT_FALSE(discovery.is_stranger(two)) << "a Sentinel that was set up anew";
  discovery.told_peers(one, {{two, id_2}, {three, id_3}});
  EXPECT_FALSE(discovery.is_stranger(two)) << "of another group they have not heard that yet";
}

TEST(Discovery, WhoIsAtAnAddressOfBeforeIsNotTakenForWhomItWasKnownAs) {
  Discovery discovery;
  discovery.told_id(one, id_1);
  discovery.told_id(two, id_2);
  discovery.told_peers(one, {{two, id_2}});
  discovery.lost(two);
  discovery.told_peers(one, {{three, id_2}});  // it has moved
  discovery.told_id(two, std::string(40, 'f'));
  EXPECT_TRUE(discovery.is_stranger(two));
  discovery.told_id(one, id_3, /*is_configured=*/true);
  EXPECT_FALSE(discovery.is_stranger(one)) << "of a configured one nobody else can say";
}

TEST(Discovery, HasToldWhoTellsOfTheOthersOrWillNot) {
  Discovery discovery;
  EXPECT_FALSE(discovery.has_told(one));
  discovery.told_id(one, id_1);
  EXPECT_FALSE(discovery.has_told(one));
  discovery.told_peers(one, {});
  EXPECT_TRUE(discovery.has_told(one));
  discovery.refused(two);
  EXPECT_TRUE(discovery.has_told(two));
}

TEST(Aliases, KnowAddresses) {
  for (const char* address : {"10.0.0.7", "::1", "fd00::7"}) EXPECT_TRUE(is_address(address));
  for (const char* name : {"valkey-0", "10.0.0", "10.0.0.7.example", "", "fd00::7%eth0"}) {
    EXPECT_FALSE(is_address(name)) << name;
  }
}

TEST(Aliases, ComparePortsAndWhatNamesResolveTo) {
  Aliases aliases;
  const Endpoint address{"10.0.0.7", 6379};
  const Endpoint name{"valkey-0", 6379};
  const Endpoint longer{"valkey-0.example", 6379};
  EXPECT_TRUE(aliases.same(address, address));
  EXPECT_FALSE(aliases.same(address, name));
  aliases.looking_up("valkey-0");
  EXPECT_TRUE(aliases.unsure(address, name));
  EXPECT_FALSE(aliases.same(address, name));
  aliases.found("valkey-0", {"fd00::7", "10.0.0.7"});
  EXPECT_FALSE(aliases.unsure(address, name));
  EXPECT_TRUE(aliases.same(address, name));
  EXPECT_TRUE(aliases.same(name, address));
  EXPECT_FALSE(aliases.same({"10.0.0.7", 6380}, name));
  aliases.found("valkey-0.example", {"10.0.0.7"});
  EXPECT_TRUE(aliases.same(name, longer));
  aliases.found("valkey-0", {});
  EXPECT_TRUE(aliases.same(name, address)) << "a name server that is away changes nothing";
  aliases.found("valkey-0", {"10.0.0.8"});
  EXPECT_FALSE(aliases.same(name, address));
}

}  // namespace
}  // namespace reconciler
