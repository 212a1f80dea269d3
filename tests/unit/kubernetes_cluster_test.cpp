// How the API server is found, and what a target's settings may be: files and values, no server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "plugins/kubernetes/api_error.h"
#include "plugins/kubernetes/cluster.h"
#include "plugins/kubernetes/credentials.h"
#include "plugins/kubernetes/settings.h"

namespace reconciler {
namespace {

using testing::HasSubstr;
using testing::Not;

class KubernetesCluster : public testing::Test {
 protected:
  KubernetesCluster() {
    char name[] = "/tmp/reconciler-cluster-XXXXXX";
    folder_ = mkdtemp(name);
  }
  ~KubernetesCluster() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ + "/" + name) << text;
    return folder_ + "/" + name;
  }

  std::string folder_;
};

constexpr char clusters[] = R"(
clusters:
- name: lab
  cluster: {server: "https://10.0.0.1:6443/", certificate-authority-data: "Y2E=",
            tls-server-name: kubernetes, proxy-url: "http://proxy:3128"}
- name: plain
  cluster: {server: "http://localhost:8080"}
)";
constexpr char users[] = R"(
users:
- name: token
  user: {token: secret}
- name: certificate
  user: {client-certificate-data: Y2VydA==, client-key-data: a2V5}
)";

TEST_F(KubernetesCluster, ReadsTheCurrentContext) {
  const std::string path = file("config", std::string(R"(
apiVersion: v1
current-context: one
contexts:
- {name: one, context: {cluster: lab, user: certificate, namespace: shop}}
)") + clusters + users);
  const Result<Cluster> cluster = cluster_from_kubeconfig(path);
  ASSERT_TRUE(cluster.ok()) << cluster.error().message();
  EXPECT_EQ(cluster->endpoint.url, "https://10.0.0.1:6443");
  EXPECT_EQ(cluster->endpoint.proxy, "http://proxy:3128");
  EXPECT_EQ(cluster->endpoint.tls.ca_pem, "ca");
  EXPECT_EQ(cluster->endpoint.tls.cert_pem, "cert");
  EXPECT_EQ(cluster->endpoint.tls.key_pem, "key");
  EXPECT_EQ(cluster->endpoint.tls.server_name, "kubernetes");
  EXPECT_FALSE(cluster->endpoint.tls.insecure);
  EXPECT_EQ(cluster->pod_namespace, "shop");
  EXPECT_EQ(cluster->origin, "context one of " + path);
}

TEST_F(KubernetesCluster, MergesSeveralFilesAsKubectlDoes) {
  const std::string first = file("first", R"(
contexts: [{name: two, context: {cluster: lab, user: token}}]
)");
  const std::string second = file("second", std::string(R"(
current-context: two
contexts: [{name: two, context: {cluster: plain, user: certificate}}]
)") + clusters);
  const std::string third = file("third", std::string("current-context: other\n") + users);
  const Result<Cluster> cluster =
      cluster_from_kubeconfig(first + ":/nonexistent::" + second + ":" + third);
  ASSERT_TRUE(cluster.ok()) << cluster.error().message();
  EXPECT_EQ(cluster->endpoint.url, "https://10.0.0.1:6443");
  EXPECT_EQ(cluster->token, "secret");
}

TEST_F(KubernetesCluster, TakesFilesRelativeToTheKubeconfigsFolder) {
  file("ca.pem", "ca");
  file("token", "from a file\n");
  const std::string path = file("config", R"({"current-context": "a",
    "contexts": [{"name": "a", "context": {"cluster": "c", "user": "u"}}],
    "clusters": [{"name": "c", "cluster": {"server": "https://h", "certificate-authority": "ca.pem"}}],
    "users": [{"name": "u", "user": {"tokenFile": "token"}}]})");
  const Result<Cluster> cluster = cluster_from_kubeconfig(path);
  ASSERT_TRUE(cluster.ok()) << cluster.error().message();
  EXPECT_EQ(cluster->endpoint.tls.ca_file, folder_ + "/ca.pem");
  EXPECT_EQ(cluster->token_file, folder_ + "/token");
}

TEST_F(KubernetesCluster, IsInsecureOnlyWhenAsked) {
  const std::string text = R"(
current-context: a
contexts: [{name: a, context: {cluster: c}}]
clusters: [{name: c, cluster: {server: "https://h", insecure-skip-tls-verify: true}}]
)";
  const Result<Cluster> cluster = cluster_from_kubeconfig(file("config", text));
  ASSERT_TRUE(cluster.ok()) << cluster.error().message();
  EXPECT_TRUE(cluster->endpoint.tls.insecure);
}

