// A query as the end of a path.

export function search(query: object): string {
  const given = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) given.set(name, String(value))
  }
  const text = given.toString()
  return text === '' ? '' : `?${text}`
}
