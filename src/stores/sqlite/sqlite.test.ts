// The contract. What only this store has is tested beside its parts.
import { openSqliteFixture } from '../contract/sqlite-fixture.ts'
import { storeContract } from '../contract/store-contract.ts'

// A longer proof: node src/stores/sqlite/sqlite.test.ts 1000000
const sequences = Number(process.argv[2] ?? 2_000)

storeContract('sqlite', openSqliteFixture, { sequences })
