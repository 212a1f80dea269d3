/* A plugin that does what an operator wants as far as his reason tells it to; says in the log what was asked. For the
 * process tests. */
#include <stdio.h>
#include <string.h>

#include "plugins/valkey_reconciler_plugin.h"

static const vr_host* host;
static vr_request* waiting;
static int deaf;

static void* create(const vr_host* given, const vr_target* target, char* error, size_t error_size) {
  static int the_instance;
  (void)target;
  (void)error;
  (void)error_size;
  host = given;
  host->log(host->context, VR_INFO, NULL, "made");
  return &the_instance;
}

static void destroy(void* instance) { (void)instance; }

static void apply(void* instance, const vr_topology* topology, vr_request* request) {
  (void)instance;
  (void)topology;
  host->complete(host->context, request, VR_APPLIED, NULL);
}

static void cancel(void* instance, vr_request* request) {
  (void)instance;
  if (request != waiting || deaf) return;
  waiting = NULL;
  host->complete(host->context, request, VR_CANCELLED, NULL);
}

static void order(void* instance, const vr_order* told, vr_request* request) {
  static const char* const kinds[] = {"pause", "resume", "release"};
  char line[300];
  (void)instance;
  snprintf(line, sizeof line, "asked to %s %s by %s: %s", kinds[told->kind], told->group, told->by,
           told->reason);
  host->log(host->context, VR_INFO, told->group, line);
  deaf = strcmp(told->reason, "be deaf") == 0;
  if (strcmp(told->reason, "refuse") == 0)
    host->complete(host->context, request, VR_REJECTED, "not like that");
  else if (strcmp(told->reason, "wait") == 0 || deaf)
    waiting = request;
  else
    host->complete(host->context, request, VR_APPLIED, NULL);
}

static const vr_plugin plugin = {
    .size = sizeof(vr_plugin),
    .name = "obedient",
    .version = "1",
    .create = create,
    .destroy = destroy,
    .apply = apply,
    .cancel = cancel,
    .order = order,
};

const vr_plugin* VR_PLUGIN_ENTRY(void) { return &plugin; }
