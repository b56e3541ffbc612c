/** Runs the conformance script to its end, as a user would against an address, or its checks in this process. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type CheckedStream, checkStream } from '../conformance/check-stream.mjs'

const script = join(import.meta.dirname, '../conformance/event-stream.mjs')

export interface Verdict {
  code: number | null
  text: string
  /** The text after `not ok` of each such line. */
  failed: string[]
}

export async function runConformance(
  url: string,
  args: string[] = [],
  environment: Record<string, string> = {},
): Promise<Verdict> {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, ...environment }
  const child = spawn(process.execPath, [script, url, '--wait', '20', ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let text = ''
  for (const output of [child.stdout, child.stderr]) {
    output.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
  }
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, text, failed: failedIn(text) }
}

/** Runs the checks without a process of its own, which takes longer than they do. */
export async function runChecksHere(
  address: string,
  stream: Omit<CheckedStream, 'url' | 'isPartial'>,
): Promise<Omit<Verdict, 'code'> & { undecided: string | undefined }> {
  const url = new URL('/api/dashboard/events', address)
  const lines: string[] = []
  const { undecided } = await checkStream({ ...stream, url, isPartial: false }, line => void lines.push(line))
  const text = lines.join('\n')
  return { text, failed: failedIn(text), undecided }
}

function failedIn(text: string): string[] {
  return [...text.matchAll(/^not ok +(.*)$/gm)].map(match => match[1]!)
}
