/** `rustymail mcp` as a child process that a test talks to line by line. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'

export const root = join(import.meta.dirname, '../..')
export const program = ['--max-semi-space-size=16', 'bin/rustymail.js', 'mcp']
export function environmentOf(more: Record<string, string>) {
  return {
    PATH: process.env.PATH!,
    HOME: process.env.HOME!,
    RUSTYMAIL_PORT: '0',
    RUSTYMAIL_AUTOCONFIG: 'shipped',
    ...more,
  }
}

/** Starts the program alone, and reads its output line by line. */
export function startStdio(words: string[], environment: Record<string, string>) {
  const child = spawn(process.execPath, [...program, ...words], {
    cwd: root,
    env: environmentOf(environment),
    stdio: 'pipe',
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk
  })
  child.stdin.on('error', () => undefined)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => {
    const { value, done } = await lines.next()
    return done ? undefined : (JSON.parse(value) as Record<string, unknown>)
  }
  const send = (message: object) => void child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  return { child, send, next, errors: () => errors }
}

export const hello = {
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
}
