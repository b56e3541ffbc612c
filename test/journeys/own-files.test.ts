/** RustyMail writes to its data directory only, apart from its own program cache. */
import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { runCommand } from '../support/run-command.ts'
import { startRustyMail } from '../support/rustymail.ts'
import { tempDir } from '../support/temp-dir.ts'

const root = join(import.meta.dirname, '../..')
/** The program as installed: the page is built. */
const program = ['bin', 'contract', 'server', 'sandbox', 'package.json', 'package-lock.json', 'dist/web']

/** Returns each file and directory with its size and modification time. */
function listing(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap(entry => {
    const path = join(dir, entry.name)
    const { size, mtimeMs } = lstatSync(path)
    // Entries of a directory are listed themselves.
    const line = entry.isDirectory() ? `${path}/` : `${path} ${size} ${mtimeMs}`
    return [line, ...(entry.isDirectory() ? listing(path) : [])]
  })
}

test('a life with set-up, an account, mail read and commands changes no file outside the data directory and the cache', async () => {
  const dir = tempDir('own-files')
  onTestFinished(() => dir.remove())
  const place = (name: string) => join(dir.path, name)
  for (const part of program) cpSync(join(root, part), join(place('program'), part), { recursive: true })
  const packages = place('program/node_modules')
  mkdirSync(packages)
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name !== '.cache') symlinkSync(join(root, 'node_modules', name), join(packages, name))
  }
  const homes = { HOME: place('home'), TMPDIR: place('tmp'), XDG_CACHE_HOME: place('home/.cache') }
  for (const home of [homes.HOME, homes.TMPDIR]) mkdirSync(home)
  const before = listing(dir.path)

  const dataDir = place('data')
  const run = await startRustyMail({ root: place('program'), dataDir, environment: homes })
  const account = await run.call(api.accounts.startSandbox)
  const params = { account_id: account.id }
  const folders = async () => (await run.call(api.mail.listFolders, { params })).items.length
  await expect.poll(folders).toBeGreaterThan(0)
  const { items } = await run.call(api.mail.listMessages, { params })
  await run.call(api.mail.getMessage, { params: { ...params, ref: items[0]!.ref } })
  const page = await fetch(`${run.url}/users`, { headers: { accept: 'text/html' } })
  expect([page.status, (await run.send('GET', '/docs')).status]).toEqual([200, 200])
  await run.send('GET', '/metrics')
  await run.stop()
  const ended = await runCommand(['key', 'rotate'], { dataDir, environment: homes, root: place('program') })
  expect(ended).toMatchObject({ code: 0 })

  const after = listing(dir.path)
  expect(existsSync(join(dataDir, 'rustymail.db'))).toBe(true)
  const isOwn = (line: string) => [dataDir, join(packages, '.cache')].some(own => line.startsWith(`${own}/`))
  expect(after.filter(line => !isOwn(line))).toEqual(before)
  const cache = readdirSync(join(packages, '.cache'))
  expect(cache).toEqual(['rustymail'])
})
