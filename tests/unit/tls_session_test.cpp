// A TlsSession against a server of OpenSSL, in memory: what arrives, and what is said when it doesn't come about.

#include "supervisor/sentinel_watcher/tls_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>

#include <string>
#include <vector>

#include "tests/unit/certificates.h"
#include "tests/unit/tls_server.h"

namespace reconciler {
namespace {

using test::Certificate;
using test::make_certificate;
using test::talk;
using test::TlsServer;
using test::write_file;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;
using Kind = ConnectionFailure::Kind;

const std::vector<int> versions = {TLS1_2_VERSION, TLS1_3_VERSION};

struct TlsSessionTest : testing::Test {
  Certificate ca = make_certificate({.common_name = "lab CA", .is_ca = true});
  Certificate other_ca = make_certificate({.common_name = "other CA", .is_ca = true});
  Certificate server_certificate =
      make_certificate({.names = "DNS:vk-0.vk,DNS:*.pods.vk,IP:10.0.0.7,IP:fd00::7"}, &ca);
  TlsSettings settings = test::tls_settings(write_file("ca.pem", ca.pem()));
  TlsContext context{settings};

  void come_with(const Certificate& certificate) {
    settings.cert_file = write_file("client.pem", certificate.pem());
    settings.key_file = write_file("client.key", certificate.key_pem());
  }

  // How a connection ends that is tried with that server; nothing where it stands.
  std::optional<ConnectionFailure> outcome(const Certificate& certificate,
                                           const TlsServer::Options& options = {},
                                           const std::string& name = "vk-0.vk") {
    TlsContext fresh(settings);
    const auto loaded = fresh.refresh();
    if (!loaded) return ConnectionFailure{Kind::tls, loaded.error().message()};
    TlsSession client(fresh, name);
    TlsServer server(certificate, options);
    client.begin();
    talk(client, server);
    if (client.established()) {
      client.write("AUTH");
      talk(client, server);
    }
    EXPECT_EQ(server.received, client.ended() ? "" : "AUTH");
    return client.ended();
  }

