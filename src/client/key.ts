// The idempotency key of a request, made from what it is about and nothing else: whoever asks for the
// same bill again, after a crash or on another machine, asks with the same key.

export interface KeySubject {
  /** Keys count per agent; agents that share a key table name the account too. */
  readonly account?: string | undefined
  readonly operation: 'pay' | 'capture' | 'void' | 'refund'
  /** The payee of a bill, or the id of a payment. */
  readonly payee: string
  readonly reference: string
  readonly retryOf?: string | undefined
}

/** Keys may have 255 characters; a longer text is replaced by its hash. */
const maxReadable = 200

export async function keyFor(subject: KeySubject): Promise<string> {
  const { account, operation, payee, reference, retryOf } = subject
  const parts: readonly unknown[] = [operation, account ?? '', payee, reference, retryOf ?? '']
  // A lone surrogate cannot be encoded; the service refuses such names anyway.
  // A model may well send a number for a name: it is refused by the service, and must not throw here.
  const text = parts.map((part) => encodeURIComponent(String(part).toWellFormed())).join('/')
  return text.length <= maxReadable ? text : `${operation}/${await sha256(text)}`
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
