/** Waits until an account is ready for a test: its index holds the server's mail, and later arrivals are announced. */
import { expect, vi } from 'vitest'
import { api } from '../../contract/index.ts'
import type { IndexStatus } from '../../contract/mail-index.ts'
import type { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { patience } from './patience.ts'
import type { People } from './people.ts'

/**
 * Waits until lists and searches are served by the index. @param messages Number of messages in all folders; by
 * default, as many as the index knows of.
 */
export async function untilIndexed(people: People, accountId: string, messages?: number): Promise<void> {
  const path = api.mailIndex.getIndex.path.replace('{account_id}', accountId)
  const status = async () => {
    const { state, messages: indexed, texts } = await people.tell<IndexStatus>(people.admin, 'GET', path)
    return { state, indexed, texts }
  }
  const indexed = messages ?? expect.any(Number)
  // `vi.waitFor` also works in hooks before the tests of a file, unlike `expect.poll`.
  const wanted = { state: 'complete', indexed, texts: indexed }
  await vi.waitFor(async () => expect(await status()).toEqual(wanted), { interval: 20, timeout: patience })
}

/** Waits until the accounts watch. Mail delivered before is never announced as new, even if the index is complete. */
export async function untilWatched({ connections }: MemoryGateway, accounts: number): Promise<void> {
  const watching = () => [...connections].filter(({ isWatching }) => isWatching).length
  await vi.waitFor(() => expect(watching()).toBe(accounts), { interval: 20, timeout: patience })
}
