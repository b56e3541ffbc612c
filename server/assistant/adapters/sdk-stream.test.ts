/** What the `ai` SDK must not do to the server around it. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { ModelStandIn } from '../../../test/support/model-stand-in.ts'

/** Runs in a process of its own: what is loaded and what is printed belongs to the whole process. */
const script = `
  import { registerHooks } from 'node:module'
  const loaded = []
  registerHooks({ resolve(name, context, next) { loaded.push(name); return next(name, context) } })
  const { createChatModels } = await import('./server/assistant/adapters/index.ts')
  const [url] = process.argv.slice(1)
  const provider = { apiKey: 'sk-canary', baseUrl: url, model: 'm' }
  const models = createChatModels({ openai: provider, openrouter: provider })
  const atRest = [...loaded]
  const outcome = []
  for (const model of models) {
    try {
      const parts = model.stream({ messages: [{ role: 'system', content: 's' }, { role: 'user', content: 'u' }], signal: AbortSignal.timeout(20_000) })
      for await (const part of parts) outcome.push(part.type)
    } catch (error) {
      outcome.push(error.code)
    }
  }
  process.stdout.write(JSON.stringify({ atRest, usesSdk: loaded.includes('@ai-sdk/openai-compatible'), outcome }))
`

async function runApart(url: string) {
  const args = ['--input-type=module-typescript', '--eval', script, url]
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, {
    cwd: new URL('../../..', import.meta.url),
  })
  return { stderr, ...(JSON.parse(stdout) as { atRest: string[]; usesSdk: boolean; outcome: string[] }) }
}

test('the SDK is loaded with the first question and not before, and prints nothing', async () => {
  await using standIn = await ModelStandIn.start('openai', { does: 'answer', pieces: ['a'] })
  const { atRest, usesSdk, outcome, stderr } = await runApart(standIn.url)
  expect(atRest).toContain('./openai-model.ts')
  expect(atRest.filter(name => /^ai$|^@/.test(name))).toEqual([])
  expect(usesSdk).toBe(true)
  expect(outcome).toEqual(['text_delta', 'finish', 'text_delta', 'finish'])
  expect(stderr).toBe('')
})

test.each([
  { does: 'refuse', status: 500, words: 'no' },
  { does: 'fail inside', pieces: [], words: 'no' },
  { does: 'tear', pieces: [] },
] as const)('the SDK prints nothing when a provider fails: $does', async behaviour => {
  await using standIn = await ModelStandIn.start('openai', behaviour)
  const { outcome, stderr } = await runApart(standIn.url)
  expect(outcome).toEqual(['provider_failed', 'provider_failed'])
  expect(stderr).toBe('')
})