  std::string cause(const Certificate& certificate, const TlsServer::Options& options = {},
                    const std::string& name = "vk-0.vk") {
    const auto failure = outcome(certificate, options, name);
    if (!failure) return "connected";
    EXPECT_EQ(failure->kind, Kind::tls);
    return failure->cause;
  }
};

TEST_F(TlsSessionTest, CarriesBytesOfAnySizeInPiecesOfAnySize) {
  ASSERT_TRUE(context.refresh());
  const std::string much(300'000, 'x');
  for (const int version : versions) {
    for (const std::size_t piece : {1, 2, 5, 1000, 1 << 20}) {
      TlsSession client(context, "vk-0.vk");
      TlsServer server(server_certificate, {.version = version});
      EXPECT_EQ(client.take_outgoing(), "") << "it was not begun";
      client.begin();
      EXPECT_EQ(talk(client, server, piece), "");
      ASSERT_TRUE(client.established()) << client.ended()->cause;
      client.write("PING");
      client.write(much);
      server.write("+PONG");
      server.write(much);
      EXPECT_EQ(talk(client, server, piece), "+PONG" + much);
      EXPECT_EQ(server.received, "PING" + much);
      EXPECT_FALSE(client.ended());
    }
  }
}

TEST_F(TlsSessionTest, WhatCameBeforeTheEndIsStillDelivered) {
  ASSERT_TRUE(context.refresh());
  for (const int version : versions) {
    TlsSession client(context, "vk-0.vk");
    TlsServer server(server_certificate, {.version = version});
    client.begin();
    talk(client, server);
    server.write("-ERR max number of clients reached");
    server.close();
    EXPECT_EQ(client.receive(server.take_outgoing()), "-ERR max number of clients reached");
    EXPECT_EQ(client.ended(), (ConnectionFailure{Kind::unreachable, "closed by the peer"}));
    client.write("goes nowhere");
    EXPECT_EQ(client.receive("and so does this"), "");
  }
}

TEST_F(TlsSessionTest, TellsThePeerThatItCloses) {
  ASSERT_TRUE(context.refresh());
  TlsSession client(context, "vk-0.vk");
  TlsServer server(server_certificate, {});
  client.close();
  EXPECT_EQ(client.take_outgoing(), "") << "nothing was begun that could be closed";
  client.begin();
  talk(client, server);
  client.write("QUIT");
  client.close();
  talk(client, server);
  EXPECT_EQ(server.received, "QUIT");
  EXPECT_TRUE(server.closed);
}

TEST_F(TlsSessionTest, ErrorsOfOthersAreNotTakenForItsOwn) {
  ASSERT_TRUE(context.refresh());
  TlsSession client(context, "vk-0.vk");
  TlsServer server(server_certificate, {});
  ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
  client.begin();
  talk(client, server);
  ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
  client.write("PING");
  server.write("+PONG");
  ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
  EXPECT_EQ(talk(client, server), "+PONG");
  EXPECT_FALSE(client.ended());
  ERR_clear_error();
}

TEST_F(TlsSessionTest, ChecksTheNameAndAsksForIt) {
  struct Row {
    std::string name, asked_for, cause;
  };
  const std::string names = "vk-0.vk, *.pods.vk, 10.0.0.7, fd00::7";
  const std::vector<Row> table = {
      {"vk-0.vk", "vk-0.vk", ""},
      {"VK-0.vk.", "VK-0.vk", ""},
      {"vk-1.pods.vk", "vk-1.pods.vk", ""},
      {"10.0.0.7", "", ""},
      {"fd00::7", "", ""},
      {"FD00:0::7%eth0", "", ""},
      {"vk-1.vk", "vk-1.vk", "certificate is not for the name vk-1.vk, but for " + names},
      {"a.b.pods.vk", "a.b.pods.vk",
       "certificate is not for the name a.b.pods.vk, but for " + names},
      {"10.0.0.8", "", "certificate is not for the IP address 10.0.0.8, but for " + names},
      {"fd00::8", "", "certificate is not for the IP address fd00::8, but for " + names},
      {"", "", "no certificate can be asked of the name "},
      {".vk", "", "no certificate can be asked of the name .vk"},
      {std::string("vk-0.vk\0x", 9), "", "no certificate can be asked of the name vk-0.vk\\x00x"},
  };
  ASSERT_TRUE(context.refresh());
  for (const Row& row : table) {
    TlsSession client(context, row.name);
    TlsServer server(server_certificate, {});
    client.begin();
    talk(client, server);
    EXPECT_EQ(server.asked_for(), row.asked_for);
    EXPECT_EQ(client.ended() ? client.ended()->cause : "", row.cause) << row.name;
  }
}

TEST_F(TlsSessionTest, ACertificateThatNamesNobodyIsForItsSubject) {
  const auto old = make_certificate({.common_name = "vk-0.vk"}, &ca);
  EXPECT_EQ(cause(old), "connected");
  EXPECT_EQ(cause(old, {}, "vk-1.vk"), "certificate is not for the name vk-1.vk, but for vk-0.vk");
}

TEST_F(TlsSessionTest, ACertificateWithManyOrEvilNamesDoesNotFillTheLog) {
  std::string names = "DNS:evil\x01name";
  for (int i = 0; i < 50; ++i) names += ",DNS:" + std::string(300, 'x') + std::to_string(i);
  const std::string text = cause(make_certificate({.names = names}, &ca));
  EXPECT_THAT(text, HasSubstr("evil\\x01name, xxx"));
  EXPECT_THAT(text, HasSubstr(" and 43 more"));
  EXPECT_LT(text.size(), 1000);
}

TEST_F(TlsSessionTest, SaysWhatIsWrongWithThePeersCertificate) {
  const std::string names = "DNS:vk-0.vk";
  const std::string trusted = " (trusted are the CAs of " + settings.ca_file + ")";
  EXPECT_EQ(
      cause(make_certificate({.names = names}, &other_ca)),
      "certificate of vk-0.vk is not trusted: unable to get local issuer certificate" + trusted);
  EXPECT_EQ(cause(make_certificate({.names = names})),
            "certificate of vk-0.vk is not trusted: self-signed certificate" + trusted);
  EXPECT_THAT(
      cause(make_certificate({.names = names, .from_seconds = -99, .until_seconds = -9}, &ca)),
      MatchesRegex("certificate of vk-0.vk expired at 2[0-9-]+T[0-9:]+Z"));
  EXPECT_THAT(cause(make_certificate({.names = names, .from_seconds = 600}, &ca)),
              MatchesRegex("certificate of vk-0.vk is not valid before 2[0-9-]+T[0-9:]+Z"));
  const auto old_ca =
      make_certificate({.common_name = "old CA", .until_seconds = -9, .is_ca = true});
  settings.ca_file = write_file("old_ca.pem", old_ca.pem());
  EXPECT_THAT(
      cause(make_certificate({.names = names}, &old_ca)),
      StartsWith("certificate of vk-0.vk is not trusted: that of its CA old CA expired at"));
}

TEST_F(TlsSessionTest, ThePeerIsToldWhyItsCertificateIsRefused) {
  ASSERT_TRUE(context.refresh());
  TlsSession client(context, "vk-0.vk");
  TlsServer server(make_certificate({}, &other_ca), {.version = TLS1_2_VERSION});
  client.begin();
  talk(client, server);
  ASSERT_TRUE(client.ended());
  EXPECT_EQ(ERR_GET_REASON(ERR_peek_last_error()), SSL_R_TLSV1_ALERT_UNKNOWN_CA)
      << "an alert that the server has read";
  ERR_clear_error();
}

TEST_F(TlsSessionTest, ThatAClientCertificateIsWantedIsSaidByBothVersions) {
  for (const int version : versions) {
    EXPECT_EQ(cause(server_certificate, {.version = version, .clients_ca = &ca}),
              "the peer wants a client certificate, and none is configured (cert_file, key_file)");
  }
  come_with(make_certificate({}, &ca));
  for (const int version : versions)
    EXPECT_EQ(cause(server_certificate, {.version = version, .clients_ca = &ca}), "connected");
}

TEST_F(TlsSessionTest, ARefusedClientCertificateIsNamedWithTheReason) {
  for (const int version : versions) {
    come_with(make_certificate({}, &other_ca));
    const std::string refused =
        "the peer does not accept the client certificate " + settings.cert_file + ": ";
    EXPECT_EQ(cause(server_certificate, {.version = version, .clients_ca = &ca}),
              refused + "unknown CA");
    come_with(make_certificate({.from_seconds = -99, .until_seconds = -9}, &ca));
    EXPECT_EQ(cause(server_certificate, {.version = version, .clients_ca = &ca}),
              refused + "certificate expired");
  }
}

TEST_F(TlsSessionTest, AnOldServerIsRefused) {
  EXPECT_EQ(cause(server_certificate, {.version = TLS1_1_VERSION}),
            "the peer accepts no version of TLS from 1.2 on");
}

TEST_F(TlsSessionTest, WithoutVerificationAnybodyIsBelieved) {
  settings.insecure_skip_verify = true;
  settings.ca_file = "/no-such-file";
  EXPECT_EQ(cause(make_certificate({.until_seconds = -9}), {}, "10.9.9.9"), "connected");
}

TEST_F(TlsSessionTest, AServerWithoutTlsIsToldApartFromABrokenOne) {
  ASSERT_TRUE(context.refresh());
  for (const std::string plain : {"-ERR unknown command", "+PONG\r\n", "HTTP/1.1 400", "\r\n"}) {
    TlsSession client(context, "vk-0.vk");
    client.begin();
    EXPECT_EQ(client.receive(plain), "");
    EXPECT_EQ(
        client.ended(),
        (ConnectionFailure{Kind::tls, "what answers there does not speak TLS (a plain port?)"}));
    EXPECT_FALSE(client.peer_speaks_tls());
  }
  TlsSession client(context, "vk-0.vk");
  client.begin();
  client.receive("\x16\x03\x03 nonsense that is longer than a header");
  client.receive(std::string(20'000, 'x'));
  ASSERT_TRUE(client.ended());
  EXPECT_THAT(client.ended()->cause, StartsWith("the TLS handshake fails: "));
}

TEST_F(TlsSessionTest, NonsenseAfterTheHandshakeEndsIt) {
  ASSERT_TRUE(context.refresh());
  for (const int version : versions) {
    TlsSession client(context, "vk-0.vk");
    TlsServer server(server_certificate, {.version = version});
    client.begin();
    talk(client, server);
    server.write("+PONG");
    std::string changed = server.take_outgoing();
    changed.back() ^= 1;
    EXPECT_EQ(client.receive(changed), "");
    ASSERT_TRUE(client.ended());
    EXPECT_EQ(client.ended()->kind, Kind::tls);
    EXPECT_THAT(client.ended()->cause, StartsWith("broken TLS: "));
  }
}

}  // namespace
}  // namespace reconciler
