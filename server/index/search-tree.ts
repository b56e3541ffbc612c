/** What is searched for, as a tree: made by search-language.ts, run by search-store.ts. */
import type { Flag } from '../../contract/mail.ts'

export type SearchNode =
  | { kind: 'and' | 'or'; nodes: SearchNode[] }
  | { kind: 'not'; node: SearchNode }
  | SearchCondition

/** Words that are found together: one after the other. With `isPrefix` the last of them may go on. */
interface Words {
  text: string
  isPrefix: boolean
}

export type SearchCondition =
  /** In subject, people and names of attachments; with `inBody` in the text as well. */
  | ({ kind: 'text'; inBody: boolean } & Words)
  /** `to` means To or Cc. */
  | ({ kind: 'from' | 'to' | 'cc' | 'bcc' | 'subject' | 'filename' } & Words)
  | { kind: 'flag'; flag: Flag; isSet: boolean }
  /** `after` is that day (UTC) or later, `before` earlier than it: `2026-11-22`. */
  | { kind: 'after' | 'before'; day: string }
  | { kind: 'larger' | 'smaller'; bytes: number }
  | { kind: 'has'; what: 'attachment' | 'link' }
  /** A keyword, in any case. */
  | { kind: 'label'; label: string }
  | { kind: 'thread'; id: string }
  /** As it was typed: a path or a role. */
  | { kind: 'folder'; folder: string }

/** A condition that a mail server can be asked for; the same as `SearchTerm` of server/imap, which is not known here. */
export type ServerTerm = { isNegated: boolean } & (
  | { kind: 'text'; text: string; inBody: boolean }
  | { kind: 'from' | 'to' | 'subject'; text: string }
  | { kind: 'flag'; flag: Flag; isSet: boolean }
  | { kind: 'after' | 'before'; day: string }
  | { kind: 'larger'; bytes: number }
)

export interface ServerSearch {
  /** All of them must match. */
  terms: ServerTerm[]
  /** Folders that the search is limited to, as they were typed; undefined for all. */
  folders: string[] | undefined
  /** False where something was left out: what the server finds is more than was searched for. */
  isExact: boolean
}

/**
 * What of a search a mail server can answer for messages that are not in the index; undefined where that would say nothing, as with `OR`
 * at the top or with what only the index knows.
 */
export function serverSearchOf(tree: SearchNode): ServerSearch | undefined {
  const terms: ServerTerm[] = []
  let folders: string[] | undefined
  let isExact = true
  for (const node of tree.kind === 'and' ? tree.nodes : [tree]) {
    const paths = foldersOf(node)
    const found = paths === undefined ? termsOf(node) : []
    if (paths !== undefined && folders === undefined) folders = paths
    else if (paths !== undefined || found === undefined) isExact = false
    else terms.push(...found)
  }
  if (terms.length === 0 && folders === undefined) return undefined
  return { terms, folders, isExact }
}

/** All names of folders in it. */
export function foldersIn(node: SearchNode): string[] {
  if (node.kind === 'not') return foldersIn(node.node)
  if ('nodes' in node) return node.nodes.flatMap(foldersIn)
  return node.kind === 'folder' ? [node.folder] : []
}

/** `in:a`, or several of them joined by OR. */
function foldersOf(node: SearchNode): string[] | undefined {
  if (node.kind === 'folder') return [node.folder]
  if (node.kind !== 'or') return undefined
  const all = node.nodes.map(foldersOf)
  return all.every(paths => paths !== undefined) ? all.flat() : undefined
}

/** Terms that must all match; undefined where a server cannot say it. */
function termsOf(node: SearchNode): ServerTerm[] | undefined {
  if (node.kind !== 'not') return positiveTerms(node)
  // None of several: each of them by itself.
  const { node: inner } = node
  const all = (inner.kind === 'or' ? inner.nodes : [inner]).map(positiveTerms)
  if (!all.every(terms => terms?.length === 1 && !terms[0]!.isNegated)) return undefined
  return all.flatMap(terms => terms!.map(term => ({ ...term, isNegated: true })))
}

function positiveTerms(node: SearchNode): ServerTerm[] | undefined {
  const is = { isNegated: false }
  switch (node.kind) {
    case 'and': {
      const all = node.nodes.map(termsOf)
      return all.every(terms => terms !== undefined) ? all.flat() : undefined
    }
    case 'text':
      return [{ ...is, kind: 'text', text: node.text, inBody: node.inBody }]
    case 'from':
    case 'to':
    case 'subject':
      return [{ ...is, kind: node.kind, text: node.text }]
    case 'flag':
      return [{ ...is, kind: 'flag', flag: node.flag, isSet: node.isSet }]
    case 'after':
    case 'before':
      return [{ ...is, kind: node.kind, day: node.day }]
    case 'larger':
      return [{ ...is, kind: 'larger', bytes: node.bytes }]
    case 'smaller':
      // LARGER n-1 is what is not smaller than n.
      return node.bytes < 2 ? undefined : [{ isNegated: true, kind: 'larger', bytes: node.bytes - 1 }]
    default:
      return undefined
  }
}
