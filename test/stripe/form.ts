// The body of a request to Stripe, as forms have it: `metadata[payment]=pay_1&expand[0]=latest_charge`.

export type Form = { [name: string]: string | Form }

export function readForm(text: string): Form {
  const form: Form = {}
  for (const [name, value] of new URLSearchParams(text)) {
    const path = [...name.matchAll(/[^[\]]+/g)].map(([part]) => part)
    let at = form
    for (const part of path.slice(0, -1)) {
      const inner = at[part]
      const next: Form = typeof inner === 'object' ? inner : {}
      at[part] = next
      at = next
    }
    const last = path.at(-1)
    if (last !== undefined) at[last] = value
  }
  return form
}

export const wordOf = (form: Form, name: string): string | undefined => {
  const value = form[name]
  return typeof value === 'string' ? value : undefined
}

export function wordsOf(form: Form, name: string): Readonly<Record<string, string>> {
  const value = form[name]
  if (typeof value !== 'object') return {}
  return Object.fromEntries(
    Object.entries(value).filter((each): each is [string, string] => typeof each[1] === 'string'),
  )
}

export const listOf = (form: Form, name: string): readonly string[] =>
  Object.values(wordsOf(form, name))
