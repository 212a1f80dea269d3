// The files for TLS: what is said about those that can't be used, and that changed ones are taken up.

#include "supervisor/sentinel_watcher/tls_context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "tests/unit/certificates.h"

namespace reconciler {
namespace {

using test::make_certificate;
using test::tls_settings;
using test::write_file;
using testing::HasSubstr;
using testing::StartsWith;

const std::string nonsense = "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n";

std::string trouble(const TlsSettings& settings) {
  TlsContext context(settings);
  const auto loaded = context.refresh();
  EXPECT_EQ(loaded.ok(), context.get() != nullptr);
  return loaded ? "loaded" : loaded.error().message();
}

int trusted(const TlsContext& context) {
  STACK_OF(X509)* certificates = X509_STORE_get1_all_certs(SSL_CTX_get_cert_store(context.get()));
  const int count = sk_X509_num(certificates);
  sk_X509_pop_free(certificates, X509_free);
  return count;
}

TEST(TlsContext, TheSystemsCasAreTakenWhereNoFileIsNamed) {
  EXPECT_EQ(trouble(tls_settings("")), "loaded");
}

TEST(TlsContext, AFileThatStandsForTheSystemsCasIsLoadedAnewWhenItChanges) {
  const std::string file = write_file("system.pem", make_certificate({.is_ca = true}).pem());
  ::setenv("SSL_CERT_FILE", file.c_str(), 1);
  const TlsSettings settings = tls_settings("");
  TlsContext context(settings);
  EXPECT_TRUE(context.refresh());
  EXPECT_EQ(trusted(context), 1);
  write_file("system.pem",
             make_certificate({.is_ca = true}).pem() + make_certificate({.is_ca = true}).pem());
  EXPECT_TRUE(context.refresh());
  EXPECT_EQ(trusted(context), 2);
  ::unsetenv("SSL_CERT_FILE");
}

TEST(TlsContext, EveryCertificateOfTheCaFileIsTrusted) {
  const TlsSettings settings =
      tls_settings(write_file("ca.pem", "a comment\n" + make_certificate({.is_ca = true}).pem() +
                                            "\n" + make_certificate({.is_ca = true}).pem()));
  TlsContext context(settings);
  ASSERT_TRUE(context.refresh());
  EXPECT_EQ(trusted(context), 2);
}

TEST(TlsContext, ACaFileThatCantBeUsedIsNamedWithTheReason) {
  const auto of = [](const std::string& file) { return trouble(tls_settings(file)); };
  EXPECT_EQ(of("/no/such/file"), "read ca_file /no/such/file: No such file or directory");
  EXPECT_EQ(of("/dev/null"), "read ca_file /dev/null: not a regular file");
  const std::string pipe = write_file("gone", "") + "-pipe";
  ::mkfifo(pipe.c_str(), 0600);
  EXPECT_EQ(of(pipe), "read ca_file " + pipe + ": not a regular file") << "and nobody waits";
  const std::string large = write_file("large", std::string(1024 * 1024 + 1, 'x'));
  EXPECT_EQ(of(large), "read ca_file " + large + ": more than 1024 KiB");
  const std::string text = write_file("text", "a password");
  EXPECT_EQ(of(text), "ca_file " + text + " holds no certificate in PEM form");
  const std::string empty = write_file("empty", "");
  EXPECT_EQ(of(empty), "ca_file " + empty + " holds no certificate in PEM form");
  const std::string broken = write_file("broken", make_certificate({}).pem() + nonsense);
  EXPECT_THAT(of(broken), StartsWith("certificate 2 in ca_file " + broken + " can't be read: "));
  const std::string whole = make_certificate({}).pem();
  const std::string cut = write_file("cut", whole.substr(0, whole.size() / 2));
  EXPECT_THAT(of(cut), StartsWith("certificate 1 in ca_file " + cut + " can't be read: "))
      << "it is being written";
}

TEST(TlsContext, AClientCertificateAndItsKeyBelongTogether) {
  const auto ours = make_certificate({});
  const std::string ca = write_file("ca.pem", ours.pem());
  const std::string cert = write_file("client.pem", ours.pem());
  const std::string key = write_file("client.key", ours.key_pem());
  const auto of = [&](const std::string& cert_file, const std::string& key_file) {
    return trouble(tls_settings(ca, cert_file, key_file));
  };
  EXPECT_EQ(of(cert, key), "loaded");
  const std::string both = write_file("both.pem", ours.key_pem() + ours.pem());
  EXPECT_EQ(of(both, both), "loaded") << "one file may hold both";
  EXPECT_EQ(of(cert, ""), "cert_file " + cert + " has no key_file");
  EXPECT_EQ(of("", key), "key_file " + key + " has no cert_file");
  EXPECT_EQ(of(cert, "/no/such/key"), "read key_file /no/such/key: No such file or directory");
  EXPECT_EQ(of(cert, cert), "key_file " + cert + " holds no private key in PEM form");
  EXPECT_EQ(of(key, key), "cert_file " + key + " holds no certificate in PEM form");
  const std::string other = write_file("other.key", make_certificate({}).key_pem());
  EXPECT_EQ(of(cert, other), "the key in key_file " + other +
                                 " is not that of the certificate in cert_file " + cert);
  const std::string secret = write_file("secret.key", ours.key_pem("a passphrase"));
  EXPECT_EQ(of(cert, secret),
            "key_file " + secret + " is encrypted, and there is no setting for a passphrase");
  const std::string broken = write_file(
      "broken.key", "-----BEGIN PRIVATE KEY-----\nbm9uc2Vuc2U=\n-----END PRIVATE KEY-----\n");
  EXPECT_THAT(of(cert, broken), StartsWith("the key in key_file " + broken + " can't be read: "));
}

TEST(TlsContext, IsLoadedAnewOnlyWhenAFileHasChanged) {
  const TlsSettings settings =
      tls_settings(write_file("ca.pem", make_certificate({.is_ca = true}).pem()));
  TlsContext context(settings);
  ASSERT_TRUE(context.refresh());
  const SSL_CTX* first = context.get();
  ASSERT_TRUE(context.refresh());
  EXPECT_EQ(context.get(), first);
  // As Kubernetes does it: another file takes the name.
  const std::string next = write_file("next.pem", make_certificate({.is_ca = true}).pem() +
                                                      make_certificate({.is_ca = true}).pem());
  std::filesystem::rename(next, settings.ca_file);
  ASSERT_TRUE(context.refresh());
  EXPECT_EQ(trusted(context), 2);
}

TEST(TlsContext, AFileThatCouldNotBeReadForAMomentIsReadAgain) {
  const TlsSettings settings =
      tls_settings(write_file("ca.pem", make_certificate({.is_ca = true}).pem()));
  TlsContext context(settings);
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const rlimit none{0, limit.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  const auto loaded = context.refresh();
  ::setrlimit(RLIMIT_NOFILE, &limit);
  EXPECT_THAT(loaded.error().message(), HasSubstr("Too many open files"));
  EXPECT_TRUE(context.refresh()) << "the file is the same, and it can be read now";
}

TEST(TlsContext, WhatWasLoadedStaysUntilTheNewFilesAreGood) {
  const auto old = make_certificate({});
  const auto renewed = make_certificate({});
  const TlsSettings settings =
      tls_settings(write_file("ca.pem", old.pem()), write_file("client.pem", old.pem()),
                   write_file("client.key", old.key_pem()));
  TlsContext context(settings);
  ASSERT_TRUE(context.refresh());
  const SSL_CTX* first = context.get();
  write_file("client.pem", renewed.pem());
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto loaded = context.refresh();
    ASSERT_FALSE(loaded) << "said again, until a file changes";
    EXPECT_THAT(loaded.error().message(), HasSubstr("is not that of the certificate"));
    EXPECT_EQ(context.get(), first);
  }
  write_file("client.key", renewed.key_pem());
  ASSERT_TRUE(context.refresh());
  EXPECT_NE(context.get(), first);
  std::filesystem::remove(settings.ca_file);
  EXPECT_THAT(context.refresh().error().message(), HasSubstr("No such file"));
  EXPECT_NE(context.get(), nullptr);
}

}  // namespace
}  // namespace reconciler
