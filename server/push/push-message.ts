/**
 * The content of a notification: how many messages and proposals wait, and the names of the callers if the reader wants
 * them. Never anything of a message itself.
 */
import { hiddenCharacter } from '../../contract/hidden-character.ts'
import type { PushDetails } from '../../contract/push.ts'

/** What one user may approve at this moment in some groups. */
export interface Standing {
  /** Waiting messages of these groups, and proposals once each. */
  count: number
  /** The share of proposals in `count`. */
  proposals: number
  /** The same count across all groups. */
  total: number
  /** Names of the callers that ask. */
  asks: readonly string[]
  /** Undefined if several accounts are concerned. */
  account: string | undefined
  /** The approval or proposal that has waited longest. */
  open: string
  /** When the last of them expires. */
  expiresAt: string
}

/** The payload that the page's service worker reads. */
export interface PushContent {
  kind: 'approvals' | 'test'
  /** A notification replaces one with the same tag. */
  tag: string
  count: number
  proposals: number
  total: number
  asks: string | null
  account: string | null
  open: string | null
}

const hidden = new RegExp(hiddenCharacter, 'gu')
const mostCharacters = 80
const mostNames = 2

export function approvalContent(standing: Standing, groups: readonly string[], details: PushDetails): PushContent {
  const { count, proposals, total, asks, account, open } = standing
  const isTelling = details === 'sender'
  const tag = groups.length === 1 ? groups[0]! : 'approvals'
  return {
    kind: 'approvals',
    tag,
    count,
    proposals,
    total,
    asks: isTelling ? namesOf(asks) : null,
    account: isTelling && account !== undefined ? shown(account) : null,
    open,
  }
}

export const testContent: PushContent = {
  ...{ kind: 'test', tag: 'test', count: 0, proposals: 0, total: 0 },
  ...{ asks: null, account: null, open: null },
}

function namesOf(asks: readonly string[]): string {
  const named = asks.slice(0, mostNames).map(shown)
  const others = asks.length - named.length
  return others > 0 ? `${named.join(', ')} and ${others} more` : named.join(' and ')
}

function shown(name: string): string {
  return name.replaceAll(hidden, '').slice(0, mostCharacters).toWellFormed()
}

/** The content of a notifier of alerts; if the browser wants no names, only that there is news. */
export interface AlertContent {
  kind: 'alerts'
  tag: string
  title: string
  body: string
}

/** Characters of title and body, so that both fit into a push message; the page has the rest. */
const mostTitle = 200
const mostBody = 700

export function alertContent(id: string, title: string, body: string): AlertContent {
  const within = (text: string, most: number) => text.replaceAll(hidden, '').slice(0, most).toWellFormed()
  return { kind: 'alerts', tag: `alerts-${id}`, title: within(title, mostTitle), body: within(body, mostBody) }
}

/** For browsers that want no names. */
export function namelessAlert({ kind, tag }: AlertContent): AlertContent {
  return { kind, tag, title: 'RustyMail has news of alerts', body: '' }
}
