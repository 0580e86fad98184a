// Who we are at the processor. It is asked at the start; where it is away then, we go on as who we
// were, and neither send nor believe anything before it has said the same again: the key may be
// another account's by now, and there every "not found" would be true.

interface Who {
  readonly id: string
  readonly livemode: boolean
}

/** The processor knows us and says no: waiting would not help. */
export class RefusedKey extends Error {}

export interface Identity<Account extends Who> {
  readonly account: Account
  /** `null`: it has told us who we are. Else why a call must not be made now. */
  readonly doubt: (withinMs: number) => Promise<string | null>
}

/** A start is not held up for longer where it is known who we were. */
const patienceMs = 2_000

export async function openIdentity<Account extends Who>(
  ask: (withinMs: number) => Promise<Account>,
  known: Account | null,
  openWithinMs: number,
): Promise<Identity<Account>> {
  if (known === null) {
    const account = await ask(openWithinMs)
    return Object.freeze({ account, doubt: async () => null })
  }
  let told = await ask(Math.min(patienceMs, openWithinMs)).catch(awayOnly)
  const account = told ?? known
  let asking: Promise<Account | null> | null = null
  const askOnce = (withinMs: number): Promise<Account | null> => {
    asking ??= ask(withinMs)
      .catch(() => null)
      .finally(() => {
        asking = null
      })
    return asking
  }
  return Object.freeze({
    account,
    async doubt(withinMs: number) {
      told ??= await askOnce(Math.min(withinMs, patienceMs))
      if (told === null) return 'processor_unreachable'
      return told.id === account.id && told.livemode === account.livemode ? null : 'other_account'
    },
  })
}

function awayOnly(error: unknown): null {
  if (error instanceof RefusedKey) throw error
  return null
}
