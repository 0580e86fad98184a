// Small files beside the database: the installation's id, the processor's account, the tokens.
import { open, rename } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Whole or not at all, and there after a power loss: the file first, then its name. Only
 * this user may read it, at any moment.
 */
export async function keepFile(path: string, text: string): Promise<void> {
  await withFile(`${path}.new`, 'w', async (file) => {
    await file.writeFile(text)
    await file.sync()
  })
  await rename(`${path}.new`, path)
  await withFile(dirname(path), 'r', (folder) => folder.sync())
}

async function withFile(
  path: string,
  flags: string,
  use: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const file = await open(path, flags, 0o600)
  try {
    await use(file)
  } finally {
    await file.close()
  }
}