TEST_F(KubernetesCluster, NamesFileAndPlaceOfWhatIsWrong) {
  const std::string context =
      "current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\n";
  const std::string cluster = "clusters: [{name: c, cluster: {server: 'https://h'}}]\n";
  const auto with_user = [&](const std::string& user) {
    return context + cluster + "users:\n- name: u\n  user: " + user + "\n";
  };
  const auto with_cluster = [&](const std::string& server) {
    return context + "clusters: [{name: c, cluster: " + server +
           "}]\nusers: [{name: u, user: {}}]\n";
  };
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "no `current-context`"},
      {"[]", "no kubeconfig"},
      {"a: [", "config:1:"},
      {std::string(100, '['), "nested too deep"},
      {"current-context: b\n", "there is no context `b`"},
      {"current-context: [x]\n", "current-context: a text expected"},
      {"contexts: 7\n", "config:1:11: contexts: a list expected"},
      {"contexts: [{name: a}]\n", "`name` and `context` expected"},
      {context, "there is no cluster `c`"},
      {context + cluster, "there is no user `u`"},
      {with_cluster("{}"), "`server` expected"},
      {with_cluster("{server: 'ftp://h'}"), "https:// or http:// expected"},
      {with_cluster("{server: 'https:///x'}"), "is no address of a server"},
      {with_cluster("{server: 'https://user@h'}"), "is no address of a server"},
      {with_cluster("{server: 'https://h', certificate-authority: /nonexistent}"),
       "certificate-authority: /nonexistent: No such file"},
      {with_cluster("{server: 'https://h', certificate-authority-data: '%'}"), "not base64"},
      {with_cluster("{server: 'https://h', insecure-skip-tls-verify: perhaps}"),
       "true or false expected"},
      {with_user("{exec: {command: aws}}"), "config:6:9: `exec` is not supported"},
      {with_user("{auth-provider: {name: gcp}}"), "`auth-provider` is not supported"},
      {with_user("{username: a, password: b}"), "`username` is not supported"},
      {with_user("{client-certificate-data: Y2E=}"), "belong together"},
      {with_user("{tokenFile: /nonexistent}"), "tokenFile: /nonexistent: No such file"},
      {with_user("{token: \"a\\nb\"}"), "token: one line expected"},
  };
  for (const auto& [text, expected] : cases) {
    const Result<Cluster> result = cluster_from_kubeconfig(file("config", text));
    ASSERT_FALSE(result.ok()) << text;
    EXPECT_THAT(result.error().message(), HasSubstr(expected)) << text;
    EXPECT_THAT(result.error().message(), HasSubstr("kubeconfig: ")) << text;
  }
  EXPECT_FALSE(cluster_from_kubeconfig("/nonexistent").ok());
  EXPECT_FALSE(cluster_from_kubeconfig("/nonexistent:/neither").ok());
  EXPECT_FALSE(cluster_from_kubeconfig(folder_).ok());
  EXPECT_FALSE(cluster_from_kubeconfig("/dev/zero").ok());
}

TEST_F(KubernetesCluster, TakesNullAndEmptyForAbsent) {
  const std::string path = file("config", R"(
current-context: a
contexts: [{name: a, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "https://h"}}]
users: [{name: u, user: {token: secret, exec: null, auth-provider: ~, username: "", password: ""}}]
)");
  const Result<Cluster> cluster = cluster_from_kubeconfig(path);
  ASSERT_TRUE(cluster.ok()) << cluster.error().message();
  EXPECT_EQ(cluster->token, "secret");
}

