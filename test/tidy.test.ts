// Tests about the code itself: who may import whom, what core may not do, how long things may get,
// and what may not be in a file that others will read. The rules are in `tidy/rules.ts`.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { test } from 'node:test'

import { rules } from './tidy/rules.ts'
import { parseSource } from './tidy/source.ts'
import { textRules } from './tidy/text-rules.ts'

const root = join(import.meta.dirname, '..')

const sources = globSync(['{src,test,bench,examples,scripts}/**/*.ts', 'infra/*.ts'], { cwd: root })
  .filter((path) => !path.includes('node_modules'))
  .map((path) => path.replaceAll(sep, '/'))
  .toSorted()
  .map((path) => parseSource(path, read(path)))

test('the source is found', () => {
  assert.ok(sources.some(({ path }) => path.startsWith('src/core/')))
})

for (const rule of rules) {
  test(rule.name, () => {
    for (const [path, code] of rule.planted) {
      const found = rule.find(parseSource(path, code))
      assert.notEqual(found.length, 0, `this rule no longer finds its mistake in: ${code}`)
    }
    report(
      rule,
      sources.flatMap((source) =>
        rule.find(source).map((found) => ({ path: source.path, ...found })),
      ),
    )
  })
}

const tracked = trackedFiles()

for (const rule of textRules) {
  test(rule.name, (t) => {
    for (const line of rule.planted) {
      assert.match(line, rule.pattern, `this rule no longer finds its mistake in: ${line}`)
    }
    if (tracked === null) return t.skip('not a git checkout: what belongs to it is not known')
    report(
      rule,
      tracked.flatMap((path) => linesThatMatch(rule.pattern, path)),
    )
  })
}

interface Place {
  readonly path: string
  readonly line: number
  readonly what: string
}

function report(rule: { readonly name: string; readonly why: string }, found: readonly Place[]) {
  if (found.length === 0) return
  const lines = found.map(({ path, line, what }) => `  ${path}:${line}  ${what}`)
  assert.fail(`${rule.name}: ${rule.why}.\n${lines.join('\n')}\n`)
}

function linesThatMatch(pattern: RegExp, path: string): readonly Place[] {
  return read(path)
    .split('\n')
    .map((text, index) => ({ path, line: index + 1, what: text.trim().slice(0, 100), text }))
    .filter(({ text }) => pattern.test(text))
}

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

/** Pictures have no words. */
function isText(path: string): boolean {
  return path !== '' && !path.endsWith('.png')
}

/** What is committed or about to be; `null` where this is an unpacked copy without its history. */
function trackedFiles(): readonly string[] | null {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate']
  if (!existsSync(join(root, '.git'))) return null
  const files = execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' })
  return files.split('\0').filter((path) => isText(path) && existsSync(join(root, path)))
}
