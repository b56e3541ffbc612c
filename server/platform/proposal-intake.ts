/**
 * What takes in what callers only propose: changes, drafts and messages of a token in mode `propose` become items of a proposal, in the
 * transaction that stores them. The features that store them know this much of proposals, and no more.
 */
import type { Fact } from '../../contract/event.ts'
import type { ProposalItemKind } from '../../contract/proposal.ts'
import type { Database } from './database/database.ts'
import type { Principal } from './principal.ts'

export interface ProposedItem {
  /** Of the operation, draft or submission. */
  id: string
  kind: ProposalItemKind
  /** Of exactly what is proposed: equal for the same change. */
  hash: string
  words: string
  /** Without which it cannot be applied. */
  needsFirst: readonly string[]
  /** That it would change, and those of them that it would delete. */
  messages: number
  deletions: number
}

export interface ProposalIntake {
  /** By the policy as the database has it now: what decides asks in the transaction that acts, since another process may just have changed it. */
  isProposing(principal: Pick<Principal, 'kind' | 'id'>, db?: Database): Promise<boolean>
  /**
   * A draft that waits already waits with its new content.
   * @returns The proposal that they are items of. @throws Problem `too_many_operations` when too many proposals wait.
   */
  put(
    transaction: Database,
    tell: (fact: Fact) => void,
    principal: Principal,
    accountId: string,
    items: readonly ProposedItem[],
  ): Promise<string>
  /** The item of the caller that waits with the same change. */
  findTwin(transaction: Database, principal: Principal, accountId: string, hash: string): Promise<string | undefined>
  /** It waits no more, if it did: a draft that its sender discards, or that is not only proposed any more. */
  end(
    transaction: Database,
    tell: (fact: Fact) => void,
    itemId: string,
    state: 'withdrawn' | 'void',
    why: string | null,
  ): Promise<void>
  /** A draft that is proposed as a message is no item of its own any more. */
  drop(transaction: Database, itemId: string): Promise<void>
}

/** Where everything is done that is asked for. */
export const noProposals: ProposalIntake = {
  isProposing: async () => false,
  put: async () => {
    throw new Error('nothing is proposed here')
  },
  findTwin: async () => undefined,
  end: async () => undefined,
  drop: async () => undefined,
}
