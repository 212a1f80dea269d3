// HAProxy's answers, as 2.6.12 gives them, and what is planned upon them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "plugins/haproxy/plan.h"
#include "plugins/haproxy/runtime.h"

namespace reconciler::haproxy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string table =
    "1\n"
    "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight "
    "srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state "
    "srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl "
    "srv_check_port srv_check_addr srv_agent_addr srv_agent_port\n"
    "3 shop 1 valkey-0 10.0.0.10 2 4 1 1 0 1 0 0 8 0 0 0 - 6379 - 0 0 - - 0\n"
    "3 shop 2 valkey-1 fd00:0::11 0 5 1 1 2 1 0 0 8 0 0 0 - 6379 - 0 0 - - 0\n"
    "3 shop 3 valkey-2 - 0 32 1 1 2 1 0 0 8 0 0 0 Valkey-2.shop 6380 - 0 0 - - 0\n"
    "\n";

std::optional<Answer> read(const std::string& text) {
  Unreadable unreadable;
  return read_answer(text, "shop", unreadable);
}

Unreadable unreadable_of(const std::string& text) {
  Unreadable unreadable;
  EXPECT_FALSE(read_answer(text, "shop", unreadable).has_value());
  return unreadable;
}

Server ready(std::string name, std::string address, uint16_t port = 6379) {
  Server server;
  server.name = std::move(name);
  server.address = std::move(address);
  server.port = port;
  return server;
}
Server in_maintenance(std::string name, std::string address) {
  Server server = ready(std::move(name), std::move(address));
  server.in_maintenance = true;
  return server;
}

TEST(HaproxyAnswer, has_the_servers_with_what_keeps_them_from_being_ready) {
  const std::optional<Answer> answer = read("Variable not found.\n\n" + table);
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->state.servers.size(), 3U);
  const Server& disabled_once = answer->state.servers[0];
  EXPECT_TRUE(disabled_once.is_ready());
  EXPECT_EQ(disabled_once.address, "10.0.0.10");
  EXPECT_EQ(answer->state.servers[1].address, "fd00::11");
  EXPECT_TRUE(answer->state.servers[1].in_maintenance);
  const Server& unresolved = answer->state.servers[2];
  EXPECT_TRUE(unresolved.held_down && !unresolved.in_maintenance && !unresolved.is_ready());
  EXPECT_EQ(unresolved.fqdn, "valkey-2.shop");
  EXPECT_EQ(unresolved.port, 6380);
  EXPECT_EQ(answer->state.held, std::nullopt);
  EXPECT_THAT(answer->remarks, IsEmpty());
}

TEST(HaproxyAnswer, has_the_decision_that_is_held) {
  const HeldDecision held{{0, 3, 0}, true, "10.0.0.10:6379"};
  const std::string line = "proc.valkey_reconciler.shop: type=str value=<" + to_text(held) + ">\n";
  EXPECT_EQ(read(line + table)->state.held, held);
  EXPECT_EQ(read("proc.valkey_reconciler.shop: type=str value=<scribbled>\n" + table)->state.held,
            std::nullopt);
}

TEST(HaproxyAnswer, says_what_was_not_to_its_liking) {
  EXPECT_EQ(read("No such server.\n\nVariable not found.\n\n" + table)->remarks, "No such server.");
  EXPECT_EQ(unreadable_of("Variable not found.\n\nCan't find backend.\n\n").refusal,
            Refusal::backend);
  EXPECT_EQ(unreadable_of("Permission denied\n\nPermission denied\n\n").refusal, Refusal::rights);
}

TEST(HaproxyAnswer, that_is_cut_off_anywhere_is_none) {
  for (size_t size = 0; size < table.size(); ++size) {
    EXPECT_FALSE(read(table.substr(0, size))) << size;
  }
  EXPECT_EQ(unreadable_of(table.substr(0, table.size() - 1)).message,
            "the state of the servers is cut off");
}

TEST(HaproxyCommands, are_one_line_in_their_order) {
  EXPECT_EQ(line_of({state_command("shop", "valkey-0", "maint"), cut_command("shop", "valkey-0")}),
            "set server shop/valkey-0 state maint; shutdown sessions server shop/valkey-0\n");
  EXPECT_THAT(
      hold_commands("my-shop", {{0, 3, 0}, true, "[fd00::7]:6379"}),
      ElementsAre("experimental-mode on",
                  "set var proc.valkey_reconciler.my_2dshop str(v1/0.3.0/known/[fd00::7]:6379)"));
}

TEST(HaproxyCommands, no_announced_name_can_become_one) {
  EXPECT_EQ(plain("x);quit\n:6379"), "x%29%3Bquit%0A:6379");
  EXPECT_FALSE(is_proxy_name("my;backend"));
  EXPECT_FALSE(is_proxy_name(""));
  EXPECT_TRUE(is_proxy_name("my-back.end_1:x"));
}

