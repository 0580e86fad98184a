// Every interleaving of a small world: one payment, two drivers, a processor that does what its
// capabilities allow, requests that come late or never, drivers that stall and die, a void at any
// moment, a webhook that is old when it arrives. Enumerated, not sampled (see `test/model/`).
// `node src/core/interleavings.test.ts 2` allows two faults on each path instead of one (minutes),
// `3` three (hours, and as many gigabytes).
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { explore } from '../../test/model/explore.ts'
import type { Exploration } from '../../test/model/explore.ts'
import { profiles, refundOf, settingOf, startOf } from '../../test/model/profiles.ts'
import type { Setting, World } from '../../test/model/world.ts'

const faults = Number(process.argv[2] ?? 1)

function proved(what: string, start: World, setting: Setting): Exploration {
  const found = explore(start, setting)
  const ends = [...found.endings].map(([end, count]) => `${count} ${end}`).join(', ')
  console.log(`${what}: ${found.worlds} worlds, ${found.complete ? 'all of them' : 'cut'}; ${ends}`)
  const stories = found.violations.map(
    ({ what: broken, path }) => `${broken}\n  ${path.join('\n  ')}`,
  )
  assert.deepEqual(stories, [], stories.join('\n\n'))
  return found
}

for (const [name, capabilities] of Object.entries(profiles)) {
  const setting = settingOf(capabilities)
  // Where records prove absence, one fault is never a matter for a person.
  const assertNobodyAsked = ({ endings }: Exploration): void => {
    if (faults > 1 || capabilities.absenceAfterMs === null) return
    assert.deepEqual(
      [...endings.keys()].filter((end) => end.includes('parked')),
      [],
    )
  }

  test(`${name}: no interleaving pays twice, lies, or leaves money behind`, () => {
    const start = startOf({ faults, declines: 1, voids: 1, webhooks: 1 })
    assertNobodyAsked(proved(`${name}, ${faults} faults`, start, setting))
  })

  test(`${name}: nor with an unfinished answer and a person who redrives`, () => {
    const start = startOf({
      faults: faults - 1,
      declines: 1,
      pendings: 1,
      voids: 1,
      webhooks: 1,
      redrives: 1,
    })
    proved(`${name}, unfinished, ${faults - 1} faults`, start, setting)
  })

  test(`${name}: nor where the deadline passes meanwhile`, () => {
    proved(`${name}, deadline, ${faults} faults`, startOf({ faults, webhooks: 1 }, 4), setting)
  })

  test(`${name}: a refund goes out once`, () => {
    const start = refundOf({ faults, webhooks: 1, redrives: 1 })
    assertNobodyAsked(proved(`${name}, refund, ${faults} faults`, start, setting))
  })
}
