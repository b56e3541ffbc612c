/** The error messages when the page cannot be built. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { buildPageWhenStale } from './page-build.ts'

/** A checkout whose vite does only this. */
function checkoutWith(vite: string): string {
  const dir = tempDir('page-build')
  onTestFinished(() => dir.remove())
  for (const folder of ['web', 'node_modules/vite/bin']) mkdirSync(join(dir.path, folder), { recursive: true })
  writeFileSync(join(dir.path, 'web/index.html'), '')
  writeFileSync(join(dir.path, 'node_modules/vite/bin/vite.js'), vite)
  return dir.path
}

test('native parts that npm left out are told in one sentence, with what to do', async () => {
  // As rolldown and Tailwind report it after npm ci on Node 18.
  const root = checkoutWith(
    'throw new Error("Cannot find native binding. npm has a bug related to optional dependencies.")',
  )
  await expect(buildPageWhenStale(root)).rejects.toThrow(
    /^the page could not be built: npm left out a part .* older than 20\.19\. Run npm ci with a newer one$/,
  )
})

test('anything else is told as it was said', async () => {
  const root = checkoutWith('console.error("web/app.tsx: no such thing"); process.exit(1)')
  await expect(buildPageWhenStale(root)).rejects.toThrow(
    /^the page could not be built:\nweb\/app\.tsx: no such thing\n$/,
  )
})
