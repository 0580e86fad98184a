// What a machine can say about accessibility.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

import type { Page } from 'playwright-core'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface Violation {
  readonly id: string
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[]
}

/** What axe says of the page as it is now; nothing is right. */
export async function violations(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe)
  // What runs in the page is text: its world is not that of this file.
  const found = (await page.evaluate(
    'axe.run().then(({ violations }) => violations)',
  )) as readonly Violation[]
  return found.map(
    ({ id, nodes }) =>
      `${id}: ${nodes.map((each) => `${each.html} ${each.failureSummary}`).join('; ')}`,
  )
}
