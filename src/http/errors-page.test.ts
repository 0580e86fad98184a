import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createHttpWorld } from '../../test/http-world.ts'
import { reject, rejectionTable } from '../core/rejections.ts'
import type { RejectionCode } from '../core/rejections.ts'
import { problem } from './problem.ts'
import type { ProblemJson } from './wire.ts'

test('the type of every problem leads to a heading of its own, without a token', async () => {
  const { ask } = await createHttpWorld()
  for (const code of Object.keys(rejectionTable) as RejectionCode[]) {
    const place = { instance: '/x', docsUrl: '/docs', nowMs: 0 }
    const { type } = problem({ rejection: reject(code, 'x') }, place).body as ProblemJson
    const [path = '', anchor = ''] = type.split('#')
    const { status, headers, text } = await ask('GET', path, { as: null })
    assert.equal(status, 200, type)
    assert.equal(headers.get('content-type'), 'text/html; charset=utf-8')
    assert.ok(text.includes(`<h2 id="${anchor}">${code}</h2>`), type)
  }
})
