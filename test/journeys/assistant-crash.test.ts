/**
 * kill -9 of the program during an answer: nothing that was asked or said is lost, the answer says so, and the next
 * question works.
 */
import { expect, onTestFinished, test } from 'vitest'
import type { ChatbotResponse } from '../../contract/answers.ts'
import { Conversation, type ConversationSummary } from '../../contract/conversations.ts'
import { ModelStandIn } from '../support/model-stand-in.ts'
import { apiKey, type Served, startHere, startRustyMail } from '../support/rustymail.ts'

const chatbot = '/api/dashboard/chatbot'

async function tell<T>(served: Served, method: string, path: string, body?: unknown): Promise<T> {
  const response = await served.send(method, path, body)
  expect(response.status, `${method} ${path}`).toBeLessThan(300)
  return (await response.json()) as T
}

const read = async (served: Served, id: string) =>
  Conversation.parse(await tell(served, 'GET', `${chatbot}/conversations/${id}`))

test('a server that is killed while it answers has lost nothing, says so, and answers the next question', async () => {
  const standIn = await ModelStandIn.start('openai', { does: 'stall', pieces: ['so ', 'far'] })
  onTestFinished(() => standIn.close())
  const environment = { OPENAI_API_KEY: 'sk-crash', OPENAI_BASE_URL: standIn.url, OPENAI_MODEL: 'stand-in-1' }
  const first = await startRustyMail({ environment })
  standIn.behave({ does: 'answer', pieces: ['before'] })
  const { conversation_id: id } = await tell<ChatbotResponse>(first, 'POST', `${chatbot}/query`, { query: 'One?' })
  standIn.behave({ does: 'stall', pieces: ['so ', 'far'] })
  const streamed = await fetch(`${first.url}${chatbot}/query`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${apiKey}`,
      'content-type': 'application/json',
      accept: 'text/event-stream',
    },
    body: JSON.stringify({ query: 'Two?', conversation_id: id }),
  })
  expect(streamed.status).toBe(200)
  const stored = async () => {
    const { items } = await tell<{ items: ConversationSummary[] }>(
      first,
      'GET',
      `${chatbot}/conversations?q=${encodeURIComponent('so far')}`,
    )
    return items.map(each => each.id)
  }
  // A search sees only what is stored; reading a running answer does not prove that.
  await expect.poll(stored).toEqual([id])
  await first.stop('SIGKILL')
  await streamed.text().catch(() => undefined)
  const second = await startHere({ environment, dataDir: first.dataDir })
  const found = await read(second, id)
  expect(found).toMatchObject({
    state: 'idle',
    answers: 2,
    items: [
      { question: 'One?', state: 'done', blocks: [{ type: 'text', text: 'before' }] },
      {
        question: 'Two?',
        state: 'failed',
        blocks: [{ type: 'text', text: 'so far' }],
        problem: { code: 'draining', detail: expect.stringContaining('The server stopped') },
      },
    ],
  })
  standIn.behave({ does: 'answer', pieces: ['fine'] })
  const next = { query: 'Three?', conversation_id: id }
  expect((await tell<ChatbotResponse>(second, 'POST', `${chatbot}/query`, next)).response).toBe('fine')
  // What was said before the kill is sent to the model too.
  expect(JSON.stringify(standIn.requests.at(-1)?.body)).toMatch(/before.*so far.*Three\?/)
  expect((await read(second, id)).items).toHaveLength(3)
})

test('RIG is asked first with the body of the plan, OpenAI when it fails, and what dies in the middle of a whole answer falls back', async () => {
  const rig = await ModelStandIn.start('rig', { does: 'answer', pieces: ['from rig'] })
  const openai = await ModelStandIn.start('openai', { does: 'answer', pieces: ['from openai'] })
  const mistral = await ModelStandIn.start('mistral', { does: 'answer', pieces: ['from mistral'] })
  onTestFinished(async () => void (await Promise.all([rig, openai, mistral].map(each => each.close()))))
  const served = await startHere({
    environment: {
      ...{ RIG_ENDPOINT: rig.url, OPENAI_API_KEY: 'sk-plan', OPENAI_BASE_URL: `${openai.url}/v1/` },
      ...{ MISTRAL_API_KEY: 'k', MISTRAL_BASE_URL: mistral.url },
    },
  })
  const ask = (query: string) => tell<ChatbotResponse>(served, 'POST', `${chatbot}/query`, { query })
  expect((await ask('Hello?')).response).toBe('from rig')
  expect(rig.requests.at(-1)?.body).toEqual({ query: 'Hello?' })
  rig.behave({ does: 'refuse', status: 503, words: 'worn out' })
  const second = await ask('And now?')
  expect(second.response).toBe('from openai')
  expect(second.attempts).toMatchObject([{ code: 'provider_failed', detail: expect.stringContaining('worn out') }])
  openai.behave({ does: 'tear', pieces: ['half of', ' it'] })
  const third = await ask('In the middle?')
  expect(third.response).toBe('from mistral')
  expect(third.attempts.map(({ detail }) => detail)).toHaveLength(2)
})
