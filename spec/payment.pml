/* The protocol of a payment, for exhaustive checking by spin: once or not at all, and never a lie.
 *
 * Names are those of the code. What is modelled, what is not, and how each piece maps to a file is
 * in spec/README.md; `npm run spec` runs all configurations and all planted mistakes.
 *
 * Each move is one d_step: one atomic act of the store, of the processor, of the network or of time.
 * Everything between two moves can be interleaved with everything else, and is.
 *
 * Time is not a number here. What the code compares with a clock is a stage that can only advance
 * (`age` of an operation's last send, `keyAge` of its key), in any order that the real bounds allow.
 * That is more than any clock could do, so what holds here holds for every clock.
 */

/* -- What a configuration chooses (-D) ----------------------------------------------------------- */

#ifndef FAULTS
#define FAULTS 2              /* crashes, stalls, lost answers, late requests, 500s, 429s, outages */
#endif
#ifndef DECLINES
#define DECLINES 1            /* the processor's free will rather than a fault */
#endif
#ifndef VOIDS
#define VOIDS 1               /* the agent changes its mind */
#endif
#ifndef WEBHOOKS
#define WEBHOOKS 0            /* readings of the object that arrive at any later time */
#endif
#ifndef PAYMENTS
#define PAYMENTS 1            /* 2: two claims of one bill race, and the second may be a retry_of */
#endif
/* Capabilities: see src/core/policy.ts */
#ifndef KEY_CACHES_ERRORS
#define KEY_CACHES_ERRORS 0
#endif
#ifndef TWO_STEP
#define TWO_STEP 0
#endif
#ifndef OBJECT_FIRST
#define OBJECT_FIRST 0
#endif
#ifndef OBJECT_ONCE
#define OBJECT_ONCE 0
#endif
#ifndef FENCE
#define FENCE 0
#endif
#ifndef CANCEL_BY_REFERENCE
#define CANCEL_BY_REFERENCE 0
#endif
#ifndef ABSENCE
#define ABSENCE 0             /* absenceAfter is declared, and records can be read consistently */
#endif
#ifndef LOOKUP_BY_REFERENCE
#define LOOKUP_BY_REFERENCE 0
#endif

/* Policy, as small as its order of bounds allows. */
#define MAX_SENDS 3           /* of one operation, over all its attempts */
#ifndef MAX_SENDS_PER_ATTEMPT
#define MAX_SENDS_PER_ATTEMPT 2
#endif
#define MAX_INQUIRIES 4
#define ATTEMPTS 10           /* room for attempt numbers; running out of it is an error of the model */
#define WORKERS 2
#define MESSAGES 4            /* room on the wire; the same holds */

#include "state.pml"
#include "core.pml"
#include "world.pml"
