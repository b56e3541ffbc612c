/** Turns a burst of events into one notification; messages of a proposal are covered by the proposal's. */
import type { EventOf } from '../../contract/event.ts'
import { formatCount, formatNumber } from '../platform/format.ts'
import { visibleText } from '../platform/visible-text.ts'

export type NoticedFact =
  | { type: 'approval_requested'; data: EventOf<'approval_requested'>['data'] }
  | { type: 'proposal_changed'; data: EventOf<'proposal_changed'>['data'] }

export interface Notice {
  title: string
  body: string
  /** A later notification with the same tag replaces this one. */
  tag: string
  /** The page that it opens. */
  href: string
}

/** Number of messages from which they share one notification. */
const fewest = 3

/** Returns whether an event is worth a notification: it asks for a decision. */
export function isNoticed(event: { type: string; data: object }): event is NoticedFact {
  if (event.type === 'approval_requested') return true
  return event.type === 'proposal_changed' && 'event' in event.data && event.data.event === 'proposed'
}

export function noticesOf(facts: readonly NoticedFact[]): Notice[] {
  const proposals = new Map<string, EventOf<'proposal_changed'>['data']>()
  const messages = new Map<string, EventOf<'approval_requested'>['data']>()
  for (const fact of facts) {
    if (fact.type === 'proposal_changed') proposals.set(fact.data.proposal_id, fact.data)
    else messages.set(fact.data.submission_id, fact.data)
  }
  for (const fact of facts)
    if (fact.type === 'proposal_changed') for (const id of fact.data.item_ids) messages.delete(id)
  return [...proposalNotices([...proposals.values()]), ...messageNotices([...messages.values()])]
}

function proposalNotices(proposals: readonly EventOf<'proposal_changed'>['data'][]): Notice[] {
  const [first] = proposals
  if (!first) return []
  if (proposals.length > 1) {
    return [
      {
        title: `${formatNumber(proposals.length)} proposals wait for you`,
        body: namesOf(proposals),
        tag: 'proposals',
        href: '/approvals',
      },
    ]
  }
  return [
    {
      title: 'A proposal waits for you',
      body: `${visibleText(first.principal_name)}: ${formatCount(first.waiting, 'item')}`,
      tag: first.proposal_id,
      href: `/approvals?open=${encodeURIComponent(first.proposal_id)}`,
    },
  ]
}

function messageNotices(messages: readonly EventOf<'approval_requested'>['data'][]): Notice[] {
  if (messages.length > fewest) {
    return [
      {
        title: `${formatNumber(messages.length)} messages wait for your approval`,
        body: namesOf(messages),
        tag: 'approvals',
        href: '/approvals',
      },
    ]
  }
  return messages.map(({ approval_id: id, principal_name: name, recipients }) => ({
    title: 'A message waits for your approval',
    body: `${visibleText(name)}, to ${formatCount(recipients, 'recipient')}`,
    tag: id,
    href: `/approvals?open=${encodeURIComponent(id)}`,
  }))
}

function namesOf(all: readonly { principal_name: string }[]): string {
  return [...new Set(all.map(({ principal_name: name }) => visibleText(name)))].join(', ')
}
