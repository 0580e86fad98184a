// The documents say what is there: generated pages are fresh, every code has its heading, and every
// link and path leads somewhere.
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

import { pages, stalePages } from '../scripts/docs.ts'
import { adviseRejection } from '../src/core/advice.ts'
import { alertTable } from '../src/core/alerts.ts'
import { rejectionTable } from '../src/core/rejections.ts'
import type { RejectionCode } from '../src/core/rejections.ts'

const root = join(import.meta.dirname, '..')
const documents = globSync(['*.md', 'docs/**/*.md'], { cwd: root }).toSorted()

test('the generated pages are fresh', () => {
  assert.deepEqual(stalePages(), [], 'run npm run docs')
})

test('the table of advice says of each code what an answer with it says', () => {
  const rows = (pages()['advice.md'] ?? '').split('\n')
  for (const code of Object.keys(rejectionTable) as RejectionCode[]) {
    const row = rows.find((each) => each.includes(`[${code}](`)) ?? ''
    // What an existing payment tells is told by that payment.
    if (row.includes('of the existing payment')) continue
    const { moneyMoved, nextAction } = adviseRejection({ code, detail: '' }, null, 0)
    assert.ok(
      row.endsWith(`| \`${moneyMoved}\` | \`${nextAction.type}\` | no |`),
      `${code}: ${row}`,
    )
  }
})

test('every rejection has a heading of its own, in the order of the table', () => {
  const headings = [...(pages()['rejections.md'] ?? '').matchAll(/^### (\w+)$/gm)].map(
    ([, code]) => code,
  )
  assert.deepEqual(headings, Object.keys(rejectionTable))
})

test('every alert has a heading of its own in the runbook, in the order of the table', () => {
  const headings = headingsOf(read('docs/guides/alerts.md')).filter((each) => each in alertTable)
  assert.deepEqual(headings, Object.keys(alertTable))
})

test('every relative link leads to a file, and to a heading of it', () => {
  const broken = documents.flatMap((document) =>
    linksOf(read(document))
      .filter((link) => !/^[a-z]+:/.test(link) && !leadsSomewhere(document, link))
      .map((link) => `${document}: ${link}`),
  )
  assert.deepEqual(broken, [])
})

test('every path of this repository that a document names is there', () => {
  const missing = documents.flatMap((document) =>
    pathsIn(read(document))
      .filter((path) => globSync(path, { cwd: root }).length === 0)
      .map((path) => `${document}: ${path}`),
  )
  assert.deepEqual(missing, [])
})

test('a broken link, a lost heading and a missing path are found', () => {
  assert.deepEqual(linksOf('see [this](a.md#b) and ![that](c.svg "title")'), ['a.md#b', 'c.svg'])
  assert.equal(leadsSomewhere('README.md', 'docs/reference/rejections.md#invalid_request'), true)
  assert.equal(leadsSomewhere('README.md', 'docs/reference/rejections.md#no_such_code'), false)
  assert.equal(leadsSomewhere('README.md', 'docs/no-such-page.md'), false)
  assert.deepEqual(pathsIn('`src/core/no-such.ts`, `src/core/` and `npm test`'), [
    'src/core/no-such.ts',
    'src/core/',
  ])
})

function read(document: string): string {
  return readFileSync(join(root, document), 'utf8')
}

const withoutBlocks = (text: string): string => text.replace(/^```[\s\S]*?^```/gm, '')

function linksOf(text: string): readonly string[] {
  return [...withoutBlocks(text).matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g)].map(
    ([, link = '']) => link,
  )
}

function leadsSomewhere(document: string, link: string): boolean {
  const [path = '', heading] = link.split('#')
  const file = path === '' ? document : join(dirname(document), path)
  if (!existsSync(join(root, file))) return false
  return heading === undefined || !file.endsWith('.md') || headingsOf(read(file)).includes(heading)
}

// As GitHub makes them: lower case, punctuation gone, spaces to hyphens.
function headingsOf(text: string): readonly string[] {
  return [...withoutBlocks(text).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-'),
  )
}

const folders = 'src|test|docs|scripts|examples|bench|infra|console'

/** What stands in backticks and begins like a path of ours; a star is a pattern. */
function pathsIn(text: string): readonly string[] {
  const path = new RegExp(`\`((?:${folders})/[\\w./*-]*)\``, 'g')
  return [...withoutBlocks(text).matchAll(path)].map(([, found = '']) => found)
}
