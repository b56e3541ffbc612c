/**
 * The roads by which the assistant shows strangers' words: its answers, its stored conversations, and the tools that
 * only it has.
 */
import type { Database } from '../../server/platform/database/database.ts'
import type { NewToken, People } from './people.ts'
import type { Road } from './road.ts'
import { type ScriptedChoice, stepOf, toolCall } from './scripted-choice.ts'

const chatbot = '/api/dashboard/chatbot'

/** Tools that are not offered over MCP. */
export const assistantTools = [
  ...['stats', 'metrics_history', 'accounts', 'alerts', 'explain_account', 'links', 'clients', 'audit'],
].map(name => `tool.${name}`)

interface Surroundings {
  models: ScriptedChoice
  newToken(): Promise<NewToken>
  people(): People
  db(): Database
}

export function assistantRoads({ models, newToken, people, db }: Surroundings) {
  const byAssistant = ({ post }: Road, name: string, input: object) => {
    models.script = asked => [stepOf(asked) === 0 ? toolCall(name, input) : 'done']
    return post(`${chatbot}/query`, { query: 'Look.' })
  }
  /** Creates an answer that another token got, and then makes its conversation the given token's. */
  const oldAnswer = async (token: NewToken) => {
    models.script = () => ['yes']
    const asker = await newToken()
    type Answer = { conversation_id: string; answer_id: string }
    const { conversation_id: id, answer_id: answer } = await people().tell<Answer>(
      asker.proof,
      'POST',
      `${chatbot}/query`,
      { query: 'Hello?' },
    )
    await db()
      .updateTable('conversations')
      .set({ owner: `token-${token.id}` })
      .where('id', '=', id)
      .execute()
    const conversation = `${chatbot}/conversations/${id}`
    return { conversation, answer: `${conversation}/answers/${answer}` }
  }
  const roads: Record<string, (road: Road) => Promise<unknown>> = {
    'assistant.queryChatbot': ({ post }) => post(`${chatbot}/query`, { query: 'Hello?' }),
    'conversations.listConversations': async ({ token, get }) => {
      await oldAnswer(token)
      return get(`${chatbot}/conversations`)
    },
    'conversations.getConversation': async ({ token, get }) => get((await oldAnswer(token)).conversation),
    'conversations.exportConversation': async ({ token, get }) =>
      get(`${(await oldAnswer(token)).conversation}/export`),
    'conversations.followAnswer': async ({ token, get }) => get(`${(await oldAnswer(token)).answer}/parts`),
    'conversations.stopAnswer': async ({ token, post }) => post(`${(await oldAnswer(token)).answer}/stop`),
    'tool.clients': road => byAssistant(road, 'clients', {}),
    'tool.audit': road => byAssistant(road, 'audit', { from: '2026-01-01T00:00:00Z' }),
  }
  return roads
}
