/* The API server: pods, and what of them an instance has seen. A patch is atomic. */

#define NO_STAMP 0       /* none, or a text that is no stamp: both count as lowest and as no token */
#define FENCED   1
#define PROMOTED 2

typedef Pod {
  bit gone;              /* deleted and not there again yet */
#ifdef VANISHING
  unsigned vanishing : 2;  /* its grace is over (1), and a write deleted it (2): more writes are answered as if done */
#endif
  bit label;
  bit by_hand;           /* ghost: somebody else set the label, and no write of ours has touched the pod since */
  unsigned kind : 2;     /* of the stamp */
  short claim;           /* of the stamp; 0 where there is none */
};
Pod pod[PODS];

/* A version of a pod that was seen: what it was, and whether uid and stamp still are that. */
typedef Seen {
  bit absent;
  bit label;
  bit same;
#ifdef STAMPS_ARE_REMOVED
  bit same_uid;
#endif
  unsigned kind : 2;
  short claim;
};

/* What an instance has of the pods, and what it does with it. */
typedef Instance {
  unsigned next : 3;     /* the fact that it may hear next */
  short told;            /* by its watcher */
  bit withdrawn;
  short wanted;          /* the same in the pods' count */
  unsigned eras : 2;     /* count_ahead.h: how far the pods' count is ahead, */
  short steps;           /* the steps under this era and epoch, as they are told */
  short counted;

  Seen seen[PODS];
  unsigned verdict : 2;  /* on what is wanted and seen */

  unsigned phase : 2;
  byte fences;           /* under way; a bit for each pod */
  unsigned promote : 3;  /* 1 + the pod that is to be promoted; 0: none */
  unsigned failure : 2;  /* of the attempt's writes so far */
  bit cancelled;         /* there is news, which comes next */
};
Instance instance[INSTANCES];

#define BIT(p)  (1 << (p))

/* Requests of an attempt that its instance knows nothing of any more: it died, or waited too long. */
typedef Stray {
  byte fences;
  unsigned promote : 3;
  short claim;
  Seen seen[PODS];
};
Stray stray;

/* A patch's precondition. */
#if defined(NO_PRECONDITION)
#define AS_SEEN(s, p)  true
#elif defined(NO_UNIQUE_NUMBER)   /* `same` is then the uid's */
#define AS_SEEN(s, p)  (s.same && s.kind == pod[p].kind && s.claim == pod[p].claim)
#elif defined(STAMPS_ARE_REMOVED) /* "no stamp" is the same each time, as long as it is the same pod */
#define AS_SEEN(s, p)  (s.same || s.same_uid && s.kind == NO_STAMP && pod[p].kind == NO_STAMP)
#else
#define AS_SEEN(s, p)  s.same
#endif

byte i, j;  /* of loops within one step */

inline pod_changed(p) {
  for (i : 0 .. INSTANCES - 1) { instance[i].seen[p].same = 0 }
  stray.seen[p].same = 0;
  i = 0
}

/* Pod p has a stamp that nobody has seen, ... */
#ifdef NO_UNIQUE_NUMBER
#define stamp_changed(p)  skip
#else
#define stamp_changed(p)  pod_changed(p)
#endif

/* ... or is another pod. */
inline pod_replaced(p) {
  pod_changed(p);
#ifdef STAMPS_ARE_REMOVED
  for (i : 0 .. INSTANCES - 1) { instance[i].seen[p].same_uid = 0 }
  stray.seen[p].same_uid = 0;
  i = 0
#endif
}

#ifdef VANISHING
#define IS_VANISHING(p)  (pod[p].vanishing > 0)
#define IS_DELETED(p)    (pod[p].vanishing == 2)
#else
#define IS_VANISHING(p)  false
#define IS_DELETED(p)    false
#endif

#define FENCE_FITS(s, p)      (AS_SEEN(s, p) && !pod[p].gone && s.label == pod[p].label)
#define PROMOTION_FITS(s, p)  (AS_SEEN(s, p) && !pod[p].gone)

inline fence_pod(p, of_claim) {
  pod[p].label = 0;
  pod[p].by_hand = 0;
  pod[p].kind = FENCED;
  pod[p].claim = of_claim;
  stamp_changed(p)
}

inline promote_pod(p, of_claim) {
  for (i : 0 .. PODS - 1) {
    /* At most one. And why: there is at most one such stamp, so that the label beside it is a token. */
    assert(i == p || !pod[i].label || IS_DELETED(i) || pod[i].by_hand);
#ifndef LABELS_ALONE
    assert(i == p || pod[i].kind != PROMOTED)
#endif
  }
  i = 0;
  pod[p].label = 1;
  pod[p].by_hand = 0;
  pod[p].kind = PROMOTED;
  pod[p].claim = of_claim;
  stamp_changed(p)
}

/* The newest version of a pod, as a watch or a list brings it. */
inline see(n, p) {
  instance[n].seen[p].absent = pod[p].gone;
  instance[n].seen[p].label = pod[p].label;
  instance[n].seen[p].same = !pod[p].gone && !IS_DELETED(p);
#ifdef STAMPS_ARE_REMOVED
  instance[n].seen[p].same_uid = !pod[p].gone;
#endif
  instance[n].seen[p].kind = pod[p].kind;
  instance[n].seen[p].claim = pod[p].claim
}

#define IS_CURRENT(s, p) \
  (s.absent == pod[p].gone && (pod[p].gone || IS_DELETED(p) || (AS_SEEN(s, p) && s.same && s.label == pod[p].label)))
