// Tells a store that cannot be read from a bug of ours: both arrive as a rejected promise.
import type { Store } from '../ports.ts'

const unreadable = new WeakSet()

export function isUnreadable(error: unknown): boolean {
  return typeof error === 'object' && error !== null && unreadable.has(error)
}

/** The same store; what its reads reject with is remembered as its own failure. */
export function watchStore(store: Store): Store {
  return Object.freeze<Store>({
    ...store,
    read: (keys) => watch(store.read(keys)),
    list: (query) => watch(store.list(query)),
    scan: (query) => watch(store.scan(query)),
    due: (beforeMs, limit) => watch(store.due(beforeMs, limit)),
    events: (paymentId, afterSeq, limit) => watch(store.events(paymentId, afterSeq, limit)),
  })
}

function watch<T>(reading: Promise<T>): Promise<T> {
  return reading.catch((error: unknown) => {
    // A failed assertion is a bug of the caller, who must not be told to wait for the disk.
    const isBug = error instanceof Error && 'code' in error && error.code === 'ERR_ASSERTION'
    if (typeof error === 'object' && error !== null && !isBug) unreadable.add(error)
    throw error
  })
}
