/** Limits what is shown of a conversation: callers whose rights were reduced since it was answered see less of it. */
import type { ChatbotPart } from '../../contract/answers.ts'
import { scopes as allScopes, type Scope } from '../../contract/scope.ts'
import { maySeeAccount, type Principal } from '../platform/principal.ts'
import type { KeptBlock, KeptCall, KeptPart, Needs } from './kept-parts.ts'
import type { KeptSummary, Turn } from './model-request.ts'

type Reach = Pick<Principal, 'accounts' | 'scopes'>

const hiddenWords =
  'This is not shown any more: it was answered from accounts, or with rights, that you do not have now.'
const ofMail: readonly Scope[] = ['mail:meta', 'mail:read']
const ofDashboard: readonly Scope[] = ['dashboard:read', 'dashboard:admin']

/**
 * Returns the rights needed for a tool result.
 * @param accounts The accounts of its mail; undefined if it contains no mail.
 * @param own The scope of the tool: results about drafts and the outbox need more than mail.
 */
export function needsOf(
  { accounts: seen, scopes }: Reach,
  accounts: readonly string[] | undefined,
  own: Scope | 'signed_in' | undefined,
): Needs {
  const isNeeded = (scope: Scope) =>
    scopes.has(scope) && (scope === own || (accounts ? ofMail : ofDashboard).includes(scope))
  return { accounts: accounts ?? (seen === 'all' ? 'all' : [...seen]), scopes: allScopes.filter(isNeeded) }
}

export function bothNeeds(one: Needs | undefined, other: Needs | undefined): Needs | undefined {
  if (!one || !other) return one ?? other
  const isAll = one.accounts === 'all' || other.accounts === 'all'
  return {
    accounts: isAll ? 'all' : [...new Set([...one.accounts, ...other.accounts])],
    scopes: [...new Set([...one.scopes, ...other.scopes])],
  }
}

/** Returns true if the rights suffice; without tool results, everyone may see a text. */
export function isInReach(needs: Needs | undefined, reach: Reach): boolean {
  if (!needs) return true
  const { accounts, scopes } = needs
  if (!scopes.every(scope => reach.scopes.has(scope))) return false
  return accounts === 'all' ? reach.accounts === 'all' : accounts.every(id => maySeeAccount(reach as Principal, id))
}

/** Returns true if there may be something that the caller cannot see. */
export function isLimited({ accounts, scopes }: Reach): boolean {
  return accounts !== 'all' || allScopes.some(scope => !scopes.has(scope))
}

/** Replaces everything that may repeat what is out of reach; which calls were refused is still shown. */
export function shownBlocks(
  blocks: readonly KeptBlock[],
  needs: Needs | undefined,
  reach: Reach,
): readonly KeptBlock[] {
  if (isInReach(needs, reach)) return blocks
  const shown = blocks.map(
    (block): KeptBlock =>
      block.type === 'text' ? { ...block, text: hiddenWords } : { ...block, call: shownCall(block.call, reach) },
  )
  return shown.some(({ type }) => type === 'text') ? shown : [...shown, hiddenBlock()]
}

/** Returns the history for models, with turns that are out of reach replaced. */
export function beforeInReach<Known extends Turn & { id: string }>(
  { history, summary: kept }: { history: readonly Known[]; summary: KeptSummary | undefined },
  reach: Reach,
): { history: Known[]; summary: KeptSummary | undefined } {
  const summary = kept && isInReach(kept.needs, reach) ? kept : undefined
  const told = history.filter(({ id }) => summary === undefined || id > summary.upTo)
  const hidden = { blocks: [hiddenBlock()], needs: undefined }
  return { history: told.map(turn => (isInReach(turn.needs, reach) ? turn : { ...turn, ...hidden })), summary }
}

/** Filters parts for one reader, in order; the replacement text is sent once. */
export function partsInReach(): (part: KeptPart, needs: Needs | undefined, reach: Reach) => KeptPart {
  let isSaid = false
  return (part, needs, reach) => {
    if (isInReach(needs, reach)) return part
    if (part.type === 'text_delta') {
      const text = isSaid ? '' : hiddenWords
      isSaid = true
      return { ...part, text }
    }
    if (part.type === 'finish') return { ...part, result: hiddenResult(part.result) }
    return 'call' in part ? { ...part, call: shownCall(part.call, reach) } : part
  }
}

function shownCall(call: KeptCall, reach: Reach): KeptCall {
  const hidden = { ...call, input: null, summary: null }
  return isInReach(call.needs, reach) ? hidden : { ...hidden, result: hiddenWords, citations: [] }
}

function hiddenResult(result: Extract<ChatbotPart, { type: 'finish' }>['result']): typeof result {
  return { ...result, response: hiddenWords, tool_calls: [] }
}

const hiddenBlock = (): KeptBlock => ({ type: 'text', text: hiddenWords, by: null, shares: {} })
