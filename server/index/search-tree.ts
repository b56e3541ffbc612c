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
  /** In subject and people; with `inBody` in the text and in names of attachments as well. */
  | ({ kind: 'text'; inBody: boolean } & Words)
  /** `to` means To or Cc. */
  | ({ kind: 'from' | 'to' | 'cc' | 'bcc' | 'subject' | 'body' | 'filename' } & Words)
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

/** All names of folders in it. */
export function foldersIn(node: SearchNode): string[] {
  if (node.kind === 'not') return foldersIn(node.node)
  if ('nodes' in node) return node.nodes.flatMap(foldersIn)
  return node.kind === 'folder' ? [node.folder] : []
}

/** What of a search cannot be read, and where it stands. */
export class SearchFault extends Error {
  /** The character, counted from 1. */
  readonly at: number

  constructor(at: number, message: string) {
    super(message)
    this.at = at
  }
}
