/** A proposal as data: the change set of a token in mode `propose`, which a human applies, completely or in part, or declines. */
import { z } from 'zod'
import { AskerActivity } from './asker-activity.ts'
import { ActingPrincipal, Draft } from './draft.ts'
import { Address, MessageRef } from './mail.ts'
import { MessageId } from './message-id.ts'
import { Operation } from './operation.ts'
import { Submission } from './submission.ts'
import { AccountId, Timestamp, typedLine } from './wire.ts'

export const proposalBounds = {
  /** Maximum items of one proposal; further ones begin another proposal. */
  items: 200,
  /** Open proposals of one token, over all accounts. */
  open: 20,
  /** Maximum changes of messages in one response, as in every list; the rest follows under its cursor. */
  changes: 100,
  /** Hours after its latest item during which a proposal can be applied. */
  hours: 168,
  reason: 500,
} as const

export const ProposalId = z
  .string()
  .regex(/^p[0-9a-z]{16}$/, 'is not a proposal id')
  .describe('Later ones have greater ids')
  .meta({ examples: ['p01k5r9w2m3c7x4aq'] })

export const ProposalState = z
  .enum(['open', 'applied', 'partial', 'declined', 'expired'])
  .describe('`open`: at least one item waits; `partial`: some items were applied, and none waits')
export type ProposalState = z.infer<typeof ProposalState>

export const ProposalItemKind = z
  .enum(['operation', 'draft', 'message'])
  .describe('A change of messages or folders; a draft to be put into the Drafts folder; a message to be sent')
export type ProposalItemKind = z.infer<typeof ProposalItemKind>

export const ProposalItemState = z
  .enum(['waiting', 'applied', 'declined', 'expired', 'withdrawn', 'void'])
  .describe(
    '`applied`: by a human; its further state is in `operation`, `draft` or `submission`; `withdrawn`: by the caller who proposed it; `void`: it can no longer be applied, for the reason in `why`',
  )
export type ProposalItemState = z.infer<typeof ProposalItemState>

const hash = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'is not a SHA-256 in hex')
  .describe('SHA-256 of exactly what is proposed: applying is bound to it')
  .meta({ examples: ['9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'] })

/** The operation, draft or submission that an item stands for, by id. */
const ItemId = z
  .string()
  .regex(/^[ds]?[0-9A-Za-z_-]{16,22}$/, 'is not an id of an item')
  .meta({ examples: ['01k5r9w2m3c7x4aq'] })

export const ProposalItem = z
  .object({
    id: ItemId.describe('Id of its operation, draft or submission'),
    kind: ProposalItemKind,
    state: ProposalItemState,
    hash,
    at: Timestamp.describe('Time when it was proposed, or last changed'),
    words: z.string().describe('In plain words: `Move 12 messages from INBOX to Archive`'),
    operation: Operation.nullable(),
    draft: Draft.nullable().describe('The draft without its body'),
    submission: Submission.nullable(),
    approval_id: z
      .string()
      .nullable()
      .describe('For a message: id of its approval; it can be approved here or among approvals'),
    needs_first: z
      .array(ItemId)
      .describe('Items that must be applied first, such as the creation of its target folder'),
    decided: z
      .object({ user_id: z.string(), name: z.string(), at: Timestamp, reason: z.string().nullable() })
      .nullable()
      .describe('Who applied or declined it'),
    why: z.string().nullable().describe('Why the item is void, or why the caller cannot apply it'),
    can: z.array(z.enum(['apply', 'decline', 'withdraw'])).describe('What the caller may do now'),
  })
  .meta({ id: 'ProposalItem' })
export type ProposalItem = z.infer<typeof ProposalItem>

export const Proposal = z
  .object({
    id: ProposalId,
    account_id: AccountId,
    state: ProposalState,
    proposes: ActingPrincipal,
    words: z.array(z.string()).describe('What the proposal would do, in plain words, one line per kind of change'),
    counts: z.object({
      items: z.int(),
      waiting: z.int(),
      applied: z.int(),
      declined: z.int().describe('Including those that are expired, withdrawn or void'),
      messages: z.int().describe('Messages that waiting items would change'),
      sends: z.int().describe('Waiting messages to be sent'),
      deletions: z.int().describe('Messages that waiting items would delete permanently'),
    }),
    created_at: Timestamp,
    updated_at: Timestamp,
    expires_at: Timestamp.nullable().describe('Null if nothing waits'),
  })
  .meta({ id: 'Proposal' })
export type Proposal = z.infer<typeof Proposal>

export const ProposalDetail = Proposal.extend({
  items: z.array(ProposalItem).max(proposalBounds.items).describe('Items in the order in which they would be executed'),
  activity: AskerActivity,
}).meta({ id: 'ProposalDetail' })
export type ProposalDetail = z.infer<typeof ProposalDetail>

/** One line of the diff: the current and the proposed state of a message. */
export const ProposedChange = z
  .object({
    item_id: ItemId,
    id: MessageId.nullable(),
    ref: MessageRef.nullable(),
    subject: z.string().nullable(),
    from: Address.nullable(),
    date: Timestamp.nullable(),
    folder: z.string().nullable().describe('Current folder of the message'),
    flags: z.array(z.string()).nullable().describe('Current flags'),
    add: z.array(z.string()).describe('Flags that would be added'),
    remove: z.array(z.string()).describe('Flags that would be removed'),
    to: z.string().nullable().describe('Folder to which the message, or its copy, would go'),
    action: z.enum(['flags', 'move', 'copy', 'delete', 'folder']),
    outcome: z
      .enum(['will_change', 'nothing_to_do', 'gone'])
      .describe('`nothing_to_do`: the message already has this state; `gone`: it no longer exists'),
  })
  .meta({ id: 'ProposedChange' })
export type ProposedChange = z.infer<typeof ProposedChange>

/** Items to decide, with the hashes that were shown. */
export const ChosenItems = z
  .array(z.strictObject({ id: ItemId, hash }))
  .min(1)
  .max(proposalBounds.items)
  .refine(items => new Set(items.map(({ id }) => id)).size === items.length, 'must not repeat')

export const DecisionReason = typedLine.trim().min(1).max(proposalBounds.reason)

/** The outcome of each requested item. */
export const ProposalDecision = z
  .object({
    proposal: ProposalDetail,
    results: z.array(
      z.object({
        id: ItemId,
        state: ProposalItemState,
        code: z.string().nullable().describe('Why the item was not applied: a problem code'),
        why: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'ProposalDecision' })
export type ProposalDecision = z.infer<typeof ProposalDecision>

/** The fact `proposal_changed`: what happened to items of a proposal. */
export const ProposalNews = z.object({
  account_id: AccountId,
  at: Timestamp,
  proposal_id: z.string(),
  principal: z.string().describe('Id of the proposing principal'),
  principal_name: z.string(),
  state: ProposalState,
  items: z.int(),
  waiting: z.int(),
  applied: z.int(),
  event: z
    .enum(['proposed', 'applied', 'declined', 'withdrawn', 'expired', 'void'])
    .describe('What happened to the items'),
  item_ids: z.array(z.string()).max(proposalBounds.items).describe('Ids of the affected items'),
  by: z.string().nullable().describe('The user who decided'),
})
