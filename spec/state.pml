/* What there is: the payment's row, the processor, the wire, the workers, and what may still go wrong. */

mtype = {
  /* states of a payment and of the processor's object, outcomes, signals: one word, one meaning */
  initiated, validated, authorised, captured, declined, voided, created,
  authorise, capture, void_, create,                                    /* operations */
  open_, unknown, refused, proved,              /* outcomes: null, unknown, not_executed twice over */
  done, slow_down, not_sent, gateway_error, server_error, stored_error, /* signals */
  idle, loaded, stored, unrecorded, calling, answered, looked,          /* where a worker is */
  nothing, wait, send_new, send_again, look_up, finish_void, park,      /* steps of `next` */
  plain, done_500, not_done_500                              /* what the processor makes of a request */
}

#define OWN 0
#define VOIDING 1

/* One attempt (one key, one frozen request) and its sends: src/core/payment.ts, Operation. */
typedef Operation {
  mtype kind;               /* 0: there is none */
  byte key;                 /* number of the attempt; the processor's key is made from it alone */
  byte objectId;            /* of the frozen request */
  byte sends;
  mtype outcome[MAX_SENDS];
  byte earlierSends;
  byte age;                 /* of the last send: 0 may start, 1 too late to start, 2 recover_at has
                               passed, 3 nothing of it can arrive any more */
  byte keyAge;              /* 0 protected, 1 too near the end of the window, 2 forgotten */
  byte inquiries;
  byte absent;              /* consistent look-ups that were asked at age 3 and saw nothing new */
  bit asked;                /* inquiries.answered */
  bit storesDeclines;
  bit storedError           /* under this key the processor only repeats itself */
}

typedef Payment {
  mtype state;              /* 0: not claimed */
  bit voidRequested;
  bit parked;               /* hold dead_letter: in front of a person */
  bit objectCancelled;
  byte objectId;            /* the attempt that made the object; 0: none is known */
  byte attemptsOpened;
  Operation op[2];          /* OWN towards money, VOIDING */
  mtype step;               /* what `next` says, always of the row as it is: adds no states */
  mtype stepKind;
  byte stepOp
}

/* The processor. Objects are kept under the attempt that made them; where one attempt made several,
 * the most telling one shows and `captures` counts what really moved. */
typedef Processor {
  mtype object[ATTEMPTS];
  mtype key[ATTEMPTS];      /* stored answer: its signal */
  mtype shown[ATTEMPTS];    /* ... and the state of the object as it was then */
  bit forgot[ATTEMPTS];     /* the key window of this attempt has passed */
  bit fenced;               /* cancelled by our reference */
  byte captures
}

typedef Message {
  bit used;
  byte who;
  mtype kind;
  byte key;
  byte objectId
}

typedef WorkerState {
  mtype pc;
  byte who;
  mtype todo;               /* loaded: the step that was decided */
  mtype kind;
  byte which;                   /* which operation: OWN or VOIDING */
  byte key;
  byte send;
  byte message;
  bit stale;                /* the version it has read is no longer the row's */
  bit stalled;              /* a stall has been paid for: time may pass */
  bit fresh;                /* startSendWithin has not passed since its decision */
  mtype signal;
  byte object;
  mtype shows;
  bit late                  /* a look-up that was asked at age 3 */
}

/* A webhook: what is read for it, and when it comes to be stored. */
typedef Webhook {
  bit used;
  bit stale;
  byte who;
  byte object;
  mtype shows
}

Payment pay[PAYMENTS];
Processor proc[PAYMENTS];
Message wire[MESSAGES];
WorkerState work[WORKERS];
Webhook hook;

byte faults = FAULTS;
byte declines = DECLINES;
byte voids = VOIDS;
byte webhooks = WEBHOOKS;

#if PAYMENTS > 1
#define ABSENT 255
/* An agent that asks for payment `p` under key `p`; all of them mean one bill. */
typedef AgentState {
  byte asks;                /* how often it may still ask */
  bit reading;              /* its request has read the rows and not committed yet */
  byte current;             /* what the bill's row named then */
  bit stale;                /* a row that its commit is conditional on has changed */
  byte retryOf;
  bit owed                  /* committed, not answered */
}
AgentState agent[PAYMENTS];
/* The claim's rows, by number of the payment: the key's and the bill's. */
byte keyRow[PAYMENTS] = ABSENT;
byte referenceRow = ABSENT;
byte acknowledged[PAYMENTS] = ABSENT;
#endif

/* Set and read inside one d_step, so never part of a state. */
hidden byte xi;
hidden byte xj;
hidden byte xo;
hidden byte xst;
hidden byte xc;
hidden byte xsig;

#define P pay[p]
#define R proc[p]
#define O pay[p].op[i]

/* -- What all sends of an operation say together: src/core/operation.ts ---------------------------- */

#define HAS(o, x) (o.outcome[0] == x || o.outcome[1] == x || o.outcome[2] == x)
#define UNSETTLED(o) (HAS(o, open_) || HAS(o, unknown))
#define LAST(o) o.outcome[o.sends - 1]
#define SPENT(o) (o.earlierSends + o.sends)

#ifdef MUTANT_DECLINE_BELIEVED_UNSTORED
#define BELIEVES(o) 1
#else
#define BELIEVES(o) o.storesDeclines
#endif

#ifdef MUTANT_LAST_ANSWER_WINS
#define FAILED(o) (o.kind != 0 && LAST(o) == declined)
#define IS_DUE(o) (LAST(o) == refused || LAST(o) == proved)
#else
#define FAILED(o) (o.kind != 0 && HAS(o, declined) && (!UNSETTLED(o) || BELIEVES(o)))
#define IS_DUE(o) (!UNSETTLED(o) && !HAS(o, declined))
#endif
#define IS_OPEN(o) (o.kind != 0 && !FAILED(o) && !IS_DUE(o))

/* Sends that are not proved to have done nothing. */
#define MAYBE(o, n) (o.outcome[n] != 0 && o.outcome[n] != refused && o.outcome[n] != proved)
#define MAYBES(o) (MAYBE(o, 0) + MAYBE(o, 1) + MAYBE(o, 2))

#define ENDED_UNPAID(s) (s == declined || s == voided)
