/* Stands before the Sentinels and speaks TLS with their clients. What comes from a Sentinel is handed on, and then told on
 * standard output with the moment just before: a time (double, CLOCK_MONOTONIC), the Sentinel's number, the connection's, and how
 * many bytes follow (uint32 each); none: the connection has ended. In C, so that it adds as little as can be to a question and
 * its answer. It ends with its standard input.
 *
 *   sentinel_proxy AT_HOST AT_PORT HOST PORT CERTIFICATE KEY ...      six words for each Sentinel
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MOST_SENTINELS = 8, MOST_CONNECTIONS = 256, WORDS = 6, PIECE = 65536 };

struct sentinel {
  const char *host, *port;
  SSL_CTX* context;
  int listener;
};

struct through {
  int client, sentinel; /* sockets; client -1: the place is free */
  SSL* tls;
  BIO *from_client, *to_client; /* memory */
  uint32_t of, number;
};

struct told {
  double time;
  uint32_t sentinel, connection, size;
} __attribute__((packed));

static struct sentinel sentinels[MOST_SENTINELS];
static struct through connections[MOST_CONNECTIONS];
static int sentinel_count;
static uint32_t number_of_last;
static char piece[PIECE];

static void fail(const char* what) {
  perror(what);
  ERR_print_errors_fp(stderr);
  exit(1);
}

static int send_all(int descriptor, const char* bytes, size_t size) {
  while (size > 0) {
    ssize_t sent = write(descriptor, bytes, size);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return 0;
    bytes += sent;
    size -= (size_t)sent;
  }
  return 1;
}

static void tell(double time, const struct through* through, const char* bytes, size_t size) {
  struct told head = {time, through->of, through->number, (uint32_t)size};
  if (!send_all(STDOUT_FILENO, (const char*)&head, sizeof head) ||
      !send_all(STDOUT_FILENO, bytes, size))
    exit(0);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int at(const char* host, const char* port, int is_listener) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST}, *found;
  if (getaddrinfo(host, port, &hints, &found) != 0) fail(host);
  int descriptor = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  if (descriptor < 0) fail("socket");
  if (is_listener) {
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(descriptor, found->ai_addr, found->ai_addrlen) != 0 || listen(descriptor, 128) != 0)
      fail(host);
  } else if (connect(descriptor, found->ai_addr, found->ai_addrlen) != 0) {
    close(descriptor);
    descriptor = -1;
  }
  freeaddrinfo(found);
  return descriptor;
}

static void end(struct through* through) {
  SSL_free(through->tls); /* and its BIOs */
  close(through->client);
  close(through->sentinel);
  through->client = -1;
  tell(now(), through, "", 0);
}

static void begin(uint32_t of) {
  struct sentinel* sentinel = &sentinels[of];
  int client = accept4(sentinel->listener, NULL, NULL, SOCK_CLOEXEC), on = 1;
  if (client < 0) return;
  struct through* through = connections;
  while (through < connections + MOST_CONNECTIONS && through->client >= 0) ++through;
  int there = through < connections + MOST_CONNECTIONS ? at(sentinel->host, sentinel->port, 0) : -1;
  if (there < 0) {
    close(client);
    return;
  }
  setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(there, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  *through = (struct through){client,
                              there,
                              SSL_new(sentinel->context),
                              BIO_new(BIO_s_mem()),
                              BIO_new(BIO_s_mem()),
                              of,
                              ++number_of_last};
  if (!through->tls || !through->from_client || !through->to_client) fail("TLS");
  SSL_set_bio(through->tls, through->from_client, through->to_client);
  SSL_set_accept_state(through->tls);
}

static int send_to_client(struct through* through) {
  char* bytes;
  long size = BIO_get_mem_data(through->to_client, &bytes);
  int sent = send_all(through->client, bytes, (size_t)size);
  (void)BIO_reset(through->to_client);
  return sent;
}

/* Each of both: false where the connection has ended. */
static int from_client(struct through* through) {
  ssize_t size = read(through->client, piece, sizeof piece);
  if (size <= 0) return 0;
  BIO_write(through->from_client, piece, (int)size);
  ERR_clear_error();
  int plain;
  while ((plain = SSL_read(through->tls, piece, sizeof piece)) > 0) {
    if (!send_all(through->sentinel, piece, (size_t)plain)) return 0;
  }
  return SSL_get_error(through->tls, plain) == SSL_ERROR_WANT_READ && send_to_client(through);
}

static int from_sentinel(struct through* through) {
  ssize_t size = read(through->sentinel, piece, sizeof piece);
  if (size <= 0) return 0;
  ERR_clear_error();
  if (SSL_write(through->tls, piece, (int)size) != size) return 0;
  double moment = now();
  if (!send_to_client(through)) return 0;
  tell(moment, through, piece, (size_t)size);
  return 1;
}

int main(int count, char** words) {
  if (count < 1 + WORDS || (count - 1) % WORDS != 0 || (count - 1) / WORDS > MOST_SENTINELS) {
    fprintf(stderr, "usage: sentinel_proxy AT_HOST AT_PORT HOST PORT CERTIFICATE KEY ...\n");
    return 64;
  }
  signal(SIGPIPE, SIG_IGN);
  for (char** word = words + 1; *word != NULL; word += WORDS) {
    struct sentinel* sentinel = &sentinels[sentinel_count++];
    sentinel->context = SSL_CTX_new(TLS_server_method());
    if (!sentinel->context || SSL_CTX_use_certificate_chain_file(sentinel->context, word[4]) != 1 ||
        SSL_CTX_use_PrivateKey_file(sentinel->context, word[5], SSL_FILETYPE_PEM) != 1) {
      fail(word[4]);
    }
    sentinel->host = word[2];
    sentinel->port = word[3];
    sentinel->listener = at(word[0], word[1], 1);
  }
  for (int i = 0; i < MOST_CONNECTIONS; ++i) connections[i].client = -1;
  const struct told ready = {now(), UINT32_MAX, 0, 0};
  send_all(STDOUT_FILENO, (const char*)&ready, sizeof ready);

  while (1) {
    struct pollfd polled[1 + MOST_SENTINELS + 2 * MOST_CONNECTIONS] = {{STDIN_FILENO, POLLIN, 0}};
    struct through* of[1 + MOST_SENTINELS + 2 * MOST_CONNECTIONS];
    nfds_t size = 1;
    for (int i = 0; i < sentinel_count; ++i)
      polled[size++] = (struct pollfd){sentinels[i].listener, POLLIN, 0};
    for (int i = 0; i < MOST_CONNECTIONS; ++i) {
      if (connections[i].client < 0) continue;
      of[size] = of[size + 1] = &connections[i];
      polled[size++] = (struct pollfd){connections[i].sentinel, POLLIN, 0};
      polled[size++] = (struct pollfd){connections[i].client, POLLIN, 0};
    }
    if (poll(polled, size, -1) < 0) continue;
    if (polled[0].revents != 0) return 0;
    for (nfds_t i = 1 + (nfds_t)sentinel_count; i + 1 < size; i += 2) {
      int open = polled[i].revents == 0 || from_sentinel(of[i]);
      if (open && polled[i + 1].revents != 0) open = from_client(of[i]);
      if (!open) end(of[i]);
    }
    for (int i = 0; i < sentinel_count; ++i) {
      if (polled[1 + i].revents != 0) begin((uint32_t)i);
    }
  }
}
