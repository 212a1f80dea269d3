/* The least that a label that follows a failover can cost: one connection to the API server, warmed, every request written
 * beforehand, names of pods known from the command line. On the first news from a Sentinel it takes the label off the old
 * primary's pod, waits for the answer, and puts it on the new one's. It survives nothing and checks nothing: any surprise
 * ends it. With --switch-only it goes by +switch-master alone, as most scripts do.
 *
 *   floor [--switch-only] API_HOST API_PORT CA_FILE TOKEN_FILE NAMESPACE GROUP PORT SENTINEL_HOST[,...] POD=ADDRESS[,...]
 *         [SENTINEL_CA_FILE]
 */
#define _GNU_SOURCE
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_PODS = 16, MOST_SENTINELS = 8, MESSAGES = 8192 };

struct request {
  char* text;
  int length;
};

struct pod {
  char* address;
  struct request off, on;
};

struct connection {
  int descriptor;
  SSL* tls; /* NULL: none */
};

struct subscription {
  struct connection connection;
  int length;
  char messages[MESSAGES];
};

static SSL* api;
static SSL_CTX* sentinel_context; /* NULL: no TLS */
static struct pod pods[MOST_PODS];
static int pod_count;
static struct pod* labelled;

static void fail(const char* what) {
  perror(what);
  ERR_print_errors_fp(stderr);
  exit(1);
}

static char* read_word(const char* file) {
  static char word[8192];
  FILE* input = fopen(file, "r");
  if (!input || fscanf(input, "%8191s", word) != 1) fail(file);
  fclose(input);
  return word;
}

static int open_connection(const char* host, const char* port) {
  struct addrinfo wanted = {.ai_socktype = SOCK_STREAM}, *found;
  int yes = 1;
  if (getaddrinfo(host, port, &wanted, &found) != 0) fail(host);
  int descriptor = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(descriptor, found->ai_addr, found->ai_addrlen) != 0) fail(host);
  freeaddrinfo(found);
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return descriptor;
}

static SSL_CTX* make_context(const char* ca_file) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  if (!context || SSL_CTX_load_verify_locations(context, ca_file, NULL) != 1) fail(ca_file);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  return context;
}

static SSL* speak_tls(SSL_CTX* context, int descriptor, const char* host) {
  SSL* tls = SSL_new(context);
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), host) != 1) { /* a name */
    ERR_clear_error();
    SSL_set1_host(tls, host);
    SSL_set_tlsext_host_name(tls, host);
  }
  SSL_set_fd(tls, descriptor);
  if (SSL_connect(tls) != 1) fail("TLS");
  return tls;
}

static struct connection open_sentinel(const char* host, const char* port) {
  struct connection opened = {open_connection(host, port), NULL};
  if (sentinel_context) opened.tls = speak_tls(sentinel_context, opened.descriptor, host);
  return opened;
}

static int receive(struct connection from, char* into, int most) {
  return from.tls ? SSL_read(from.tls, into, most) : (int)read(from.descriptor, into, (size_t)most);
}

static void say(struct connection to, const char* words, int length) {
  int sent =
      to.tls ? SSL_write(to.tls, words, length) : (int)write(to.descriptor, words, (size_t)length);
  if (sent != length) fail("Sentinel");
}

static struct request patch(const char* host, const char* token, const char* name_space,
                            const char* pod, const char* value) {
  struct request made;
  char body[128];
  int length =
      snprintf(body, sizeof body, "{\"metadata\":{\"labels\":{\"valkey-master\":%s}}}", value);
  made.length = asprintf(
      &made.text,
      "PATCH /api/v1/namespaces/%s/pods/%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
      "Content-Type: application/merge-patch+json\r\nContent-Length: %d\r\n\r\n%s",
      name_space, pod, host, token, length, body);
  return made;
}

/* Small answers have their length, others end with an empty chunk; JSON on one line holds no such thing. */
static int is_whole(const char* answer, int length) {
  static const char last_chunk[] = "\r\n0\r\n\r\n";
  const char* body = strstr(answer, "\r\n\r\n");
  if (!body) return 0;
  const char* given = strcasestr(answer, "content-length:");
  if (given && given < body)
    return answer + length >= body + 4 + atoi(given + strlen("content-length:"));
  return length > 7 && memcmp(answer + length - 7, last_chunk, 7) == 0;
}

static void send_request(const struct request* request) {
  char answer[65536] = "";
  int length = 0;
  if (SSL_write(api, request->text, request->length) != request->length) fail("patch");
  while (!is_whole(answer, length)) {
    int more = SSL_read(api, answer + length, (int)sizeof answer - 1 - length);
    if (more <= 0) fail("answer");
    answer[length += more] = '\0';
  }
  if (strncmp(answer, "HTTP/1.1 200", 12) != 0) {
    fprintf(stderr, "%s\n", answer);
    exit(1);
  }
}

