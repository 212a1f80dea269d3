/* A complete plugin to start from: tells each decision to a program that listens on a Unix socket, by
 * one line, `<group> <era> <epoch> <step> <host> <port>` (`- 0` while the primary is suspected), and
 * waits for its answer: `ok`, or `no` where it holds a higher decision. So the listener fences. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <valkey_reconciler_plugin.h>

struct announcement {
  vr_request* request;
  vr_watch* answer;
  vr_timer* patience;
  int fd;
};
static const vr_host* host;
static struct sockaddr_un listener = {.sun_family = AF_UNIX};

static void end(struct announcement* one, vr_outcome outcome, const char* reason) {
  if (one->answer) host->watch_stop(host->context, one->answer);
  if (one->patience) host->timer_stop(host->context, one->patience);
  if (one->fd >= 0) close(one->fd);
  host->complete(host->context, one->request, outcome, reason);
  free(one);
}

static void answered(void* data, uint32_t events) {
  struct announcement* one = data;
  char text[3] = "";
  const int whole = events != 0 && read(one->fd, text, 2) == 2;
  const vr_outcome outcome = strcmp(text, "ok") == 0 ? VR_APPLIED : VR_REJECTED;
  end(one, whole ? outcome : VR_RETRY, whole ? "it holds a higher decision" : "no answer");
}

static void waited(void* data) {
  ((struct announcement*)data)->patience = NULL;
  end(data, VR_RETRY, "the listener did not answer within 1 s");
}

static void apply(void* self, const vr_topology* told, vr_request* request) {
  struct announcement* one = calloc(1, sizeof *one);
  if (one == NULL) abort(); /* the labeler is started anew */
  const int known = told->state == VR_PRIMARY_KNOWN;
  *one = (struct announcement){
      .request = request, .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (connect(one->fd, self, sizeof listener) == 0 &&
      dprintf(one->fd, "%s %u %llu %u %s %u\n", told->group, told->era,
              (unsigned long long)told->epoch, told->step, known ? told->primary->host : "-",
              known ? told->primary->port : 0u) > 0)
    one->answer = host->watch_start(host->context, one->fd, VR_READABLE, answered, one);
  if (one->answer)
    one->patience = host->timer_start(host->context, 1000, waited, one);
  else
    end(one, VR_RETRY, strerror(errno));
}

/* Each ends by itself within a second. */
static void cancel(void* self, vr_request* request) { (void)self, (void)request; }
static void destroy(void* self) { (void)self; }

static void* create(const vr_host* given, const vr_target* target, char* error, size_t size) {
  const char* path = target->settings[0]->string;
  snprintf(error, size, "path: `%s` is too long for a Unix socket", path);
  if (strlen(path) >= sizeof listener.sun_path) return NULL;
  host = given;
  strcpy(listener.sun_path, path);
  return &listener;
}

static const vr_key path = {sizeof path, "path", VR_STRING, VR_KEY_REQUIRED | VR_KEY_FILE,
                            .help = "Unix socket on which the listener waits."};
static const vr_key* const keys[] = {&path};
static const vr_plugin plugin = {sizeof plugin, "announce", "1.0",           1, keys, create,
                                 destroy,       apply,      .cancel = cancel};

const vr_plugin* VR_PLUGIN_ENTRY(void) { return &plugin; }
