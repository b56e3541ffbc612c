/** Renders a tool result as text for models: complete, and by account for models that may see only a part of it. */

import type { Citation } from '../../contract/answers.ts'
import { conversationBounds } from '../../contract/answers.ts'
import type { MailShare } from '../../contract/model-provider.ts'
import type { ToolResult } from '../tools/toolbox.ts'
import type { ModelResult, Slice } from './kept-parts.ts'

export interface RenderedResult {
  text: string
  told: ModelResult
  citations: Citation[]
}

/** Fields of mail tools that contain who, when and where, but no message content. All others are left out. */
const headerFields = new Set(
  (
    'hits messages failed threads changes items folders accounts ref id thread from to cc reply_to sender more_to more_people name email ' +
    'invalid date subject flags labels warn auth dmarc spf dkim folder path role namespace selectable total unread more found cursor left ' +
    'message_id created updated removed added destroyed state ok draft rev undo pending status code why counting omitted not_searched account'
  ).split(' '),
)
const maxCitations = 20
const cut = '\n[The rest was left out: it is too long.]'

/** @param accounts The accounts of its mail; undefined if it contains no mail. */
export function renderResult(result: ToolResult, accounts: readonly string[] | undefined): RenderedResult {
  if (result.isError) {
    const { code, message, hint } = result.problem
    const text = bounded([`${code}: ${message}`, ...(hint === undefined ? [] : [hint])].join(' '))
    return { text, told: { slices: [], isError: true }, citations: [] }
  }
  const { citations = [], ...output } = result.output as { citations?: Citation[] }
  const files = (result.blocks ?? []).length
  const whole = [
    result.text?.() ?? JSON.stringify(output),
    ...(files > 0 ? [`[${files} files are not shown here.]`] : []),
  ]
  const text = bounded(whole.join('\n'))
  const slices = accounts ? slicesOf(output, accounts) : []
  const seen = citations.length > 0 ? citations : [...madeIn(output), ...messagesIn(output, accounts ?? [])]
  return { text, told: { slices, isError: false }, citations: seen.slice(0, maxCitations) }
}

/** Returns how much of a result is withheld from the model, which the person, who sees all of it, is shown. */
export function withheldOf(
  { slices }: ModelResult,
  shareOf: (accountId: string) => MailShare,
): 'all' | 'part' | undefined {
  const shares = slices.map(({ account }) => shareOf(account))
  if (shares.every(share => share === 'text')) return undefined
  return shares.every(share => share === 'none') ? 'all' : 'part'
}

function slicesOf(output: object, accounts: readonly string[]): Slice[] {
  const [only] = accounts
  if (only !== undefined && accounts.length === 1) return [{ account: only, headers: headersOf(output) }]
  return accounts.map(account => {
    const own = ofAccount(output, account)
    return { account, headers: headersOf(own), text: bounded(JSON.stringify(own)) }
  })
}

function headersOf(value: object): string {
  return bounded(JSON.stringify(picked(value)))
}

function picked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(picked)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([name]) => headerFields.has(name))
  return Object.fromEntries(entries.map(([name, each]) => [name, picked(each)]))
}

/** Filters lists whose items name their account; objects are left out, since they name none. */
function ofAccount(output: object, account: string): object {
  return Object.fromEntries(
    Object.entries(output).flatMap(([name, value]) => {
      if (!Array.isArray(value)) return typeof value === 'object' ? [] : [[name, value]]
      return [[name, value.filter(each => accountIn(each) === account)]]
    }),
  )
}

function accountIn(item: unknown): string | undefined {
  if (typeof item !== 'object' || item === null) return undefined
  const { ref, account } = item as { ref?: unknown; account?: unknown }
  if (typeof account === 'string') return account
  return typeof ref === 'string' && ref.includes('.') ? ref.slice(0, ref.indexOf('.')) : undefined
}

/** Returns citations of messages found or read. Labels are a stranger's words, so they are shown as text. */
function messagesIn(output: object, accounts: readonly string[]): Citation[] {
  const lists = Object.values(output).filter(Array.isArray)
  return lists.flat().flatMap((item: unknown): Citation[] => {
    if (typeof item !== 'object' || item === null) return []
    const { ref, subject, folder } = item as { ref?: unknown; subject?: unknown; folder?: unknown }
    if (typeof ref !== 'string' || typeof subject !== 'string') return []
    const account = accountIn(item) ?? (accounts.length === 1 ? accounts[0] : undefined)
    if (account === undefined) return []
    const place = new URLSearchParams({
      account,
      ...(typeof folder === 'string' && { folder }),
      message: ref.slice(ref.indexOf('.') + 1),
    })
    return [{ kind: 'message', label: subject.slice(0, 200), href: `/mail?${place}`.slice(0, 1_000) }]
  })
}

/** Returns citations of what was written, proposed or waits for approval, with the page for reviewing it. */
function madeIn(output: object): Citation[] {
  const { draft, review_url: review, approve_url: approve } = output as Record<string, unknown>
  const seenAt = (kind: Citation['kind'], label: string, url: unknown): Citation[] => {
    if (typeof url !== 'string' || !URL.canParse(url)) return []
    const { pathname, search } = new URL(url)
    return [{ kind, label, href: `${pathname}${search}`.slice(0, 1_000) }]
  }
  return [
    ...(draft === undefined ? seenAt('outbox', 'Proposal', review) : seenAt('draft', 'Draft', review)),
    ...seenAt('outbox', 'Approval', approve),
  ]
}

function bounded(text: string): string {
  const most = conversationBounds.result - cut.length
  return text.length <= most ? text : text.slice(0, most) + cut
}
