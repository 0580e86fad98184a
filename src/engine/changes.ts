// Who waits for a payment in this process hears when there is nothing to wait for any more. A hint only: whoever hears reads
// the store, and whoever hears nothing reads it after a while all the same.

export interface Changes {
  readonly tell: (paymentId: string) => void
  /** Calls `listener` each time until the returned function is called. */
  readonly listen: (paymentId: string, listener: () => void) => () => void
}

export function createChanges(): Changes {
  const listeners = new Map<string, Set<() => void>>()
  return Object.freeze({
    tell(paymentId: string) {
      for (const listener of listeners.get(paymentId) ?? []) listener()
    },
    listen(paymentId: string, listener: () => void) {
      const set = listeners.get(paymentId) ?? new Set()
      set.add(listener)
      listeners.set(paymentId, set)
      return () => {
        set.delete(listener)
        if (set.size === 0) listeners.delete(paymentId)
      }
    },
  })
}
