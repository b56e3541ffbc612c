/** Runs a command to its end: the real program, as a terminal or script does, or the same in this process. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { onTestFinished } from 'vitest'
import { outcomeOf } from '../../server/command-outcome.ts'
import { UsageError } from '../../server/command-usage.ts'
import { loadConfig } from '../../server/config.ts'

const here = join(import.meta.dirname, '../..')

export interface CommandOptions {
  dataDir: string
  /** Text piped to stdin. */
  input?: string
  environment?: Record<string, string>
  /** Root of another copy of the program. */
  root?: string
}

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs a command in this process, without the second that a process of its own takes. Its log is discarded. */
export async function runCommandHere(
  words: string[],
  { dataDir, input = '', environment = {} }: Omit<CommandOptions, 'root'>,
): Promise<Ended> {
  const asked: string[] = []
  const output = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      asked.push(chunk.toString())
      done()
    },
  })
  const config = loadConfig(words, { RUSTYMAIL_DATA_DIR: dataDir, ...environment })
  try {
    const { words: said, exitCode } = await outcomeOf(config, { input: Readable.from([input]), output })
    return { code: exitCode, stdout: `${said}\n`, stderr: asked.join('') }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const code = error instanceof UsageError ? 2 : 1
    return { code, stdout: '', stderr: `${asked.join('')}Failed: ${error.message}\n` }
  }
}

/** Runs a command in a process of its own. */
export async function runCommand(words: string[], options: CommandOptions): Promise<Ended> {
  const { ended } = spawnCommand(words, options)
  return ended
}

export function spawnCommand(
  words: string[],
  { dataDir, input = '', environment = {}, root = here }: CommandOptions,
): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, ['bin/rustymail.js', ...words], {
    cwd: root,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, RUSTYMAIL_DATA_DIR: dataDir, ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const ended: Ended = { code: null, stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    ended.stdout += chunk
  })
  child.stderr.on('data', (chunk: Buffer) => {
    ended.stderr += chunk
  })
  // Writing to a process that exits without reading fails with EPIPE.
  child.stdin.on('error', () => undefined).end(input)
  const closed = once(child, 'close').then(([code]) => ({ ...ended, code: code as number | null }))
  return { child, ended: closed }
}
