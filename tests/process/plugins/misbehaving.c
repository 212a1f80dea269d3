/* A plugin that misbehaves in the one way that it was compiled for (MISBEHAVE_...): the process tests load each. */

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "plugins/valkey_reconciler_plugin.h"

static const vr_host* host;

static void* create(const vr_host* given, const vr_target* target, char* error, size_t error_size) {
  static int the_instance;
  (void)target;
  host = given;
#if defined(MISBEHAVE_REFUSE)
  snprintf(error, error_size, "the target is not to be had");
  return the_instance ? &the_instance : NULL;
#else
  (void)error;
  (void)error_size;
  return &the_instance;
#endif
}

static void destroy(void* instance) { (void)instance; }

#if defined(MISBEHAVE_THREAD)
static void* complete_elsewhere(void* request) {
  host->complete(host->context, request, VR_APPLIED, NULL);
  return NULL;
}
#endif

static void apply(void* instance, const vr_topology* topology, vr_request* request) {
  (void)instance;
  (void)topology;
  (void)request;
#if defined(MISBEHAVE_SPIN)
  for (volatile int forever = 1; forever;) {
  }
#elif defined(MISBEHAVE_CRASH)
  raise(SIGABRT);
#elif defined(MISBEHAVE_TWICE)
  host->complete(host->context, request, VR_APPLIED, NULL);
  host->complete(host->context, request, VR_APPLIED, NULL);
#elif defined(MISBEHAVE_THREAD)
  pthread_t thread;
  pthread_create(&thread, NULL, complete_elsewhere, request);
  pthread_join(thread, NULL);
#elif !defined(MISBEHAVE_NEVER)
  host->complete(host->context, request, VR_APPLIED, NULL);
#endif
}

static void cancel(void* instance, vr_request* request) {
  (void)instance;
  (void)request;
}

static const vr_plugin plugin = {
    .size = sizeof(vr_plugin),
    .name = "misbehaving",
    .version = "1",
    .create = create,
    .destroy = destroy,
#if !defined(MISBEHAVE_NO_APPLY)
    .apply = apply,
#endif
    .cancel = cancel,
};

#if defined(MISBEHAVE_VERSION)
#define ENTRY valkey_reconciler_plugin_v7
#elif defined(MISBEHAVE_SYMBOL)
#define ENTRY some_other_symbol
#else
#define ENTRY VR_PLUGIN_ENTRY
#endif

VR_PLUGIN_EXPORT const vr_plugin* ENTRY(void);
VR_PLUGIN_EXPORT const vr_plugin* ENTRY(void) {
  (void)apply;
#if defined(MISBEHAVE_NULL)
  return NULL;
#elif defined(MISBEHAVE_CRASH_ON_LOAD)
  raise(SIGABRT);
#elif defined(MISBEHAVE_STOP_ON_LOAD)
  raise(SIGSTOP);
#elif defined(MISBEHAVE_WAIT_ON_LOAD)
  for (;;) pause();
#endif
  return &plugin;
}
