/* The claim: key first, then the bill's row; one write, conditional on what was read. As in
 * src/engine/submit.ts and src/core/claim.ts. Each agent has one key and one payment to claim with
 * it; all mean the same bill. A refused agent may follow the advice: ask again with retry_of. */

#if PAYMENTS > 1

#define A agent[p]

/* The row is free, or names the ended payment that the request names. */
#ifdef MUTANT_RETRY_OF_OPEN
#define MAY_SUCCEED (A.current != ABSENT && A.retryOf == A.current)
#else
#define MAY_SUCCEED (A.current != ABSENT && A.retryOf == A.current && ENDED_UNPAID(pay[A.current].state))
#endif
#ifdef MUTANT_NO_REFERENCE_GUARD
#define MAY_CLAIM 1
#else
#define MAY_CLAIM (A.current == ABSENT || MAY_SUCCEED)
#endif

#if defined(MUTANT_NO_REFERENCE_GUARD)
#define CONDITIONS_HOLD 1
#elif defined(MUTANT_RETRY_OF_UNCONDITIONAL)
#define CONDITIONS_HOLD (!A.stale || A.retryOf != ABSENT)
#else
#define CONDITIONS_HOLD (!A.stale)
#endif

inline claimed(p) {
  keyRow[p] = p; referenceRow = p; P.state = initiated; A.reading = 0; A.stale = 0;
  A.current = ABSENT; A.owed = 1;
  for (xi : 0 .. PAYMENTS - 1) {
    if
    :: agent[xi].reading -> agent[xi].stale = 1
    :: else -> skip
    fi
  }
  committed(p)
}

proctype Agent(byte p) {
end:
  do
  /* The key comes first: a replay is answered before anything else. */
  :: d_step {
      !A.reading && !A.owed && A.asks > 0 && acknowledged[p] == ABSENT && keyRow[p] != ABSENT ->
      A.asks--; acknowledged[p] = keyRow[p];
      printf("agent %d asks again: a replay of payment %d\n", p, keyRow[p])
    }
  :: d_step {
      !A.reading && !A.owed && A.asks > 0 && acknowledged[p] == ABSENT && keyRow[p] == ABSENT ->
      A.asks--; A.reading = 1; A.stale = 0; A.current = referenceRow;
      printf("agent %d asks, the bill's row names %d\n", p, A.current)
    }
  :: d_step {
      A.reading && A.stale ->
      A.stale = 0; A.current = referenceRow;
      printf("agent %d: conflict, the rows are read again\n", p)
    }
  :: d_step {
      A.reading && CONDITIONS_HOLD && MAY_CLAIM ->
      claimed(p); printf("payment %d is claimed, retry_of %d\n", p, A.retryOf)
    }
  /* duplicate_reference, or retry_of_invalid: nothing is stored. */
  :: d_step {
      A.reading && !A.stale && !MAY_CLAIM ->
      A.retryOf = A.current;
      A.reading = 0; A.current = ABSENT;
      printf("agent %d is refused: the bill has payment %d\n", p, A.retryOf)
    }
#ifdef MUTANT_ACK_BEFORE_COMMIT
  :: d_step { A.reading && MAY_CLAIM && acknowledged[p] == ABSENT -> acknowledged[p] = p }
#endif
  :: d_step {
      A.owed -> A.owed = 0; acknowledged[p] = p; printf("agent %d is answered: %d\n", p, p)
    }
  /* The service dies before it commits, or before it answers. */
  :: d_step {
      A.reading && FAULT;
      A.reading = 0; A.stale = 0; A.current = ABSENT; A.asks++;
      printf("the service dies before agent %d's claim is stored\n", p)
    }
  :: d_step {
      A.owed && FAULT; A.owed = 0; A.asks++;
      printf("agent %d gets no answer to its claim\n", p)
    }
  od
}
#endif
