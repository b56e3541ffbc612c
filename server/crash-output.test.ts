/** A process that ends by an error that nobody handles says which, and nothing that hangs on it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const program = `
  import { tellCrashes } from ${JSON.stringify(join(import.meta.dirname, 'crash-output.ts'))}
  tellCrashes().secrets = ['canary-of-the-environment']
  const sent = { executedCommand: 'a1 LOGIN ann canary-that-hangs', password: 'canary-password' }
  const cause = Object.assign(new Error('before'), sent)
  void Promise.reject(Object.assign(new Error('no, canary-of-the-environment', { cause }), sent, { code: 'EODD' }))
`

test('the words of the error and its stack come out, and no secret', async () => {
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
  const { level, err } = JSON.parse(words) as { level: string; err: { message: string; stack: string; code: string } }
  expect(level).toBe('fatal')
  expect(err).toMatchObject({
    message: expect.stringContaining('no, [redacted]'),
    code: 'EODD',
    stack: expect.stringContaining('at '),
  })
})
