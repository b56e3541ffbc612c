/**
 * An assistant service on a real database, with a scripted model and three tools: one that reads, one that changes and
 * one that deletes.
 */
import { onTestFinished } from 'vitest'
import type { CallSurroundings } from '../../server/assistant/answer-calls.ts'
import { AssistantService } from '../../server/assistant/assistant-service.ts'
import { ConversationService } from '../../server/assistant/conversation-service.ts'
import { ConversationStore } from '../../server/assistant/conversation-store.ts'
import type { Database } from '../../server/platform/database/database.ts'
import { createLogger } from '../../server/platform/logger.ts'
import { everyScope, type Principal } from '../../server/platform/principal.ts'
import { type Script, ScriptedChoice } from './scripted-choice.ts'

export const person: Principal = {
  ...{ id: 'session-1', name: 'Ann', kind: 'session', userId: null, scopes: everyScope, accounts: 'all' },
}
export const asked = { caller: { principal: person, address: '', userAgent: '' }, requestId: 'r-1' }
export const noAbort = () => new AbortController().signal

const tools = ['look', 'change', 'destroy'] as const
function surroundings(ran: string[], held?: Promise<unknown>): CallSurroundings {
  return {
    toolbox: {
      list: () =>
        tools.map(name => ({
          ...{ name, title: name, description: name, annotations: {} },
          ...{ inputSchema: { type: 'object' as const }, outputSchema: { type: 'object' as const } },
        })),
      has: name => tools.some(known => known === name),
      check: async () => undefined,
      refuseUnknown: () => undefined,
      // Behaves like `call` of the toolbox.
      call: async (name, _input, { signal }) => {
        if (signal.aborted) return { isError: true, problem: { code: 'bad_request', message: 'Client disconnected.' } }
        ran.push(name)
        if (name === 'change') await held
        return { isError: false, output: { done: name } }
      },
    },
    effectOf: name => (name === 'look' ? 'read' : name === 'destroy' ? 'destroy' : 'write'),
    scopeOf: () => undefined,
    accountIds: async () => [],
    shareOf: () => 'text',
    describe: async () => undefined,
    leftOut: () => false,
  }
}

export function serviceOn(db: Database, script: Script, now = () => Date.now(), held?: Promise<unknown>) {
  const store = new ConversationStore(db)
  const choice = new ScriptedChoice(script)
  const ran: string[] = []
  const logger = createLogger('silent')
  const service = new AssistantService({
    choice,
    store,
    calls: surroundings(ran, held),
    changed: () => undefined,
    logger,
    now,
  })
  onTestFinished(() => service.stop())
  const conversations = new ConversationService({
    store,
    end: id => service.end(id),
    underWay: (id, principal) => service.underWay(id, principal),
  })
  return { service, conversations, choice, ran, store, logger }
}
