/**
 * Intake of proposals: changes, drafts and messages of a token in mode `propose` become items of a proposal, in the
 * transaction that stores them. This is all that the features which store them know of proposals.
 */
import type { Fact } from '../../contract/event.ts'
import type { ProposalItemKind } from '../../contract/proposal.ts'
import type { Database } from './database/database.ts'
import type { Principal } from './principal.ts'

export interface ProposedItem {
  /** Id of the operation, draft or submission. */
  id: string
  kind: ProposalItemKind
  /** Hash of the proposed change, to dedupe equal ones. */
  hash: string
  words: string
  /** Items that have to be applied before it. */
  needsFirst: readonly string[]
  /** Number of messages that it would change; `deletions` counts those it would delete. */
  messages: number
  deletions: number
}

export interface ProposalIntake {
  /**
   * Reads the policy from the database, in the transaction that acts, since another process may just have changed it.
   */
  isProposing(principal: Pick<Principal, 'kind' | 'id'>, db?: Database): Promise<boolean>
  /**
   * Adds items to a proposal; a draft that is already pending is updated.
   * @returns Id of the proposal. @throws Problem `too_many_operations` if too many proposals are pending
   */
  put(
    transaction: Database,
    publish: (fact: Fact) => void,
    principal: Principal,
    accountId: string,
    items: readonly ProposedItem[],
  ): Promise<string>
  /** Finds a pending item of the caller with the same change. */
  findTwin(transaction: Database, principal: Principal, accountId: string, hash: string): Promise<string | undefined>
  /** Ends a pending item, if there is one: a draft that was discarded, or is no longer only proposed. */
  end(
    transaction: Database,
    publish: (fact: Fact) => void,
    itemId: string,
    state: 'withdrawn' | 'void',
    why: string | null,
  ): Promise<void>
  /** Drops the item of a draft that is now proposed as a message. */
  drop(transaction: Database, itemId: string): Promise<void>
}

/** No-op for when nothing is only proposed. */
export const noProposals: ProposalIntake = {
  isProposing: async () => false,
  put: async () => {
    throw new Error('nothing is proposed here')
  },
  findTwin: async () => undefined,
  end: async () => undefined,
  drop: async () => undefined,
}
