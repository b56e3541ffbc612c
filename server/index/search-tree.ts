/** A search query as a tree: built by search-language.ts, run by search-store.ts. */
import type { Flag } from '../../contract/mail.ts'

export type SearchNode =
  | { kind: 'and' | 'or'; nodes: SearchNode[] }
  | { kind: 'not'; node: SearchNode }
  | SearchCondition

/** Consecutive words; with `isPrefix`, the last one is a prefix. */
interface Words {
  text: string
  isPrefix: boolean
}

export type SearchCondition =
  /** Words in subject and addresses; with `inBody` also in the text and attachment names. */
  | ({ kind: 'text'; inBody: boolean } & Words)
  /** `to` means To or Cc. */
  | ({ kind: 'from' | 'to' | 'cc' | 'bcc' | 'subject' | 'body' | 'filename' } & Words)
  | { kind: 'flag'; flag: Flag; isSet: boolean }
  /** `after` is that day (UTC) or later, `before` earlier than it: `2026-11-22`. */
  | { kind: 'after' | 'before'; day: string }
  | { kind: 'larger' | 'smaller'; bytes: number }
  | { kind: 'has'; what: 'attachment' | 'link' }
  /** A keyword, compared case-insensitively. */
  | { kind: 'label'; label: string }
  | { kind: 'thread'; id: string }
  /** A path or a role, as typed. */
  | { kind: 'folder'; folder: string }

/** Returns all folder names in a tree. */
export function foldersIn(node: SearchNode): string[] {
  if (node.kind === 'not') return foldersIn(node.node)
  if ('nodes' in node) return node.nodes.flatMap(foldersIn)
  return node.kind === 'folder' ? [node.folder] : []
}

/** A syntax error in a search, with its position. */
export class SearchFault extends Error {
  /** Position of the character, counted from 1. */
  readonly at: number

  constructor(at: number, message: string) {
    super(message)
    this.at = at
  }
}
