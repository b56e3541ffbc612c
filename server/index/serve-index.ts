/** What a thread of the index does: opens what it is asked for, and answers each order by itself. */
import type { MessagePort } from 'node:worker_threads'
import { IndexDatabases, type IndexParts } from './index-databases.ts'
import { IndexFault } from './index-fault.ts'
import type { FromIndexThread, IndexFailure, IndexOrder, IndexThreadData, ToIndexThread } from './index-messages.ts'
import type { IndexStore } from './index-store.ts'

export function serveIndex(port: MessagePort, { home, isReader }: IndexThreadData, parts: IndexParts): void {
  const databases = new IndexDatabases(home, parts, { isReader })
  const running = new Set<Promise<void>>()
  const post = (message: FromIndexThread) => port.postMessage(message)
  const answer = async (number: number, accountId: string, order: IndexOrder) => {
    try {
      post({ number, value: await obey(databases, accountId, order) })
    } catch (error) {
      post({ number, failure: toFailure(error) })
    }
  }
  const close = async () => {
    await Promise.all(running)
    await databases.close()
    port.close()
  }
  port.on('message', (message: ToIndexThread) => {
    if (message === 'close') return void close()
    const { number, accountId, order } = message
    const answered = answer(number, accountId, order).finally(() => running.delete(answered))
    running.add(answered)
  })
}

async function obey(databases: IndexDatabases, accountId: string, order: IndexOrder): Promise<unknown> {
  switch (order.do) {
    case 'open':
      return databases.use(accountId, async () => undefined)
    case 'release':
      return databases.release(accountId)
    case 'drop':
      return databases.drop(accountId)
    default: {
      const { do: name, arguments: given } = order
      return databases.use(accountId, store => ask(store, name, given))
    }
  }
}

/** The arguments are those of the method, which a union does not show. */
function ask(store: IndexStore, name: keyof IndexStore, given: readonly unknown[]): Promise<unknown> {
  const method = store[name] as (...values: readonly unknown[]) => Promise<unknown>
  return method.apply(store, given as unknown[])
}

function toFailure(error: unknown): IndexFailure {
  const { message, stack } = error instanceof Error ? error : new Error(String(error))
  return { code: error instanceof IndexFault ? error.code : undefined, message, stack }
}
