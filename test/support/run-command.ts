/** Runs a command of the real program to its end, as a person at a terminal or a script does. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

const here = join(import.meta.dirname, '../..')

export interface CommandOptions {
  dataDir: string
  /** What is piped in. */
  input?: string
  environment?: Record<string, string>
  /** Another copy of the program than this one. */
  root?: string
}

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

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
  // Who ends without reading breaks the pipe.
  child.stdin.on('error', () => undefined).end(input)
  const closed = once(child, 'close').then(([code]) => ({ ...ended, code: code as number | null }))
  return { child, ended: closed }
}
