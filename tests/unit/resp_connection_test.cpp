// The parts of a connection that need no socket: what is logged, how a password file ends, which addresses count.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "supervisor/sentinel_watcher/connection_history.h"
#include "supervisor/sentinel_watcher/credentials.h"
#include "supervisor/sentinel_watcher/host_lookup.h"

namespace reconciler {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(ConnectionHistory, TheFirstConnectionIsWorthALine) {
  ConnectionHistory history;
  EXPECT_TRUE(history.came_up(0));
  EXPECT_FALSE(history.came_up(5'000)) << "nothing was wrong meanwhile";
}

TEST(ConnectionHistory, TroubleIsSaidOnceThenCounted) {
  ConnectionHistory history;
  EXPECT_TRUE(history.failed("connection refused", 0));
  for (int attempt = 1; attempt < 60; ++attempt)
    EXPECT_FALSE(history.failed("connection refused", attempt * 1'000));
  const auto reminder = history.failed("connection refused", 60'000);
  ASSERT_TRUE(reminder);
  EXPECT_EQ(reminder->remark, " (60 times since the last such line)");
  const auto up = history.came_up(61'500);
  ASSERT_TRUE(up);
  EXPECT_EQ(up->remark, " after 61.5 s");
}

TEST(ConnectionHistory, AnotherCauseIsSaidSoonButNotEachTime) {
  ConnectionHistory history;
  EXPECT_TRUE(history.failed("connection refused", 0));
  EXPECT_FALSE(history.failed("timed out", 1'000));
  EXPECT_TRUE(history.failed("timed out", 5'000));
  EXPECT_FALSE(history.failed("connection refused", 6'000));
}

TEST(ConnectionHistory, OneThatComesAndGoesIsSaidNoMoreOftenThanOneThatStaysAway) {
  ConnectionHistory history;
  int lines = 0;
  for (Milliseconds now = 0; now < 60'000; now += 10) {
    if (history.failed("closed by the peer", now)) ++lines;
    if (history.came_up(now + 5)) ++lines;
  }
  EXPECT_EQ(lines, 2);
}

TEST(Password, ExactlyOneLineEndIsTakenOffAFile) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"secret", "secret"},
      {"secret\n", "secret"},
      {"secret\r\n", "secret"},
      {"secret\n\n", "secret\n"},
      {"secret\r", "secret\r"},
      {" secret \n", " secret "},
      {"\n", ""},
      {"", ""},
      {"a\nb\n", "a\nb"},
  };
  for (const auto& [contents, password] : table)
    EXPECT_EQ(without_last_newline(contents), password);
}

TEST(Password, AFileMayHoldAnyBytes) {
  const std::string path = testing::TempDir() + "/password";
  std::ofstream(path, std::ios::binary) << std::string("p\0\xff\n\n", 5);
  const auto password = read_password_file(path);
  ASSERT_TRUE(password);
  EXPECT_EQ(*password, std::string("p\0\xff\n", 4));
  std::remove(path.c_str());
}

TEST(Password, AFileThatCantBeReadIsNamed) {
  const std::string missing = testing::TempDir() + "/no-such-file";
  EXPECT_EQ(read_password_file(missing).error().message(),
            "read password file " + missing + ": No such file or directory");
  EXPECT_THAT(read_password_file(testing::TempDir()).error().message(),
              HasSubstr("not a regular file"));
  const std::string large = testing::TempDir() + "/large-password";
  std::ofstream(large) << std::string(65 * 1024, 'x');
  EXPECT_THAT(read_password_file(large).error().message(), HasSubstr("more than 64 KiB"));
  std::remove(large.c_str());
}

std::vector<std::string> hosts(const std::vector<SocketAddress>& addresses) {
  std::vector<std::string> names;
  names.reserve(addresses.size());
  for (const SocketAddress& address : addresses) names.push_back(address.endpoint.host);
  return names;
}

TEST(LiteralAddress, IsOneWithoutALookup) {
  EXPECT_EQ(literal_address({"10.0.0.7", 26379})->endpoint, (Endpoint{"10.0.0.7", 26379}));
  EXPECT_EQ(literal_address({"FD00::0:7", 26379})->endpoint, (Endpoint{"fd00::7", 26379}));
  EXPECT_EQ(
      ntohs(
          reinterpret_cast<const sockaddr_in6&>(literal_address({"::1", 26379})->socket).sin6_port),
      26379);
  EXPECT_FALSE(literal_address({"vk-valkey-headless", 26379}));
  EXPECT_FALSE(literal_address({"", 26379}));
}

TEST(OneFamily, ASentinelWithTwoAddressesDoesNotCountAsTwo) {
  const std::vector<SocketAddress> both = {*literal_address({"10.0.0.7", 1}),
                                           *literal_address({"fd00::7", 1})};
  EXPECT_THAT(hosts(one_family(both, false, false, false)), ElementsAre("10.0.0.7"));
  EXPECT_THAT(hosts(one_family(both, true, false, true)), ElementsAre("10.0.0.7"));
  EXPECT_THAT(hosts(one_family(both, true, true, true)), ElementsAre("10.0.0.7"));
  EXPECT_THAT(hosts(one_family(both, false, true, true)), ElementsAre("fd00::7"));
  EXPECT_THAT(hosts(one_family(both, false, false, true)), ElementsAre("10.0.0.7", "fd00::7"))
      << "IPv4 was tried and does not answer";
  const std::vector<SocketAddress> ipv6 = {both[1]};
  EXPECT_THAT(hosts(one_family(ipv6, false, false, false)), ElementsAre("fd00::7"));
}

TEST(NameLeadingTo, StaysAsLongAsItLeadsThereAndElseIsThatOfTheNewOwner) {
  const auto at = [](const std::string& host, const std::string& name) {
    SocketAddress address = *literal_address({host, 26379});
    EXPECT_EQ(address.name, address.endpoint.host) << "an IP address is its own name";
    address.name = name;
    return address;
  };
  const SocketAddress first = at("10.0.0.7", "vk-0.vk"), second = at("10.0.0.8", "vk-1.vk"),
                      service = at("10.0.0.7", "vk");
  const auto name = [&](const std::string& present, const std::vector<SocketAddress>& addresses) {
    return name_leading_to({"10.0.0.7", 26379}, present, addresses);
  };
  EXPECT_EQ(name("vk-0.vk", {service, first, second}), "vk-0.vk");
  EXPECT_EQ(name("vk", {service, first, second}), "vk");
  EXPECT_EQ(name("vk-2.vk", {second, first}), "vk-0.vk");
  EXPECT_EQ(name("vk-2.vk", {second}), "vk-2.vk") << "nothing leads there for now";
}

}  // namespace
}  // namespace reconciler
