/** A process that ends by an error that nobody handles says which, and nothing that hangs on it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const program = `
  import { logCrashes } from ${JSON.stringify(join(import.meta.dirname, 'crash-output.ts'))}
  logCrashes().secrets = ['canary-of-the-environment']
  const sent = { executedCommand: 'a1 LOGIN ann canary-that-hangs', password: 'canary-password' }
  const cause = Object.assign(new Error('before'), sent)
  const failed = code => Object.assign(new Error('no, canary-of-the-environment', { cause }), sent, { code })
  void Promise.reject(failed('EODD'))
  void Promise.reject(failed('ENEXT'))
`

test('the words of the error and its stack come out, and no secret, also of one that comes behind it', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let words = ''
  child.stderr.on('data', (chunk: Buffer) => {
    words += chunk.toString()
  })
  const [code] = await once(child, 'close')
  expect(code).toBe(1)
  expect(words).not.toContain('canary')
  const lines = words.trim().split('\n')
  const logged = { message: expect.stringContaining('no, [redacted]'), stack: expect.stringContaining('at ') }
  expect(lines.map(line => JSON.parse(line))).toMatchObject(
    ['EODD', 'ENEXT'].map(code => ({ level: 'fatal', err: { ...logged, code } })),
  )
})