const Rules by_address{.backend = "shop", .server = ""};
const Rules by_name{.backend = "shop", .match = Match::name, .server = ""};
const Rules one_server{.backend = "shop", .publish = Publish::address, .server = "primary"};

TEST(HaproxyPlan, demotes_before_it_promotes) {
  const Plan plan =
      make_plan({ready("valkey-0", "10.0.0.10"), in_maintenance("valkey-1", "10.0.0.11")},
                {true, "10.0.0.11", 6379}, by_address);
  EXPECT_THAT(plan.fence, ElementsAre("set server shop/valkey-0 state maint"));
  EXPECT_THAT(plan.promote, ElementsAre("set server shop/valkey-1 state ready"));
}

TEST(HaproxyPlan, cuts_sessions_after_the_server_takes_no_new_ones) {
  Rules cutting = by_address;
  cutting.cut_sessions = true;
  const Plan plan = make_plan({ready("valkey-0", "10.0.0.10"), ready("valkey-1", "10.0.0.11")},
                              {true, "10.0.0.11", 6379}, cutting);
  EXPECT_THAT(plan.fence, ElementsAre("set server shop/valkey-0 state maint",
                                      "shutdown sessions server shop/valkey-0"));
  EXPECT_THAT(plan.promote, IsEmpty());
}

TEST(HaproxyPlan, is_empty_where_all_is_right) {
  const std::vector<Server> servers{in_maintenance("valkey-0", "10.0.0.10"),
                                    ready("valkey-1", "10.0.0.11")};
  EXPECT_TRUE(make_plan(servers, {true, "10.0.0.11", 6379}, by_address).is_done());
}

TEST(HaproxyPlan, withdraws_all_of_a_suspected_primary_also_one_that_drains) {
  Server draining = ready("valkey-1", "10.0.0.11");
  draining.draining = true;
  EXPECT_THAT(
      make_plan({ready("valkey-0", "10.0.0.10"), draining}, {false, "10.0.0.10", 6379}, by_address)
          .fence,
      ElementsAre("set server shop/valkey-0 state maint", "set server shop/valkey-1 state maint"));
}

TEST(HaproxyPlan, the_port_counts_where_the_address_does) {
  const std::vector<Server> servers{ready("a", "10.0.0.10", 6379), ready("b", "10.0.0.10", 6380)};
  EXPECT_THAT(make_plan(servers, {true, "10.0.0.10", 6380}, by_address).fence,
              ElementsAre("set server shop/a state maint"));
}

TEST(HaproxyPlan, finds_the_server_by_name_and_by_the_first_part_of_one) {
  const std::vector<Server> servers{in_maintenance("Valkey-0", "-"),
                                    in_maintenance("valkey-10", "-"), in_maintenance("10", "-")};
  for (const char* host : {"valkey-0", "valkey-0.shop.svc"}) {
    EXPECT_THAT(make_plan(servers, {true, host, 6379}, by_name).promote,
                ElementsAre("set server shop/Valkey-0 state ready"));
  }
  EXPECT_THAT(make_plan(servers, {true, "10.0.0.10", 6379}, by_name).no_server,
              HasSubstr("no server by the name of 10.0.0.10:6379"));
}

TEST(HaproxyPlan, two_servers_for_one_primary_are_none) {
  const Plan plan = make_plan({ready("a", "10.0.0.10"), ready("b", "10.0.0.10")},
                              {true, "10.0.0.10", 6379}, by_address);
  EXPECT_EQ(plan.no_server,
            "backend shop has more than one server with the address 10.0.0.10:6379");
  EXPECT_EQ(plan.fence.size(), 2U);
}

TEST(HaproxyPlan, one_server_changes_its_address_while_it_takes_no_connections) {
  const Wanted wanted{true, "10.0.0.11", 6379};
  EXPECT_THAT(make_plan({ready("primary", "10.0.0.10")}, wanted, one_server).fence,
              ElementsAre("set server shop/primary state maint",
                          "set server shop/primary addr 10.0.0.11 port 6379"));
  EXPECT_THAT(make_plan({in_maintenance("primary", "10.0.0.11")}, wanted, one_server).promote,
              ElementsAre("set server shop/primary state ready"));
  EXPECT_THAT(make_plan({ready("primary", "10.0.0.10")}, {true, "valkey-1.shop", 6379}, one_server)
                  .no_server,
              HasSubstr("can only be set to an IP address"));
}

TEST(HaproxyPlan, what_haproxy_itself_holds_down_is_not_for_us_to_change) {
  Server unresolved = ready("valkey-0", "10.0.0.10");
  unresolved.held_down = true;
  const Plan plan = make_plan({unresolved}, {true, "10.0.0.10", 6379}, by_address);
  EXPECT_TRUE(plan.is_done());
  EXPECT_THAT(plan.held_down, HasSubstr("server shop/valkey-0 is kept in maintenance"));
}

}  // namespace
}  // namespace reconciler::haproxy
