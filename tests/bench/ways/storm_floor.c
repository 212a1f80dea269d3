/* The least that a storm can cost: each of so many connections to the API server, warmed beforehand, sends one patch, waits for
 * its answer, and sends the second; all of them at once, by one thread each, and the server decides how many it serves. The
 * requests are made before the clock starts. It prints how many ms passed until the last answer.
 *
 *   storm_floor API_HOST API_PORT CA_FILE PAIRS <TOKEN, and of each pair: path, body, path, body; a line each
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MOST_PAIRS = 1000, ANSWER = 65536 };

struct request {
  char* text;
  int length;
};

struct pair {
  SSL* tls;
  struct request first, second;
  pthread_t thread;
};

static pthread_barrier_t begin;
static const char *host, *port, *ca_file;

static void fail(const char* what) {
  perror(what);
  exit(1);
}

static char* read_line(void) {
  char* line = NULL;
  size_t size = 0;
  ssize_t length = getline(&line, &size, stdin);
  if (length <= 0) fail("standard input");
  line[length - 1] = '\0';
  return line;
}

static struct request read_request(const char* token) {
  struct request made;
  char *path = read_line(), *body = read_line();
  made.length =
      asprintf(&made.text,
               "PATCH %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
               "Content-Type: application/json-patch+json\r\nContent-Length: %zu\r\n\r\n%s",
               path, host, token, strlen(body), body);
  free(path);
  free(body);
  return made;
}

static SSL* connect_to_server(SSL_CTX* context) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((unsigned short)atoi(port))};
  int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1 ||
      connect(descriptor, (struct sockaddr*)&address, sizeof address) != 0)
    fail(host);
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  SSL* tls = SSL_new(context);
  X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), host);
  SSL_set_fd(tls, descriptor);
  if (SSL_connect(tls) != 1) fail("TLS");
  return tls;
}

/* Small answers have their length, others end with an empty chunk; JSON on one line holds no such thing. */
static int is_whole(const char* answer, int length) {
  const char* body = strstr(answer, "\r\n\r\n");
  if (!body) return 0;
  const char* given = strcasestr(answer, "content-length:");
  if (given && given < body)
    return answer + length >= body + 4 + atoi(given + strlen("content-length:"));
  return length > 7 && memcmp(answer + length - 7, "\r\n0\r\n\r\n", 7) == 0;
}

static void send_request(SSL* tls, const struct request* request, char* answer) {
  int length = 0;
  if (SSL_write(tls, request->text, request->length) != request->length) fail("patch");
  answer[0] = '\0';
  while (!is_whole(answer, length)) {
    int more = SSL_read(tls, answer + length, ANSWER - 1 - length);
    if (more <= 0) fail("answer");
    answer[length += more] = '\0';
  }
  if (strncmp(answer, "HTTP/1.1 200", 12) != 0) {
    fprintf(stderr, "%s\n%s\n", request->text, answer);
    exit(1);
  }
}

static void* run(void* argument) {
  struct pair* pair = argument;
  char* answer = malloc(ANSWER);
  pthread_barrier_wait(&begin);
  send_request(pair->tls, &pair->first, answer);
  send_request(pair->tls, &pair->second, answer);
  free(answer);
  return NULL;
}

static double now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

int main(int count, char** words) {
  static struct pair pairs[MOST_PAIRS];
  if (count != 5) return 64;
  host = words[1], port = words[2], ca_file = words[3];
  int wanted = atoi(words[4]);
  if (wanted < 1 || wanted > MOST_PAIRS) return 64;
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  if (SSL_CTX_load_verify_locations(context, ca_file, NULL) != 1) fail(ca_file);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  char* token = read_line();
  pthread_barrier_init(&begin, NULL, (unsigned)wanted + 1);
  for (struct pair* pair = pairs; pair < pairs + wanted; pair++) {
    pair->first = read_request(token);
    pair->second = read_request(token);
    pair->tls = connect_to_server(context);
    if (pthread_create(&pair->thread, NULL, run, pair) != 0) fail("thread");
  }
  usleep(500000);  // the program's connection was made long ago, too
  double began = now_ms();
  pthread_barrier_wait(&begin);
  for (struct pair* pair = pairs; pair < pairs + wanted; pair++) pthread_join(pair->thread, NULL);
  printf("%.3f\n", now_ms() - began);
  return 0;
}
