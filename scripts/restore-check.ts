// Is a bill ever paid twice because the store was set back? A snapshot is taken while payments are under
// way, more is paid, the snapshot is put back; then recovery, and every agent asks for every bill again.
//   node scripts/restore-check.ts [--bills N] [--json]
import { parseArgs } from 'node:util'

import { runRestore } from '../test/restore-world.ts'

const { values } = parseArgs({
  options: {
    bills: { type: 'string', default: '300' },
    json: { type: 'boolean', default: false },
  },
})

const bills = Number(values.bills)
if (!Number.isSafeInteger(bills) || bills < 3) {
  throw new Error(`--bills is "${values.bills}"; it must be a whole number from 3`)
}
const figures = await runRestore(bills, (what) => {
  if (!values.json) console.log(what)
})
console.log(JSON.stringify(figures))
process.exitCode = figures.double_charges + figures.lost === 0 ? 0 : 1
