/** Resolves the `in:` of a search to folders: by path, else by role, else by the path as shown to models. */
import type { SearchNode } from '../index/search-tree.ts'
import { cleanLine } from '../reading/stranger-text.ts'

/** Above the length of any searchable path, so that none is cut. */
const maxPath = 1000

export interface NamedFolder {
  path: string
  role: string | null
}

export class FolderNames {
  readonly #folders: readonly NamedFolder[]

  constructor(folders: readonly NamedFolder[]) {
    this.#folders = folders
  }

  /** Empty when no folder has this name. */
  pathsOf(name: string): string[] {
    const lower = name.toLowerCase()
    // INBOX is case-insensitive (RFC 9051, section 5.1).
    const path = lower === 'inbox' ? 'INBOX' : name
    const ways: ((folder: NamedFolder) => boolean)[] = [
      folder => folder.path === path,
      folder => folder.role === lower,
      folder => toolPath(folder.path) === name,
      // Users know their folder as `Work` where its path is `INBOX.Work`.
      folder => folder.path === `INBOX.${name}` || folder.path === `INBOX/${name}`,
    ]
    for (const isMeant of ways) {
      const meant = this.#folders.filter(isMeant)
      if (meant.length > 0) return meant.map(folder => folder.path)
    }
    return []
  }

  /** Replaces folder names by paths; unknown names stay. */
  resolve(node: SearchNode): SearchNode {
    if (node.kind === 'not') return { kind: 'not', node: this.resolve(node.node) }
    if ('nodes' in node) return { kind: node.kind, nodes: node.nodes.map(each => this.resolve(each)) }
    if (node.kind !== 'folder') return node
    const nodes = this.pathsOf(node.folder).map((folder): SearchNode => ({ kind: 'folder', folder }))
    return nodes.length > 1 ? { kind: 'or', nodes } : (nodes[0] ?? node)
  }
}

/** Sanitises a folder's path for models: others may have named a shared one. */
export function toolPath(path: string): string {
  return cleanLine(path, maxPath)
}
