// Writes `schema.golden.sql` from the migrations: node src/stores/sqlite/write-golden.ts
import { writeFileSync } from 'node:fs'
import { connect, inMemory } from './connection.ts'
import { migrate, schemaText } from './schema.ts'

const { db } = connect(inMemory)
migrate(db)
writeFileSync(new URL('schema.golden.sql', import.meta.url), schemaText(db))
db.close()
