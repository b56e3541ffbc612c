/**
 * Caches the UIDs of the open folder while it is read batch by batch: a SEARCH for each batch visits all messages again,
 * and lists them again if their UIDs have gaps.
 */
import type { ImapFlow } from 'imapflow'
import { commonUids, type UidRange } from '../uid-ranges.ts'

interface Known {
  mailbox: ImapFlow['mailbox']
  range: UidRange
  uids: readonly UidRange[]
}

/** Ranges held in memory; a folder with more is searched for each batch until fewer are left. */
const mostRanges = 20_000

export class UidCache {
  readonly #client: Pick<ImapFlow, 'mailbox' | 'on'>
  #known: Known | undefined

  /** @param client Reports messages that arrive and vanish, and has another `mailbox` once a folder was opened again. */
  constructor(client: Pick<ImapFlow, 'mailbox' | 'on'>) {
    this.#client = client
    for (const event of ['exists', 'expunge'] as const) client.on(event, () => this.forget())
  }

  forget(): void {
    this.#known = undefined
  }

  /** Returns the UIDs of a range. @param search Requests them from the server. */
  async within(range: UidRange, search: () => Promise<UidRange[]>): Promise<UidRange[]> {
    const known = this.#known
    const { mailbox } = this.#client
    const isKnown = known && known.mailbox === mailbox && known.range[0] <= range[0] && range[1] <= known.range[1]
    if (isKnown) return commonUids(known.uids, [range])
    const uids = await search()
    this.#known = uids.length <= mostRanges ? { mailbox, range, uids } : undefined
    return uids
  }
}
