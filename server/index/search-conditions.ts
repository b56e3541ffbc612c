/** Parses the conditions of the search language: keys and their values. */
import type { Flag } from '../../contract/mail.ts'
import type { TermPiece } from './search-pieces.ts'
import { type SearchCondition, SearchFault, type SearchNode } from './search-tree.ts'

const searchKeys = [
  'from',
  'to',
  'cc',
  'bcc',
  'subject',
  'body',
  'filename',
  'in',
  'is',
  'has',
  'label',
  'keyword',
  'thread',
  'after',
  'before',
  'on',
  'larger',
  'smaller',
] as const

type SearchKey = (typeof searchKeys)[number]

export interface ConditionOptions {
  /**
   * Whether the caller may read texts, links and attachment names: searching them amounts to reading them by guessing.
   */
  inBody: boolean
  /** Whether only mail servers answer, without an index. */
  isOnServer: boolean
  isPrefix: boolean
}

/** Upper bound on sizes, which are 32-bit numbers in IMAP (RFC 9051, section 9, number). */
const maxBytes = 2 ** 32 - 1
const states: ReadonlyMap<string, { flag: Flag; isSet: boolean }> = new Map(
  Object.entries({
    unread: { flag: 'seen', isSet: false },
    read: { flag: 'seen', isSet: true },
    flagged: { flag: 'flagged', isSet: true },
    unflagged: { flag: 'flagged', isSet: false },
    answered: { flag: 'answered', isSet: true },
    unanswered: { flag: 'answered', isSet: false },
    draft: { flag: 'draft', isSet: true },
  }),
)
const sizes: ReadonlyMap<string, number> = new Map(Object.entries({ '': 1, k: 1_000, m: 1_000_000 }))

export function conditionOf(
  { at, key, value }: TermPiece,
  { inBody, isOnServer, isPrefix }: ConditionOptions,
): SearchNode {
  if (key !== undefined && !isKnown(key)) {
    const known = searchKeys.map(each => `${each}:`).join(' ')
    throw new SearchFault(at, `${key}: is not a search key. Use ${known}, or put words with a colon in quotes`)
  }
  if (value.trim() === '') throw new SearchFault(at, key === undefined ? 'the quotes are empty' : needs(key))
  if (isOnServer) refuseOnServer(at, key, value)
  switch (key) {
    case undefined:
      return { kind: 'text', text: value, isPrefix, inBody }
    case 'body':
    case 'filename':
      if (!inBody) throw new SearchFault(at, `${key}: looks into messages, which requires mail:read`)
      return { kind: key, text: value, isPrefix }
    case 'from':
    case 'to':
    case 'cc':
    case 'bcc':
    case 'subject':
      return { kind: key, text: value, isPrefix }
    case 'in':
      return { kind: 'folder', folder: value }
    case 'is':
      return stateOf(at, value)
    case 'has':
      return hasOf(at, value, inBody)
    case 'label':
    case 'keyword':
      return { kind: 'label', label: value }
    case 'thread':
      return { kind: 'thread', id: value }
    case 'after':
    case 'before':
      return { kind: key, day: dayOf(at, key, value) }
    case 'on': {
      const day = dayOf(at, key, value)
      const nodes: SearchNode[] = [
        { kind: 'after', day },
        { kind: 'before', day: dayAfter(day) },
      ]
      return { kind: 'and', nodes }
    }
    case 'larger':
    case 'smaller':
      return { kind: key, bytes: bytesOf(at, key, value) }
  }
}

/** Rejects conditions that IMAP servers cannot search for: dropping them would return wrong results. */
function refuseOnServer(at: number, key: string | undefined, value: string): void {
  const isHas = key === 'has' && /^(attachment|link)$/i.test(value)
  if (!isHas && key !== 'filename' && key !== 'thread') return
  const what = key === 'has' ? `has:${value}` : `${key}:`
  throw new SearchFault(
    at,
    `${what} requires the local index, which is not there yet: mail servers cannot search for it`,
  )
}

function isKnown(key: string): key is SearchKey {
  return searchKeys.some(known => known === key)
}

function needs(key: SearchKey): string {
  return key === 'in' ? 'in: needs the path or role of a folder' : `${key}: needs a value directly after the colon`
}

function stateOf(at: number, value: string): SearchCondition {
  const state = states.get(value.toLowerCase())
  if (!state) throw new SearchFault(at, `is: takes ${[...states.keys()].join(', ')}`)
  return { kind: 'flag', ...state }
}

/** Parses `has:`; `has:link` depends on texts, so it requires the right to read them. */
function hasOf(at: number, value: string, inBody: boolean): SearchCondition {
  const what = value.toLowerCase()
  if (what !== 'attachment' && what !== 'link') throw new SearchFault(at, 'has: takes attachment, link')
  if (what === 'link' && !inBody) throw new SearchFault(at, 'has:link looks into texts, which requires mail:read')
  return { kind: 'has', what }
}

/** Parses a day from 1970 on; mail servers know no earlier dates. */
function dayOf(at: number, key: string, value: string): string {
  const date = /^(?:19[7-9]\d|[2-9]\d{3})-\d\d-\d\d$/.test(value) ? new Date(value) : new Date(Number.NaN)
  if (Number.isNaN(date.getTime()) || date.toISOString().slice(0, 10) !== value) {
    throw new SearchFault(at, `${key}: takes a day such as 2026-11-22`)
  }
  return value
}

function dayAfter(day: string): string {
  return new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10)
}

function bytesOf(at: number, key: string, value: string): number {
  const [, number = '', unit = ''] = /^(\d{1,10})([km]?)$/i.exec(value) ?? []
  const bytes = Number(number) * (sizes.get(unit.toLowerCase()) ?? 0)
  if (number === '' || bytes < 1 || bytes > maxBytes) {
    throw new SearchFault(at, `${key}: takes bytes, such as 5000, 500k or 5M`)
  }
  return bytes
}
