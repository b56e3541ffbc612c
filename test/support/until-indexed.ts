/** Waits until an account is as tests begin with it: its index holds the mail of its server, and what comes from then on is told. */
import { expect, vi } from 'vitest'
import { api } from '../../contract/index.ts'
import type { IndexStatus } from '../../contract/mail-index.ts'
import type { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { patience } from './patience.ts'
import type { People } from './people.ts'

/** So that lists and searches come from it. @param messages How many there are, in all folders; unless given, as many as the index knows of. */
export async function untilIndexed(people: People, accountId: string, messages?: number): Promise<void> {
  const path = api.mailIndex.getIndex.path.replace('{account_id}', accountId)
  const status = async () => {
    const { state, messages: indexed, texts } = await people.tell<IndexStatus>(people.admin, 'GET', path)
    return { state, indexed, texts }
  }
  const indexed = messages ?? expect.any(Number)
  // Unlike `expect.poll` also before the tests of a file.
  const wanted = { state: 'complete', indexed, texts: indexed }
  await vi.waitFor(async () => expect(await status()).toEqual(wanted), { interval: 20, timeout: patience })
}

/** What is delivered before is there the first time, and never told as new: the index may be complete by then. */
export async function untilWatched({ connections }: MemoryGateway, accounts: number): Promise<void> {
  const watching = () => [...connections].filter(({ isWatching }) => isWatching).length
  await vi.waitFor(() => expect(watching()).toBe(accounts), { interval: 20, timeout: patience })
}
