#include "supervisor/sentinel_watcher/tls_refusal.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>
#include <memory>
#include <string_view>

#include "common/text.h"

namespace reconciler {

namespace {

constexpr int max_names_shown = 8;
constexpr std::size_t max_name_size = 100;

// Certificates come from strangers.
std::string shown(std::string_view text) { return printable(text.substr(0, max_name_size)); }

std::string_view view(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::string time_text(const ASN1_TIME* time) {
  std::tm fields{};
  if (ASN1_TIME_to_tm(time, &fields) != 1) return "a time that can't be read";
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &fields);
  return text.data();
}

std::string ip_text(std::string_view bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
  if (bytes.size() != 4 && bytes.size() != 16) return "an IP address of a wrong size";
  ::inet_ntop(family, bytes.data(), text.data(), text.size());
  return text.data();
}

std::string common_name(const X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int place = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (place < 0) return {};
  return shown(view(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, place))));
}

// `vk-0.vk, 10.0.0.7`: where it names none in that way, its subject's name counts.
std::string names_of(const X509* certificate) {
  struct Free {
    void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
  };
  const std::unique_ptr<GENERAL_NAMES, Free> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::string text;
  int count = 0;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS && name->type != GEN_IPADD) continue;
    if (count++ >= max_names_shown) continue;
    text += text.empty() ? "" : ", ";
    text += name->type == GEN_DNS ? shown(view(name->d.dNSName)) : ip_text(view(name->d.iPAddress));
  }
  if (count > max_names_shown) text += fmt::format(" and {} more", count - max_names_shown);
  if (text.empty()) text = common_name(certificate);
  return text.empty() ? "nobody by name" : text;
}

std::string other_alert(int alert, const TlsEnding& ending) {
  const char* text = SSL_alert_desc_string_long(alert);
  if (ending.established) return fmt::format("the peer ends the connection: {}", text);
  return fmt::format("the peer refuses the TLS handshake: {}", text);
}

std::string alert_in_words(int alert, const TlsEnding& ending) {
  const TlsSettings& settings = ending.settings;
  switch (alert) {
    case SSL3_AD_HANDSHAKE_FAILURE:  // TLS 1.2 says no more than this when it misses a certificate
      if (!ending.certificate_wanted || !settings.cert_file.empty())
        return other_alert(alert, ending);
      [[fallthrough]];
    case SSL3_AD_NO_CERTIFICATE:
    case TLS13_AD_CERTIFICATE_REQUIRED:
      if (!settings.cert_file.empty()) break;
      return "the peer wants a client certificate, and none is configured (cert_file, key_file)";
    case SSL3_AD_BAD_CERTIFICATE:
    case SSL3_AD_UNSUPPORTED_CERTIFICATE:
    case SSL3_AD_CERTIFICATE_REVOKED:
    case SSL3_AD_CERTIFICATE_EXPIRED:
    case SSL3_AD_CERTIFICATE_UNKNOWN:
    case TLS1_AD_UNKNOWN_CA:
    case TLS1_AD_ACCESS_DENIED:
    case TLS1_AD_DECRYPT_ERROR:
      if (settings.cert_file.empty() || !ending.certificate_wanted)
        return other_alert(alert, ending);
      break;
    case TLS1_AD_PROTOCOL_VERSION:
      return "the peer accepts no version of TLS from 1.2 on";
    case TLS1_AD_UNRECOGNIZED_NAME:
      return fmt::format("the peer knows no server of the name {}", ending.name);
    default:
      return other_alert(alert, ending);
  }
  return fmt::format("the peer does not accept the client certificate {}: {}", settings.cert_file,
                     SSL_alert_desc_string_long(alert));
}

}  // namespace

std::string rejected_certificate(X509_STORE_CTX* verification, const std::string& name,
                                 const TlsSettings& settings) {
  const int error = X509_STORE_CTX_get_error(verification);
  const X509* certificate = X509_STORE_CTX_get_current_cert(verification);
  const bool own = X509_STORE_CTX_get_error_depth(verification) == 0;
  // The dates are wrong of the peer's certificate, or of one above it.
  const auto whose = [&] {
    return own ? "certificate of " + name
               : fmt::format("certificate of {} is not trusted: that of its CA {}", name,
                             common_name(certificate));
  };
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return fmt::format("{} expired at {}", whose(), time_text(X509_get0_notAfter(certificate)));
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return fmt::format("{} is not valid before {}", whose(),
                         time_text(X509_get0_notBefore(certificate)));
    case X509_V_ERR_HOSTNAME_MISMATCH:
      return fmt::format("certificate is not for the name {}, but for {}", name,
                         names_of(certificate));
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return fmt::format("certificate is not for the IP address {}, but for {}", name,
                         names_of(certificate));
    default:
      return fmt::format("certificate of {} is not trusted: {} (trusted are the CAs of {})", name,
                         X509_verify_cert_error_string(error),
                         settings.ca_file.empty() ? std::string("the system") : settings.ca_file);
  }
}

std::string refusal(const TlsEnding& ending) {
  const int reason = ERR_GET_REASON(ending.error);
  if (ERR_GET_LIB(ending.error) == ERR_LIB_SSL) {
    if (reason >= SSL_AD_REASON_OFFSET)
      return alert_in_words(reason - SSL_AD_REASON_OFFSET, ending);
    if (reason == SSL_R_UNSUPPORTED_PROTOCOL)
      return "the peer offers no version of TLS from 1.2 on";
  }
  const char* text = ERR_reason_error_string(ending.error);
  return fmt::format("{}: {}", ending.established ? "broken TLS" : "the TLS handshake fails",
                     text != nullptr ? text : "for no reason that OpenSSL gives");
}

}  // namespace reconciler
