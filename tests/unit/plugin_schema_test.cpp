// What `labeler --describe` prints, and what a broken plugin may make it print.
#include "common/config/plugin_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/plugin_schemas.h"

namespace reconciler {
namespace {

using testing::HasSubstr;

// The description of a plugin with one key of these members.
std::string with_key(const std::string& members) {
  return R"({"plugin":"p","version":"1","keys":[{)" + members + "}]}";
}

TEST(PluginSchema, survives_its_way_through_json) {
  for (const PluginSchema& schema :
       {test::kubernetes_schema(), test::file_schema(), test::sample_schema()}) {
    const auto parsed = parse_plugin_schema(to_json(schema));
    ASSERT_TRUE(parsed.ok()) << parsed.error().message();
    EXPECT_EQ(parsed->plugin, schema.plugin);
    EXPECT_EQ(parsed->version, schema.version);
    ASSERT_EQ(parsed->keys.size(), schema.keys.size());
    for (std::size_t i = 0; i < schema.keys.size(); ++i) {
      const KeySchema& before = schema.keys[i];
      const KeySchema& after = parsed->keys[i];
      EXPECT_EQ(after.name, before.name);
      EXPECT_EQ(after.type, before.type);
      EXPECT_EQ(after.required, before.required);
      EXPECT_EQ(after.secret, before.secret);
      EXPECT_EQ(after.file, before.file);
      EXPECT_EQ(after.default_value, before.default_value);
      EXPECT_EQ(after.minimum, before.minimum);
      EXPECT_EQ(after.maximum, before.maximum);
      EXPECT_EQ(after.choices, before.choices);
      EXPECT_EQ(after.environment, before.environment);
      EXPECT_EQ(after.help, before.help);
    }
  }
}

TEST(PluginSchema, needs_a_name_and_a_type_for_a_key_and_nothing_else) {
  const auto parsed = parse_plugin_schema(with_key(R"("name":"a","type":"boolean")"));
  ASSERT_TRUE(parsed.ok()) << parsed.error().message();
  EXPECT_EQ(parsed->keys.at(0).type, SettingType::boolean);
}

struct Broken {
  std::string json;
  std::string cause;
};

TEST(PluginSchema, that_is_broken_is_refused_with_the_cause) {
  const std::string named = R"("name":"a","type":"string")";
  std::string many = R"({"type":"string","name":"k"})";
  for (int i = 0; i < 300; ++i)
    many += R"(,{"type":"string","name":"k)" + std::to_string(i) + "\"}";
  for (const Broken& broken : {
           Broken{"", "no JSON"},
           {"plugin crashed", "no JSON"},
           {"[]", "it is no object"},
           {"null", "it is no object"},
           {R"({"plugin":"p","version":"1"})", "no array \"keys\""},
           {R"({"plugin":"p","version":"1","keys":{}})", "no array \"keys\""},
           {R"({"plugin":7,"version":"1","keys":[]})", "\"plugin\" that is no string"},
           {R"({"plugin":"","version":"1","keys":[]})", "no name of a plugin"},
           {R"({"plugin":"../p","version":"1","keys":[]})", "no name of a plugin"},
           {R"({"plugin":"p","version":"1","keys":[],"more":1})", "unknown member \"more\""},
           {R"({"plugin":"p","plugin":"q","version":"1","keys":[]})", "\"plugin\" twice"},
           {R"({"plugin":"p","version":"1","keys":[]} x)", "something after"},
           {R"({"plugin":"p","version":"1","keys":["a"]})", "key 1 is no object"},
           {R"({"plugin":"p","version":"1","keys":[)" + many + "]}", "more than 256 keys"},
           {R"({"plugin":"p","version":"1","keys":[)" + std::string("{") + named + "},{" + named +
                "}]}",
            "two keys are named \"a\""},
           {R"({"plugin":"p","version":"1","keys":[{"name":"a","type":"string","environment":"E"},)"
            R"({"name":"b","type":"string","environment":"E"}]})",
            "two keys have the variable E"},
           {with_key(R"("type":"string")"), "name that is not [a-z]"},
           {with_key(R"("name":"A","type":"string")"), "name that is not [a-z]"},
           {with_key(R"("name":"deadline","type":"duration")"), "a name that every target has"},
           {with_key(R"("name":"a")"), "unknown type \"\""},
           {with_key(R"("name":"a","type":"float")"), "unknown type \"float\""},
           {with_key(R"("name":"a","type":1)"), "\"type\" that is no string"},
           {with_key(named + R"(,"required":1)"), "\"required\" that is neither true nor false"},
           {with_key(named + R"(,"minimum":"1")"), "\"minimum\" that is no whole number"},
           {with_key(named + R"(,"minimum":1.5)"), "\"minimum\" that is no whole number"},
           {with_key(named + R"(,"maximum":1e300)"), "\"maximum\" that is no whole number"},
           {with_key(named + R"(,"maximum":5)"), "has a range, but is no number"},
           {with_key(named + R"(,"choices":"a,b")"), "\"choices\" that is no array"},
           {with_key(named + R"(,"choices":[1])"), "something else than strings"},
           {with_key(named + R"(,"choices":[""])"), "a choice that is empty"},
           {with_key(named + R"(,"choices":["a"],"default":"b")"), "a wrong default"},
           {with_key(named + R"(,"environment":"a=b")"), "a variable that is not [A-Z_]"},
           {with_key(named + R"(,"help":")" + std::string(2'000, 'x') + "\""),
            "a help that is too long"},
           {with_key(named + R"(,"default":")" + std::string(5'000, 'x') + "\""),
            "more than 4096 bytes"},
           {with_key(R"("name":"a","type":"integer","choices":["a"])"),
            "has choices, but is no string"},
           {with_key(R"("name":"a","type":"integer","secret":true)"), "is secret, but no string"},
           {with_key(R"("name":"a","type":"boolean","file":true)"),
            "names a file, but is no string"},
           {with_key(R"("name":"a","type":"integer","default":"x")"), "a wrong default"},
           {with_key(R"("name":"a","type":"integer","default":"9","minimum":1,"maximum":8)"),
            "a wrong default"},
           {with_key(R"("name":"a","type":"duration","default":"9")"), "a wrong default"},
           {with_key(R"("name":"a","type":"duration","minimum":-5,"maximum":8)"), "negative"},
           {with_key(R"("name":"a\u0000","type":"string")"), "a NUL character"},
           {with_key("\"name\":\"a\",\"type\":\"string\",\"help\":\"\xff\""), "no text"},
           {std::string(300 * 1024, ' '), "larger than"},
           {std::string(100'000, '['), "no JSON"},
       }) {
    const auto parsed = parse_plugin_schema(broken.json);
    ASSERT_FALSE(parsed.ok()) << broken.json.substr(0, 200);
    EXPECT_THAT(parsed.error().message(), HasSubstr(broken.cause)) << broken.json.substr(0, 200);
    EXPECT_THAT(parsed.error().message(), HasSubstr("wrong description of a plugin: "));
  }
}

}  // namespace
}  // namespace reconciler
