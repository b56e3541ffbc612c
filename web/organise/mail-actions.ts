/** What can be done to messages: its words, its key, and what the server is asked for. */
import {
  Archive,
  ArchiveRestore,
  Copy,
  FolderInput,
  type LucideIcon,
  MailCheck,
  Mail as MailIcon,
  ShieldAlert,
  ShieldCheck,
  Star,
  StarOff,
  Tag,
  Trash2,
  XCircle,
} from 'lucide-react'
import type { FolderRole } from '../../contract/mail.ts'
import type { Target } from '../../contract/operations.ts'

export type ActionId =
  | 'archive'
  | 'trash'
  | 'junk'
  | 'not_junk'
  | 'restore'
  | 'read'
  | 'unread'
  | 'star'
  | 'unstar'
  | 'label'
  | 'move'
  | 'copy'
  | 'delete'

/** What the server is asked for. `to` is how people call the target. */
export type Change =
  | { kind: 'flags'; add: readonly string[]; remove: readonly string[] }
  | { kind: 'move' | 'copy'; target: Target; to: string }
  | { kind: 'delete' }

interface Words {
  label: string
  icon: LucideIcon
  /** The key that does it; undefined where there is none. */
  key?: string
}

export const actionWords: Record<ActionId, Words> = {
  archive: { label: 'Archive', icon: Archive, key: 'e' },
  trash: { label: 'Move to trash', icon: Trash2, key: '#' },
  junk: { label: 'Report as junk', icon: ShieldAlert, key: '!' },
  not_junk: { label: 'Not junk', icon: ShieldCheck, key: '!' },
  restore: { label: 'Move to inbox', icon: ArchiveRestore },
  read: { label: 'Mark as read', icon: MailCheck, key: 'I' },
  unread: { label: 'Mark as unread', icon: MailIcon, key: 'U' },
  star: { label: 'Add star', icon: Star, key: 's' },
  unstar: { label: 'Remove star', icon: StarOff, key: 's' },
  label: { label: 'Label', icon: Tag, key: 'l' },
  move: { label: 'Move to…', icon: FolderInput, key: 'v' },
  copy: { label: 'Copy to…', icon: Copy },
  delete: { label: 'Delete permanently…', icon: XCircle },
}

const toRole = (role: FolderRole, to: string): Change => ({ kind: 'move', target: { role }, to })

/** Those that ask nothing first; undefined for the others. */
export function changeOf(action: ActionId): Change | undefined {
  switch (action) {
    case 'archive':
      return toRole('archive', 'the archive')
    case 'trash':
      return toRole('trash', 'the trash')
    case 'junk':
      return toRole('junk', 'junk')
    case 'not_junk':
    case 'restore':
      return toRole('inbox', 'the inbox')
    case 'read':
      return { kind: 'flags', add: ['seen'], remove: [] }
    case 'unread':
      return { kind: 'flags', add: [], remove: ['seen'] }
    case 'star':
      return { kind: 'flags', add: ['flagged'], remove: [] }
    case 'unstar':
      return { kind: 'flags', add: [], remove: ['flagged'] }
    default:
      return undefined
  }
}

/** Where one is, as far as it decides what is offered. */
export interface Place {
  /** Of the folder whose list is shown; null for one without, and for lists over several folders. */
  role: FolderRole | null
  /** Messages of several accounts have no folder in common. */
  isOneAccount: boolean
  mayDelete: boolean
}

/** What a key means here: to trash what is in the trash deletes it, and junk in the junk folder is none. Undefined: nothing. */
export function meant(action: ActionId, { role, isOneAccount, mayDelete }: Place): ActionId | undefined {
  if (action === 'archive' && role === 'archive') return undefined
  if (action === 'trash' && role === 'trash') return mayDelete ? 'delete' : undefined
  if (action === 'junk' && role === 'junk') return 'not_junk'
  if (action === 'delete' && !mayDelete) return undefined
  if ((action === 'move' || action === 'copy') && !isOneAccount) return undefined
  return action
}

/** `3 conversations archived`. */
export function doneWords(change: Change, action: ActionId | undefined, what: string): string {
  if (action === 'archive') return `${what} archived`
  if (action === 'junk') return `${what} reported as junk`
  if (action === 'not_junk') return `${what} moved to the inbox, as not junk`
  switch (change.kind) {
    case 'move':
      return `${what} moved to ${change.to}`
    case 'copy':
      return `${what} copied to ${change.to}`
    case 'delete':
      return `${what} deleted permanently`
    case 'flags':
      return `${what} ${flagWords(change)}`
  }
}

function flagWords({ add, remove }: { add: readonly string[]; remove: readonly string[] }): string {
  if (add.includes('seen')) return 'marked as read'
  if (remove.includes('seen')) return 'marked as unread'
  if (add.includes('flagged')) return 'starred'
  if (remove.includes('flagged')) return 'no longer starred'
  return add.length > 0 ? 'labelled' : 'no longer labelled'
}

/** As what could not be done is told: `could not be moved`. */
export function undoneVerb({ kind }: Pick<Change, 'kind'>): string {
  return { flags: 'changed', move: 'moved', copy: 'copied', delete: 'deleted' }[kind]
}
