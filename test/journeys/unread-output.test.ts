/** The reader of the server's output may stop reading, or disappear; and signals do what they are documented to do. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { headOf, openRaw } from '../support/raw-http.ts'
import { apiKey, startRustyMail } from '../support/rustymail.ts'
import { tempDir } from '../support/temp-dir.ts'

const root = join(import.meta.dirname, '../..')
const { O_NONBLOCK, O_RDWR, O_WRONLY } = constants

/** Returns the write end of a full pipe that is never read. */
function fullPipe(folder: string): number {
  const path = join(folder, 'unread')
  execFileSync('mkfifo', [path])
  const reader = openSync(path, O_RDWR | O_NONBLOCK)
  // A descriptor of its own, on which writes may block.
  const writer = openSync(path, O_WRONLY)
  onTestFinished(() => {
    closeSync(reader)
    closeSync(writer)
  })
  for (const size of [65_536, 4_096, 512, 1]) {
    try {
      for (;;) writeSync(reader, Buffer.alloc(size, 'x'))
    } catch (error) {
      expect(error).toMatchObject({ code: 'EAGAIN' })
    }
  }
  return writer
}

async function start(stderr: number | 'pipe', stdout: number | 'pipe' = 'pipe') {
  const dir = tempDir('unread')
  const { PATH, HOME } = process.env
  const child = spawn(process.execPath, ['--max-semi-space-size=16', 'bin/rustymail.js', 'serve'], {
    cwd: root,
    env: {
      PATH,
      HOME,
      RUSTYMAIL_PORT: '0',
      RUSTYMAIL_DATA_DIR: join(dir.path, 'data'),
      RUSTYMAIL_API_KEY: apiKey,
      RUSTYMAIL_LOG_LEVEL: 'debug',
    },
    stdio: ['ignore', stdout, stderr],
  })
  const closed = once(child, 'close')
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await closed
    dir.remove()
  })
  const lines = createInterface({ input: child.stdout! })
  const [line] = (await once(lines, 'line')) as [string]
  return { child, closed, url: /http\S+/.exec(line)![0] }
}

/** Makes it log `count` lines: each of a request whose sender disconnects within its body. */
async function makeLines(url: string, count: number): Promise<void> {
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json', 'content-length': 50 }
  for (let made = 0; made < count; made++) {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    await once(socket, 'connect')
    socket.write(`${headOf('POST', api.accounts.createAccount.path, { ...headers, expect: '100-continue' })}`)
    await once(socket, 'data')
    socket.destroy()
  }
}

const stats = (url: string) =>
  fetch(url + api.metrics.getStats.path, { headers: { authorization: `Bearer ${apiKey}` } }).then(
    answer => answer.status,
  )

test.skipIf(process.platform === 'win32')('a log that nobody reads holds up no answer and no stop', async () => {
  const dir = tempDir('pipe')
  onTestFinished(() => dir.remove())
  const { child, closed, url } = await start(fullPipe(dir.path))
  await makeLines(url, 20)
  expect(await stats(url)).toBe(200)
  child.kill('SIGTERM')
  expect(await closed).toEqual([0, null])
})

test('a log and an output whose reader is gone hold up nothing, and end nothing', async () => {
  const { child, closed, url } = await start('pipe')
  child.stderr!.destroy()
  child.stdout!.destroy()
  await makeLines(url, 20)
  expect(await stats(url)).toBe(200)
  child.kill('SIGTERM')
  expect(await closed).toEqual([0, null])
})

test.skipIf(process.platform === 'win32')('a closed terminal stops it as any other stop: with a goodbye', async () => {
  const run = await startRustyMail()
  const head = headOf('GET', api.events.streamEvents.path, { authorization: `Bearer ${apiKey}` })
  const stream = await openRaw(run.url, head)
  await expect.poll(stream.text).toContain('event: welcome')
  const stopped = run.stop('SIGHUP')
  expect((await stream.ended()).text).toMatch(/event: goodbye\ndata: \{"reason":"shutdown"/)
  expect((await stopped).code).toBe(0)
})

test.skipIf(process.platform === 'win32')('SIGUSR1 opens no debugger', async () => {
  const run = await startRustyMail()
  run.process.kill('SIGUSR1')
  // The signal is handled before a later request is answered, and the debugger would have printed a line.
  expect(await stats(run.url)).toBe(200)
  run.process.kill('SIGUSR1')
  expect(await stats(run.url)).toBe(200)
  expect((await run.stop()).code).toBe(0)
  expect(run.log()).not.toMatch(/debugger/i)
})
