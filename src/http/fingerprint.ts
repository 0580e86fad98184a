// What a key was used for: the path and the body as it was sent, before defaults. The order of
// object keys does not count, the order of arrays does; `null` is not absent; `1.0` is `1`.
import { hash } from 'node:crypto'

/** `body` is JSON that was parsed, so it has no cycles, and its depth was checked. */
export function fingerprintOf(path: string, body: unknown): string {
  return hash('sha256', `${path}\n${canonical(body)}`)
}

function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  const fields = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${fields.map(([name, each]) => `${JSON.stringify(name)}:${canonical(each)}`).join()}}`
}
