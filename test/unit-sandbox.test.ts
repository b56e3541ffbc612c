/** The systemd unit forbids what the server does not need, and nothing that Node uses. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { tempDir } from './support/temp-dir.ts'

const root = join(import.meta.dirname, '..')
const unit = readFileSync(join(root, 'deploy/rustymail.service'), 'utf8')
const valuesOf = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1]?.split(' ') ?? []

/** Returns the system calls of groups, nested ones included. */
function systemCallsIn(names: readonly string[]): string[] {
  return names.flatMap(name => {
    if (!name.startsWith('@')) return [name]
    const { stdout } = spawnSync('systemd-analyze', ['syscall-filter', name], { encoding: 'utf8' })
    const lines = (stdout ?? '').split('\n').map(line => line.trim())
    return systemCallsIn(lines.filter(line => line !== '' && line !== name && !line.startsWith('#')))
  })
}

const sandbox = [
  join(root, 'test/support/unit-sandbox.py'),
  JSON.stringify({
    calls: systemCallsIn(['@default', ...valuesOf('SystemCallFilter')]),
    families: valuesOf('RestrictAddressFamilies'),
    kills: valuesOf('SystemCallErrorNumber').length === 0,
  }),
]
/** This machine's Node, which hands over to ours, instead of the one that runs the tests. */
const ownPath = (process.env.PATH ?? '').split(delimiter).filter(place => !place.includes('node_modules'))
const environment = { PATH: ownPath.join(delimiter), HOME: process.env.HOME }
const hasSandbox = spawnSync('python3', [...sandbox, 'true'], { env: environment }).status === 0
const hasNode = spawnSync('node', ['--version'], { env: environment }).status === 0
const isMissing = !hasSandbox || !hasNode
if (isMissing)
  process.stderr.write('skipped: the sandbox of systemd (systemd-analyze, python3, linux-libc-dev) is missing\n')

test.skipIf(isMissing)('whatever Node is installed starts the server in it, also on all addresses', async () => {
  const dir = tempDir('unit-sandbox')
  onTestFinished(() => dir.remove())
  const env = {
    ...environment,
    RUSTYMAIL_HOST: '0.0.0.0',
    RUSTYMAIL_PORT: '0',
    RUSTYMAIL_DATA_DIR: join(dir.path, 'data'),
  }
  const command = [...sandbox, 'node', '--max-semi-space-size=16', 'bin/rustymail.js', 'serve']
  const child = spawn('python3', command, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const closed = once(child, 'close')
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (words: string) => {
      said += words
      if (words.includes('is listening')) child.kill('SIGTERM')
    })
  }
  expect({ ended: await closed, said }).toEqual({ ended: [0, null], said: expect.stringContaining('is listening') })
})
