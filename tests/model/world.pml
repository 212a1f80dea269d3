/* All that is not us: pods that go and come, people, and what should be true when nothing more happens. */

#if LOSSES > 0 || RESTARTS > 0
#define STRAYS  :: stray_fence_arrives(0) :: stray_fence_arrives(1) :: stray_fence_arrives(2) \
                :: stray_promotion_arrives() :: stray_is_lost()

inline stray_fence_arrives(p) {
  d_step {
    stray.fences & BIT(p) ->
    stray.fences = stray.fences & ~BIT(p);
    if
    :: FENCE_FITS(stray.seen[p], p) && !IS_VANISHING(p) -> printf("stray: pod %d fenced\n", p); fence_pod(p, stray.claim)
    :: else
    fi;
    clean_stray()
  }
}
inline stray_promotion_arrives() {
  d_step {
    stray.promote ->
    promote = stray.promote - 1;
    stray.promote = 0;
    if
    :: PROMOTION_FITS(stray.seen[promote], promote) && !IS_VANISHING(promote) ->
       printf("stray: pod %d promoted\n", promote);
       promote_pod(promote, stray.claim)
    :: else
    fi;
    promote = 0;
    clean_stray()
  }
}
inline stray_is_lost() {
  d_step { !NO_STRAY -> stray.fences = 0; stray.promote = 0; clean_stray() }
}
inline clean_stray() {
  if
  :: NO_STRAY ->
     stray.claim = 0;
     for (j : 0 .. PODS - 1) {
       stray.seen[j].label = 0; stray.seen[j].same = 0; stray.seen[j].kind = 0; stray.seen[j].claim = 0
     }
     j = 0
  :: else
  fi
}
#else
#define STRAYS
#endif

#if RECREATIONS > 0
byte recreations = RECREATIONS;

#ifdef ABSENCE
inline pod_goes(p) {
  d_step {
    recreations > 0 && !pod[p].gone ->
    recreations--;
    printf("pod %d goes\n", p);
    pod[p].gone = 1; pod[p].label = 0; pod[p].by_hand = 0; pod[p].kind = NO_STAMP; pod[p].claim = 0;
    pod_replaced(p)
  }
}
inline pod_comes(p) {
  d_step { pod[p].gone -> pod[p].gone = 0; printf("pod %d comes\n", p) }
}
#define RECREATE  :: pod_goes(0) :: pod_goes(1) :: pod_goes(2) :: pod_comes(0) :: pod_comes(1) :: pod_comes(2)
#elif defined(VANISHING)
inline pod_vanishes(p) {
  d_step {
    recreations > 0 && !pod[p].vanishing ->
    recreations--;
    printf("pod %d is about to vanish\n", p);
    pod[p].vanishing = 1
  }
}
inline pod_is_replaced(p) {
  d_step {
    pod[p].vanishing ->
    printf("pod %d is another\n", p);
    pod[p].vanishing = 0;
    pod[p].label = 0; pod[p].by_hand = 0; pod[p].kind = NO_STAMP; pod[p].claim = 0;
    pod_replaced(p)
  }
}
#define RECREATE  :: pod_vanishes(0) :: pod_vanishes(1) :: pod_vanishes(2) \
                  :: pod_is_replaced(0) :: pod_is_replaced(1) :: pod_is_replaced(2)
#else
inline pod_is_recreated(p) {
  d_step {
    recreations > 0 ->
    recreations--;
    printf("pod %d is re-created\n", p);
    pod[p].label = 0; pod[p].by_hand = 0; pod[p].kind = NO_STAMP; pod[p].claim = 0;
    pod_replaced(p)
  }
}
#define RECREATE  :: pod_is_recreated(0) :: pod_is_recreated(1) :: pod_is_recreated(2)
#endif
#else
#define RECREATE
#endif

#if HANDS > 0
byte hands = HANDS;

inline hand_moves_label(p) {
  d_step {
    hands > 0 && !pod[p].gone ->
    hands--;
    printf("by hand: label of pod %d becomes %d\n", p, 1 - pod[p].label);
    pod[p].label = 1 - pod[p].label;
    pod[p].by_hand = pod[p].label
  }
}
/* The stamp becomes a text that was never there before; or it is removed (which known-bad runs do: see README.md). */
inline hand_takes_stamp(p) {
  d_step {
    hands > 0 && !pod[p].gone && pod[p].kind != NO_STAMP ->
    hands--;
    printf("by hand: stamp of pod %d\n", p);
    pod[p].kind = NO_STAMP; pod[p].claim = 0;
    pod_changed(p)
  }
}
#define HAND  :: hand_moves_label(0) :: hand_moves_label(1) :: hand_moves_label(2) \
              :: hand_takes_stamp(0) :: hand_takes_stamp(1) :: hand_takes_stamp(2)
#else
#define HAND
#endif

active proctype world() {
end:
  do
  RECREATE
  HAND
  STRAYS
  :: !pod[0].gone && !pod[1].gone && !pod[2].gone -> break  /* a pod that is gone comes again */
  od
}

#define ONLY(p)  (pod[p].label && pod[0].label + pod[1].label + pod[2].label == 1)
#define NONE     (!pod[0].label && !pod[1].label && !pod[2].label)

#ifdef ENDS_RIGHT
/* When nobody has anything to do any more, the last fact holds, whatever happened. */
active proctype end_of_story() {
  bit end_is_right;
  timeout ->
  printf("at the end: labels %d %d %d\n", pod[0].label, pod[1].label, pod[2].label);
  end_is_right = (FACT_KIND(LAST_FACT) == suspected -> NONE : ONLY(FACT_ADDRESS(LAST_FACT)));
  assert(end_is_right)
}
#endif

init {
  atomic {
    for (i : 0 .. INSTANCES - 1) {
      for (j : 0 .. PODS - 1) { see(i, j) }
    }
    i = 0; j = 0;
    for (i : 0 .. INSTANCES - 1) { run runs(i) }
    i = 0
  }
}
