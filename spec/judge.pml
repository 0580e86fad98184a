/* What must hold at every moment, what must hold at the end, and how it all starts. */

#define HOLDS(p, k) (proc[p].object[k] == authorised)
#define HOLDS_ANY(p) (HOLDS(p, 1) || HOLDS(p, 2) || HOLDS(p, 3) || HOLDS(p, 4) || HOLDS(p, 5) || \
  HOLDS(p, 6) || HOLDS(p, 7) || HOLDS(p, 8) || HOLDS(p, 9))
#define HAS_MONEY(p) (proc[p].captures > 0 || HOLDS_ANY(p))

#if PAYMENTS > 2
#define PAID (HAS_MONEY(0) + HAS_MONEY(1) + HAS_MONEY(2))
#elif PAYMENTS > 1
#define PAID (HAS_MONEY(0) + HAS_MONEY(1))
#endif

#define ENDED(p) (pay[p].state == 0 || pay[p].state == captured || pay[p].state == voided || \
  pay[p].state == declined)
#define IN_FRONT_OF_SOMEBODY(p) (ENDED(p) || pay[p].parked)

/* The judge has a move only where something is broken, or where nothing else can move. */
proctype Judge(byte p) {
end:
  do
  :: d_step { R.captures > 1 -> printf("BROKEN 1: captured twice\n"); assert(false) }
  :: d_step {
      ENDED_UNPAID(P.state) && HAS_MONEY(p) ->
      printf("BROKEN 8: %e while the processor holds its money\n", P.state); assert(false)
    }
  :: d_step {
      P.state == captured && R.captures == 0 ->
      printf("BROKEN 8: captured, and the processor has nothing\n"); assert(false)
    }
#if PAYMENTS > 1
  :: d_step { p == 0 && PAID > 1 -> printf("BROKEN 6: one bill is paid twice\n"); assert(false) }
  :: d_step {
      acknowledged[p] != ABSENT && (keyRow[p] != acknowledged[p] ||
        pay[acknowledged[p]].state == 0) ->
      printf("BROKEN 5: an acknowledged claim does not exist\n"); assert(false)
    }
#endif
  :: timeout && !IN_FRONT_OF_SOMEBODY(p) ->
    printf("BROKEN progress: it stands still in %e for ever\n", P.state); assert(false)
  od
}

init {
  atomic {
    byte p = 0;
    byte n = 0;
    work[0].pc = idle; work[1].pc = idle;
#if PAYMENTS == 1
    d_step { pay[0].state = initiated; next(p) }
#endif
    for (p : 0 .. PAYMENTS - 1) {
      for (n : 0 .. WORKERS - 1) { run Worker(n, p) }
      for (n : 0 .. MESSAGES - 1) { run Wire(n, p) }
      run Time(p, OWN);
      run Time(p, VOIDING);
      run Wishes(p);
#if PAYMENTS > 1
      agent[p].asks = 2; agent[p].current = ABSENT; agent[p].retryOf = ABSENT;
      run Agent(p);
#endif
      run Judge(p)
    }
    run Heal();
    p = 0; n = 0
  }
}