static void move_label(const char* address) {
  for (struct pod* pod = pods; pod < pods + pod_count; pod++) {
    if (pod == labelled || strcmp(pod->address, address) != 0) continue;
    for (struct pod* other = pods; other < pods + pod_count; other++)
      if (other != pod && (!labelled || other == labelled)) send_request(&other->off);
    send_request(&pod->on);
    labelled = pod;
    return;
  }
}

static void subscribe(struct subscription* subscription, const char* host, const char* port,
                      int switch_only) {
  const char* words =
      switch_only ? "*2\r\n$9\r\nSUBSCRIBE\r\n$14\r\n+switch-master\r\n"
                  : "*3\r\n$9\r\nSUBSCRIBE\r\n$15\r\n+promoted-slave\r\n$14\r\n+switch-master\r\n";
  subscription->connection = open_sentinel(host, port);
  say(subscription->connection, words, (int)strlen(words));
}

/* Whom the Sentinel names now: "*2\r\n$N\r\nADDRESS\r\n...". */
static void ask(const char* host, const char* port, const char* group) {
  char text[512], *address, *end;
  struct connection sentinel = open_sentinel(host, port);
  int length = snprintf(text, sizeof text,
                        "*3\r\n$8\r\nSENTINEL\r\n$23\r\nGET-MASTER-ADDR-BY-NAME\r\n$%zu\r\n%s\r\n",
                        strlen(group), group);
  say(sentinel, text, length);
  if ((length = receive(sentinel, text, sizeof text - 1)) <= 0) fail("Sentinel");
  text[length] = '\0';
  SSL_free(sentinel.tls);
  close(sentinel.descriptor);
  if (!(address = strchr(text, '$')) || !(address = strchr(address, '\n')) ||
      !(end = strchr(address, '\r')))
    fail(text);
  *end = '\0';
  move_label(address + 1);
}

/* "slave NAME ADDRESS PORT @ GROUP ...", or "GROUP ADDRESS PORT ADDRESS PORT". */
static void act_on(char* payload, const char* group) {
  char *words[8] = {0}, *rest = NULL;
  int count = 0;
  for (char* word = strtok_r(payload, " ", &rest); word && count < 8;
       word = strtok_r(NULL, " ", &rest))
    words[count++] = word;
  if (count == 8 && strcmp(words[5], group) == 0)
    move_label(words[2]);
  else if (count == 5 && strcmp(words[0], group) == 0)
    move_label(words[3]);
}

static void hear(struct subscription* from, const char* group) {
  int more = receive(from->connection, from->messages + from->length, MESSAGES - 1 - from->length);
  if (more <= 0) fail("a Sentinel went");
  from->messages[from->length += more] = '\0';
  /* "*3\r\n$7\r\nmessage\r\n$N\r\nCHANNEL\r\n$N\r\nPAYLOAD\r\n"; an acknowledgement has a number last */
  for (;;) {
    char *line = from->messages, *last = NULL;
    for (int lines = 0; lines < 6 && line; lines++) {
      last = line;
      if ((line = strstr(line, "\r\n"))) line += 2;
    }
    if (!line) return;
    if (last[0] == '$') { /* a message, whose payload is the seventh line */
      char* payload = line;
      if (!(line = strstr(line, "\r\n"))) return;
      *line = '\0';
      line += 2;
      act_on(payload, group);
    }
    from->length -= (int)(line - from->messages);
    memmove(from->messages, line, (size_t)from->length + 1);
  }
}

int main(int count, char** words) {
  static struct subscription subscriptions[MOST_SENTINELS];
  struct pollfd ready[MOST_SENTINELS];
  int sentinels = 0, switch_only = count > 1 && strcmp(words[1], "--switch-only") == 0;
  words += switch_only;
  count -= switch_only;
  if (count < 10 || count > 11) return 64;
  char *host = words[1], *group = words[6], *port = words[7], *first = NULL, *rest = NULL;
  char* token = read_word(words[4]);
  api = speak_tls(make_context(words[3]), open_connection(host, words[2]), host);
  if (count == 11) sentinel_context = make_context(words[10]);
  for (char* word = strtok_r(words[9], ",", &rest); word && pod_count < MOST_PODS;
       word = strtok_r(NULL, ",", &rest)) {
    char* address = strchr(word, '=');
    *address++ = '\0';
    pods[pod_count++] = (struct pod){address, patch(host, token, words[5], word, "null"),
                                     patch(host, token, words[5], word, "\"true\"")};
  }
  rest = NULL;
  for (char* word = strtok_r(words[8], ",", &rest); word && sentinels < MOST_SENTINELS;
       word = strtok_r(NULL, ",", &rest)) {
    first = first ? first : word;
    subscribe(&subscriptions[sentinels], word, port, switch_only);
    ready[sentinels] = (struct pollfd){subscriptions[sentinels].connection.descriptor, POLLIN, 0};
    sentinels++;
  }
  ask(first, port, group);
  while (poll(ready, (nfds_t)sentinels, -1) > 0)
    for (int index = 0; index < sentinels; index++)
      if (ready[index].revents) hear(&subscriptions[index], group);
  fail("poll");
}
