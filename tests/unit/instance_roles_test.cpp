// Which instances are asked for their ROLE.

#include "supervisor/sentinel_watcher/instance_roles.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace reconciler {
namespace {

TEST(InstanceRoles, OneThatNamesThousandsOfInstancesTakesNoThousandsOfConnections) {
  uv::Loop loop;
  const SentinelSettings settings;
  InstanceRoles roles(loop.get(), settings, [](const InstanceRole&) {});
  for (uint16_t port = 1; port <= 1'000; ++port) roles.want({{"127.0.0.1", port}});
  EXPECT_EQ(roles.roles().size(), 32);
}

}  // namespace
}  // namespace reconciler
