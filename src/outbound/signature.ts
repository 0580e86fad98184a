// The signature of Standard Webhooks, and the secrets that it is made with.
import { createHmac } from 'node:crypto'

/** `whsec_` and base64; two while one takes over from the other. */
const oneSecret = /^whsec_([A-Za-z0-9+/]+={0,2})$/
const keyBytes = { least: 24, most: 64 }
const maxSecrets = 2

/** The keys of one secret, or of two with a comma between them; `null` where they are none. */
export function readSecrets(text: string): readonly Buffer[] | null {
  const secrets = text.split(',').map((each) => oneSecret.exec(each.trim())?.[1])
  if (secrets.length > maxSecrets) return null
  const keys = secrets.flatMap((secret) => {
    const key = Buffer.from(secret ?? '', 'base64')
    return key.length >= keyBytes.least && key.length <= keyBytes.most ? [key] : []
  })
  return keys.length === secrets.length ? keys : null
}

/** The headers of one try. The receiver compares the time, so it is that of the try. */
export function signedHeaders(
  keys: readonly Buffer[],
  id: string,
  nowMs: number,
  body: string,
): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(nowMs / 1000))
  const signatures = keys.map(
    (key) =>
      `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`,
  )
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  }
}
