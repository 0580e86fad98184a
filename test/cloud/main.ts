// `npm run cloud`: the synthesised template on this machine, for a person to play with. Prints where it
// is and who may use it; ends with Ctrl-C.
import { factor } from './time.ts'
import { openSetting } from './suite/setting.ts'
import { synthesise } from './suite/synth.ts'
import { leftOut } from './template/coverage.ts'

const workflow = process.argv.includes('--express') ? 'express' : 'standard'
if (!process.argv.includes('--no-synth')) synthesise(workflow)
const { world, people, processorUrl, stop } = await openSetting(workflow)

console.log(`listening on ${world.url}`)
console.log(`agent token  ${people.agentToken}`)
console.log(
  `operators    sign with the access key ${world.accessKeyWith('PaymentsOperatorPolicy')}, below ${world.url}/aws`,
)
console.log(`processor    ${processorUrl} (key sim_test_key)`)
console.log(`time         ×${factor} (CLOUD_TIME_FACTOR)`)
console.log(
  `left out     ${Object.values(leftOut)
    .filter((what) => what !== 'nothing')
    .join('; ')}`,
)
console.log(`
curl -X POST ${world.url}/v1/payments -H 'Authorization: Bearer ${people.agentToken}' \\
  -H 'Idempotency-Key: first' -H 'Content-Type: application/json' \\
  -d '{"amount":1999,"currency":"EUR","payee":"acct_504_after_capture","reference":"INV-1"}'
`)

let isStopping = false
const end = (): void => {
  if (isStopping) return
  isStopping = true
  void stop().then(() => process.exit(0))
}
process.on('SIGINT', end)
process.on('SIGTERM', end)
