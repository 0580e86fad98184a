// When payments' entries in the work index are, as they were last seen: what was read just before a
// commit tells it that it may leave the entry alone. A hint only; the commit's condition decides.

export interface EntryTimes {
  /** `null`: it has none, or it is not known. */
  get(paymentId: string): number | null
  note(paymentId: string, atMs: number | null): void
}

/** More than are ever in a step at once. The oldest makes way. */
const maxEntries = 4_096

export function rememberEntryTimes(): EntryTimes {
  const times = new Map<string, number>()
  return {
    get: (paymentId) => times.get(paymentId) ?? null,
    note(paymentId, atMs) {
      times.delete(paymentId)
      if (atMs === null) return
      times.set(paymentId, atMs)
      if (times.size <= maxEntries) return
      for (const oldest of times.keys()) {
        times.delete(oldest)
        return
      }
    },
  }
}
