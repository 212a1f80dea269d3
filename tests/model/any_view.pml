/* "At most one label", whatever the instances decide and whatever they see.
 *
 * No caches, no decisions, no epochs here: an attempt may be for any pod or for none, its view of each pod may be of
 * any age, independently of the others. What is left of an attempt is what it has in flight. So this holds for any
 * way to decide (epochs, steps, eras, patience, ties) as long as an attempt follows the rules of `attempt_begins`; and it is
 * a finite model though nothing in it is bounded: re-creations, hands, lost answers, restarts go on for ever.
 *
 * Preconditions. A write goes through only where the pod's uid and stamp are what the attempt saw. No stamp is ever
 * written twice (its unique number), so "is what was seen" is the same as "nothing was written since". Hence there are
 * no uids and numbers here: a write to a pod, or its re-creation, ends what others have in flight for it. */

#ifndef PODS
#define PODS 3
#endif
#ifndef ATTEMPTS
#define ATTEMPTS 2      /* that have something in flight at one moment, of however many instances */
#endif

typedef Pod {
  bit label;
  bit by_hand;          /* ghost: somebody else put it there, and no write of ours has touched it since */
  bit promoted;         /* its stamp says so; else `fenced`, no stamp at all, or a text that is no stamp */
};
Pod pod[PODS];

typedef Attempt {       /* what is in flight */
  byte unlabelled;      /* fences (a bit for each pod) of pods that were seen without the label */
  byte labelled;        /* fences of pods that were seen with it */
  byte promote;         /* 1 + the pod that is promoted when no fence is left; 0: none will be */
};
Attempt attempt[ATTEMPTS];

#define BIT(p)     (1 << (p))
#define ALL        (BIT(PODS) - 1)
#define FENCES(a)  (attempt[a].unlabelled | attempt[a].labelled)
#define FREE(a)    (FENCES(a) == 0 && attempt[a].promote == 0)

/* Nobody who saw pod p before can write to it any more; whoever wanted to is in a conflict, and starts over. */
#ifdef NO_PRECONDITION
#define changed(p)  skip
#else
inline changed(p) {
  i = 0;
  do
  :: i == ATTEMPTS -> break
  :: i < ATTEMPTS && (FENCES(i) & BIT(p) || attempt[i].promote == (p) + 1) ->
     attempt[i].unlabelled = attempt[i].unlabelled & ~BIT(p);
     attempt[i].labelled = attempt[i].labelled & ~BIT(p);
     attempt[i].promote = 0;
     i++
  :: else -> i++
  od;
  i = 0
}
#endif

inline fence_done(a, p) {
  attempt[a].unlabelled = attempt[a].unlabelled & ~BIT(p);
  attempt[a].labelled = attempt[a].labelled & ~BIT(p)
}

inline look_at(p) {
  if
  :: others & BIT(p) -> with = with | BIT(p); token = token | pod[p].promoted
  :: others & BIT(p) -> without = without | BIT(p)
  :: true
  fi
}

#ifdef HAND_TOKEN
#define TOKEN (with != 0)
#else
#define TOKEN token
#endif

#ifdef LABELLED_ONLY
#define ENOUGH true
#elif defined(NO_FENCE)
#define ENOUGH true
#else
#define ENOUGH ((with | without) == others)
#endif

inline attempt_begins(a, p) {
  atomic {
    FREE(a) -> others = ALL & ~BIT(p);
    look_at(0); look_at(1); look_at(2);
#if PODS > 3
    look_at(3);
#endif
    d_step {
      attempt[a].unlabelled = without; attempt[a].labelled = with;
      if
      :: (p) < PODS && (TOKEN -> without == 0 : ENOUGH) -> attempt[a].promote = (p) + 1
      :: else
      fi;
      printf("writer %d: promote %d, fences seen labelled %d, unlabelled %d\n", a, attempt[a].promote, with, without);
      with = 0; without = 0; token = 0; others = 0
    }
  }
}

inline fence_arrives(a, p) {
  d_step {
    FENCES(a) & BIT(p) && pod[p].label == ((attempt[a].labelled >> p) & 1) ->
    fence_done(a, p);
    changed(p);
    pod[p].label = 0; pod[p].by_hand = 0; pod[p].promoted = 0;
    printf("writer %d: pod %d fenced\n", a, p)
  }
}
/* the label is not as it was seen, or the request is lost, or its answer never comes */
inline fence_fails(a, p) {
  d_step { FENCES(a) & BIT(p) -> fence_done(a, p); attempt[a].promote = 0 }
}

inline promotion_arrives(a, p) {
  d_step {
#ifdef PROMOTE_FIRST
    attempt[a].promote == p + 1 ->
#else
    attempt[a].promote == p + 1 && !FENCES(a) ->
#endif
    printf("writer %d: pod %d promoted\n", a, p);
    attempt[a].promote = 0;
    changed(p);
    for (i : 0 .. PODS - 1) {
      assert(i == p || !pod[i].label || pod[i].by_hand);
#ifndef LABELS_ALONE
      assert(i == p || !pod[i].promoted)
#endif
    }
    i = 0;
    pod[p].label = 1; pod[p].by_hand = 0; pod[p].promoted = 1
  }
}

#if PODS > 3
#define ANY_POD(what, a) :: what(a, 0) :: what(a, 1) :: what(a, 2) :: what(a, 3)
#else
#define ANY_POD(what, a) :: what(a, 0) :: what(a, 1) :: what(a, 2)
#endif

byte i;

proctype writer(byte a) {
  byte others, with, without;
  bit token;
end:
  do
  ANY_POD(attempt_begins, a)
  :: attempt_begins(a, PODS)    /* a withdrawal; or any attempt that a stale entry will bring to nothing */
  ANY_POD(fence_arrives, a)
  ANY_POD(fence_fails, a)
  ANY_POD(promotion_arrives, a)
  :: d_step { attempt[a].promote -> attempt[a].promote = 0 }  /* it dies, or is cancelled */
  od
}

inline hand_sets(a, p) { d_step { !pod[p].label -> pod[p].label = 1; pod[p].by_hand = 1 } }
inline hand_wipes(a, p) { d_step { pod[p].label -> pod[p].label = 0; pod[p].by_hand = 0 } }
inline recreated(a, p) { d_step { changed(p); pod[p].label = 0; pod[p].by_hand = 0; pod[p].promoted = 0 } }
inline scribbled(a, p) { d_step { changed(p); pod[p].promoted = 0 } }

/* Everything that is not us, as often as it likes. */
active proctype world() {
end:
  do
  ANY_POD(hand_sets, 0)
  ANY_POD(hand_wipes, 0)
  ANY_POD(recreated, 0)
  ANY_POD(scribbled, 0)
  od
}

init {
  byte k;
  atomic {
    for (k : 0 .. ATTEMPTS - 1) { run writer(k) }
    k = 0
  }
}
