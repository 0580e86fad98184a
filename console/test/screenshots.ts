// Pictures of every screen, light and dark, to be looked at: `node console/test/screenshots.ts FOLDER`.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import { makeScene } from './scene.ts'
import { openWorld, signIn, visit } from './testkit.ts'

const folder = process.argv[2] ?? 'console-screens'
mkdirSync(folder, { recursive: true })
const world = await openWorld()
try {
  const { lost } = await makeScene(world)
  await new Promise((resolve) => setTimeout(resolve, 6_000))
  const screens = [
    '/',
    '/payments',
    `/payments/${lost}`,
    '/dead-letters',
    '/approvals',
    '/reconciliation',
    '/agents',
    '/processors',
    '/sandbox',
    '/audit',
  ]
  for (const colorScheme of ['light', 'dark'] as const) {
    const { page, context, complaints } = await visit(world, { colorScheme })
    await page.goto('/')
    await page.getByLabel('Operator token').waitFor()
    await page.screenshot({ path: join(folder, `sign-in-${colorScheme}.png`) })
    await signIn(world, page)
    for (const path of screens) {
      await page.goto(path)
      await page.getByRole('heading', { level: 1 }).waitFor()
      await page.waitForTimeout(path === '/processors' ? 9_000 : 1_200)
      const name = path === '/' ? 'now' : path.includes('pay_') ? 'payment' : path.slice(1)
      await page.screenshot({ path: join(folder, `${name}-${colorScheme}.png`), fullPage: true })
    }
    if (complaints.length > 0) console.error(complaints)
    await context.close()
  }
} finally {
  await world.close()
}
