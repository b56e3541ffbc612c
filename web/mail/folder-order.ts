/** Orders folders for readers: those with a role first, the others as a tree by name. */
import type { Folder, FolderRole } from '../../contract/mail.ts'
import { lowerAscii } from '../platform/ascii-case.ts'
import { formatNumber } from '../platform/format.ts'

export interface FolderLine {
  folder: Folder
  /** Number of its ancestors in this list. */
  depth: number
  /** Heading above the first folder of other people, or of a shared namespace. */
  heading?: string
}

const headings = { personal: undefined, other_users: "Other people's folders", shared: 'Shared folders' } as const
const namespaces = ['personal', 'other_users', 'shared'] as const

const roleOrder: readonly FolderRole[] = [
  'inbox',
  'flagged',
  'important',
  'drafts',
  'sent',
  'archive',
  'all',
  'junk',
  'trash',
]

export function arrangeFolders(folders: readonly Folder[]): FolderLine[] {
  const rankOf = ({ role }: Folder) => (role === null ? roleOrder.length : roleOrder.indexOf(role))
  const withRole = folders.filter(({ role }) => role !== null)
  const others = folders.filter(({ role }) => role === null)
  const paths = new Set(others.map(({ path }) => path))
  return [
    ...withRole.toSorted((a, b) => rankOf(a) - rankOf(b) || comparePaths(a, b)).map(folder => ({ folder, depth: 0 })),
    ...namespaces.flatMap(namespace => {
      const own = others.filter(folder => folder.namespace === namespace).toSorted(comparePaths)
      const heading = headings[namespace]
      return own.map((folder, index) => {
        const line = { folder, depth: depthOf(folder, paths) }
        return index === 0 && heading ? { ...line, heading } : line
      })
    }),
  ]
}

/** Compares folder paths; INBOX is case-insensitive in ASCII (RFC 9051, section 5.1). */
export function isSameFolder(a: string, b: string): boolean {
  return a === b || (lowerAscii(a) === 'inbox' && lowerAscii(b) === 'inbox')
}

function segmentsOf({ path, delimiter }: Folder): string[] {
  return delimiter ? path.split(delimiter) : [path]
}

/** Compares level by level, so that subfolders follow their parent. */
function comparePaths(a: Folder, b: Folder): number {
  const left = segmentsOf(a)
  const right = segmentsOf(b)
  for (const [index, segment] of left.entries()) {
    const other = right[index]
    if (other === undefined) return 1
    const order = segment.localeCompare(other, undefined, { numeric: true })
    if (order !== 0) return order
  }
  return left.length - right.length
}

function depthOf(folder: Folder, paths: ReadonlySet<string>): number {
  const segments = segmentsOf(folder)
  const ancestors = segments.slice(0, -1).map((_, index) => segments.slice(0, index + 1).join(folder.delimiter ?? ''))
  return ancestors.filter(path => paths.has(path)).length
}

/** Abbreviates a count: in full up to 9,999, then `12.3k`, `123k`, `1.2M`, always rounded down. */
export function shortNumber(value: number): string {
  if (value < 10_000) return formatNumber(value)
  const [unit, letter] = value < 1_000_000 ? [1_000, 'k'] : [1_000_000, 'M']
  const parts = value / unit
  return `${formatNumber(parts < 100 ? Math.floor(parts * 10) / 10 : Math.floor(parts))}${letter}`
}