TEST_F(KubernetesCluster, UsesTheServiceAccountOfAPod) {
  file("ca.crt", "ca");
  file("token", "secret\n");
  file("namespace", "shop\n");
  const Result<Cluster> cluster = cluster_from_service_account(folder_, "fd00::1", 6443);
  ASSERT_TRUE(cluster.ok()) << cluster.error().message();
  EXPECT_EQ(cluster->endpoint.url, "https://[fd00::1]:6443");
  EXPECT_EQ(cluster->endpoint.tls.ca_file, folder_ + "/ca.crt");
  EXPECT_EQ(cluster->token_file, folder_ + "/token");
  EXPECT_EQ(cluster->pod_namespace, "shop");
  EXPECT_THAT(cluster_from_service_account(folder_, "", 443).error().message(),
              HasSubstr("KUBERNETES_SERVICE_HOST is not set"));
  file("token", "\n");
  EXPECT_THAT(cluster_from_service_account(folder_, "h", 443).error().message(),
              HasSubstr("empty"));
  EXPECT_THAT(cluster_from_service_account("/nonexistent", "h", 443).error().message(),
              HasSubstr("/nonexistent/ca.crt: No such file"));
}

TEST(KubernetesApiError, NamesTheCauseInTheUsersWords) {
  const auto status = [](const std::string& message) {
    return R"({"kind":"Status","message":")" + message + "\"}";
  };
  const ApiAction patch{"patch", "shop", "valkey-0"};
  EXPECT_THAT(api_error(patch, {403, status("no way"), {}, false, false}).message,
              "forbidden: cannot patch pods in namespace shop (no way)");
  EXPECT_THAT(api_error(patch, {401, "", {}, false, false}).message, HasSubstr("unauthorized"));
  EXPECT_EQ(api_error(patch, {422, status("x"), {}, false, false}).kind, ApiError::Kind::moved_on);
  EXPECT_EQ(api_error(patch, {404, "", {}, false, false}).kind, ApiError::Kind::moved_on);
  EXPECT_EQ(api_error(patch, {409, "", {}, false, false}).kind, ApiError::Kind::moved_on);
  EXPECT_EQ(api_error(patch, {429, "", {}, false, false}).kind, ApiError::Kind::busy);
  EXPECT_EQ(api_error(patch, {503, "<html>\n", {}, false, false}).message,
            "patch pod shop/valkey-0: HTTP 503 (<html> )");
  EXPECT_EQ(api_error({"list", "shop", {}}, {0, "", "refused", false, false}).message,
            "list pods in namespace shop: refused");
  EXPECT_EQ(api_error(patch, {0, "", "late", true, false}).label(), "timeout");
  EXPECT_EQ(
      api_error({"create", "shop", "valkey-x", slices_name}, {403, "", {}, false, false}).message,
      "forbidden: cannot create endpointslices.discovery.k8s.io in namespace shop");
  EXPECT_EQ(
      api_error({"patch", "shop", "valkey", services_name}, {500, "", {}, false, false}).message,
      "patch service shop/valkey: HTTP 500");
  const ApiError cut = api_error(patch, {500, std::string(20000, 'x'), {}, false, false});
  EXPECT_LT(cut.message.size(), 400u);
}

// ---- settings ----

struct Target {
  std::map<std::string, std::string> texts;
  std::vector<vr_setting> values;
  std::vector<const vr_setting*> pointers;
  std::vector<const char*> groups;
  vr_target target{};

  Target(std::map<std::string, std::string> given, std::vector<const char*> names)
      : texts(std::move(given)), groups(std::move(names)) {
    values.reserve(setting_keys().size());
    for (const vr_key& key : setting_keys()) {
      const auto found = texts.find(key.name);
      const char* text = found != texts.end() ? found->second.c_str() : key.default_value;
      values.push_back({sizeof(vr_setting), key.name, key.type, found != texts.end(),
                        text == nullptr ? "" : text, 1000, 0, nullptr});
      pointers.push_back(&values.back());
    }
    target = {sizeof target, "t", groups.size(), groups.data(), pointers.size(), pointers.data(),
              10000,         0};
  }
};

TEST(KubernetesSettings, HasTheDefaultsThatAreDocumented) {
  const Result<Settings> settings = read_settings(Target({}, {"myprimary"}).target);
  ASSERT_TRUE(settings.ok()) << settings.error().message();
  EXPECT_EQ(settings->rule.name, "valkey-master");
  EXPECT_EQ(settings->rule.value, "true");
  EXPECT_EQ(text_of(settings->groups.at(0).selector), "app.kubernetes.io/name=valkey");
}

TEST(KubernetesSettings, GivesEachGroupItsSelector) {
  const Result<Settings> settings =
      read_settings(Target({{"selector", "app=valkey,group={group}"}}, {"a", "b"}).target);
  ASSERT_TRUE(settings.ok()) << settings.error().message();
  EXPECT_EQ(text_of(settings->groups.at(1).selector), "app=valkey,group=b");
}

