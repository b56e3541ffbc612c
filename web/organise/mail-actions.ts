/** The actions on messages: labels, keys, and the changes that they request. */
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

/** A change to request; `to` is the readable name of its target. */
export type Change =
  | { kind: 'flags'; add: readonly string[]; remove: readonly string[] }
  | { kind: 'move' | 'copy'; target: Target; to: string }
  | { kind: 'delete' }

interface Words {
  label: string
  icon: LucideIcon
  /** Its keyboard shortcut, if any. */
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

/** Returns the change of an action that needs no dialog; undefined for the others. */
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

/** The reader's place, as far as it affects which actions are offered. */
export interface Place {
  /** Role of the listed folder; null without a role, and in lists over several folders. */
  role: FolderRole | null
  /** Whether all messages belong to one account; otherwise they have no folder in common. */
  isOneAccount: boolean
  mayDelete: boolean
}

/**
 * Returns what an action means in this place: trash deletes in the trash, and junk means not junk in the junk folder.
 * Undefined if it is not available.
 */
export function meant(action: ActionId, { role, isOneAccount, mayDelete }: Place): ActionId | undefined {
  if (action === 'archive' && role === 'archive') return undefined
  if (action === 'trash' && role === 'trash') return mayDelete ? 'delete' : undefined
  if (action === 'junk' && role === 'junk') return 'not_junk'
  if (action === 'delete' && !mayDelete) return undefined
  if ((action === 'move' || action === 'copy') && !isOneAccount) return undefined
  return action
}

/** Describes a finished change: `3 conversations archived`. */
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

/** Returns the verb of a failure: `could not be moved`. */
export function undoneVerb({ kind }: Pick<Change, 'kind'>): string {
  return { flags: 'changed', move: 'moved', copy: 'copied', delete: 'deleted' }[kind]
}
