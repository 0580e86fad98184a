// The contract of stores: what most simulated lives run on keeps every word of it.
import type { Store } from '../src/ports.ts'
import { storeContract } from '../src/stores/contract/store-contract.ts'
import { openModelStore } from './model-store.ts'

// It hands out what cannot be changed, and whoever tries is told of at once: a bug of the engine. The
// contract tries, to see that the store does not change; so it is given copies.
function withCopies(store: Store): Store {
  return {
    ...store,
    read: async (keys) => structuredClone(await store.read(keys)),
    events: async (...given) => structuredClone(await store.events(...given)),
    scan: async (query) => structuredClone(await store.scan(query)),
    list: async (query) => structuredClone(await store.list(query)),
    unpublished: async (...given) => structuredClone(await store.unpublished(...given)),
    unmatchedWebhooks: async (limit) => structuredClone(await store.unmatchedWebhooks(limit)),
  }
}

const open = async () => ({ store: withCopies(openModelStore()) })

storeContract('model', open, { sequences: 500 })