TEST(KubernetesSettings, GivesEachGroupItsService) {
  const Result<Settings> settings = read_settings(Target({{"publish", "endpointslice"},
                                                          {"selector", "group={group}"},
                                                          {"service", "valkey-{group}"},
                                                          {"replica_service", "{group}-replicas"}},
                                                         {"a", "b"})
                                                      .target);
  ASSERT_TRUE(settings.ok()) << settings.error().message();
  EXPECT_EQ(settings->publish, Publish::endpointslice);
  EXPECT_EQ(settings->groups.at(1).service, "valkey-b");
  EXPECT_EQ(settings->groups.at(1).replica_service, "b-replicas");
}

TEST(KubernetesSettings, OneLabelMaySayEitherRole) {
  const Result<Settings> settings = read_settings(
      Target(
          {{"replica_label", "valkey-master"}, {"replica_value", "false"}, {"otherwise", "false"}},
          {"g"})
          .target);
  ASSERT_TRUE(settings.ok()) << settings.error().message();
  EXPECT_TRUE(settings->rule.is_shared());
}

TEST(KubernetesSettings, RefusesWhatKubernetesWouldRefuse) {
  const std::vector<
      std::tuple<std::map<std::string, std::string>, std::vector<const char*>, std::string>>
      cases{
          {{{"label", "a b"}}, {"g"}, "label: `a b` is no label name"},
          {{{"label", ""}}, {"g"}, "label: `` is no label name"},
          {{{"value", "a/b"}}, {"g"}, "value: `a/b` is no label value"},
          {{{"namespace", "Shop"}}, {"g"}, "namespace: `Shop` is no namespace"},
          {{{"selector", ""}}, {"g"}, "selector: must not be empty"},
          {{{"selector", "a in b"}}, {"g"}, "selector: at `b`: `(` expected"},
          {{{"selector", "valkey-master=true"}},
           {"g"},
           "speaks of the label `valkey-master` itself"},
          {{}, {"a", "b"}, "put `{group}` into the selector"},
          {{{"selector", "x={group}"}}, {"a b"}, "selector `x=a b` of group `a b`"},
          {{{"service", "x"}}, {"g"}, "service: means nothing with publish = \"label\""},
          {{{"publish", "endpointslice"}}, {"g"}, "service: needed with publish"},
          {{{"publish", "endpointslice"}, {"service", "x"}, {"label", "y"}},
           {"g"},
           "label: means nothing with publish = \"endpointslice\""},
          {{{"publish", "service-selector"}, {"service", "x"}, {"service_port", "y"}},
           {"g"},
           "service_port: means nothing"},
          {{{"publish", "service-selector"}, {"service", "X"}},
           {"g"},
           "`X` is no name of a Service"},
          {{{"publish", "endpointslice"}, {"service", "x"}, {"selector", "a={group}"}},
           {"a", "b"},
           "would share the Service `x`"},
          {{{"publish", "endpointslice"}, {"service", "x"}, {"replica_service", "x"}},
           {"g"},
           "replica_service: must be another Service"},
          {{{"replica_label", "a b"}}, {"g"}, "replica_label: `a b` is no label name"},
          {{{"replica_label", "r"}, {"replica_value", "a/b"}}, {"g"}, "replica_value: `a/b`"},
          {{{"replica_label", "r"}, {"otherwise", "a/b"}}, {"g"}, "otherwise: `a/b`"},
          {{{"otherwise", "no"}}, {"g"}, "otherwise: is about the label of replicas"},
          {{{"replica_label", "r"}, {"otherwise", "true"}}, {"g"}, "every pod would say `r=true`"},
          {{{"replica_label", "valkey-master"}}, {"g"}, "replica_value: `valkey-master=true`"},
          {{{"label", "role"}, {"value", "p"}, {"replica_label", "role"}, {"otherwise", "p"}},
           {"g"},
           "otherwise: `role=p` is what marks the primary"},
          {{{"selector", "r=true"}, {"replica_label", "r"}}, {"g"}, "the label `r` itself"},
      };
  for (const auto& [given, groups, expected] : cases) {
    const Result<Settings> settings = read_settings(Target(given, groups).target);
    ASSERT_FALSE(settings.ok()) << expected;
    EXPECT_THAT(settings.error().message(), HasSubstr(expected));
  }
}

}  // namespace
}  // namespace reconciler
