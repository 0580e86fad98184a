// The HTTP door over a world in which a processor's faults have parked a payment, and what an
// operator asks there.
import { createHttpWorld } from './http-world.ts'
import type { HttpWorld, HttpWorldOptions, Who } from './http-world.ts'

export interface ParkedWorld extends HttpWorld {
  readonly id: string
}

/** A payment whose processor refused every call until it was parked. */
export async function createParkedWorld(options: HttpWorldOptions = {}): Promise<ParkedWorld> {
  const made = await createHttpWorld({
    fault: (kind) => (kind === 'look_up' ? null : 'refused'),
    ...options,
  })
  const { id } = await made.pay()
  await made.toRest(id)
  return { ...made, id }
}

/** An operator's act on what was shown as `version`. */
export function act(
  { ask }: Pick<HttpWorld, 'ask'>,
  path: string,
  body: object,
  version: number | string | null,
  who: Who = 'operator',
) {
  const headers = version === null ? {} : { 'if-match': String(version) }
  return ask('POST', path, { as: who, body, headers })
}
