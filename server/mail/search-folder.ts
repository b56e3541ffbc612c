/** Which folders are meant by the `in:` of a search: those of that path, else of that role, else by their path as models are told it. */
import type { SearchNode } from '../index/search-tree.ts'
import { cleanLine } from '../reading/stranger-text.ts'

/** More than the path of any folder that can be searched has: none of those is cut. */
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

  /** None where no folder is called so. */
  pathsOf(name: string): string[] {
    const lower = name.toLowerCase()
    // INBOX is INBOX in any case (RFC 9051, section 5.1).
    const path = lower === 'inbox' ? 'INBOX' : name
    const ways: ((folder: NamedFolder) => boolean)[] = [
      folder => folder.path === path,
      folder => folder.role === lower,
      folder => toolPath(folder.path) === name,
      // People know their folder as `Work` where its path is `INBOX.Work`.
      folder => folder.path === `INBOX.${name}` || folder.path === `INBOX/${name}`,
    ]
    for (const isMeant of ways) {
      const meant = this.#folders.filter(isMeant)
      if (meant.length > 0) return meant.map(folder => folder.path)
    }
    return []
  }

  /** The same search with the paths of folders in place of their names; one that no folder has stays. */
  resolve(node: SearchNode): SearchNode {
    if (node.kind === 'not') return { kind: 'not', node: this.resolve(node.node) }
    if ('nodes' in node) return { kind: node.kind, nodes: node.nodes.map(each => this.resolve(each)) }
    if (node.kind !== 'folder') return node
    const nodes = this.pathsOf(node.folder).map((folder): SearchNode => ({ kind: 'folder', folder }))
    return nodes.length > 1 ? { kind: 'or', nodes } : (nodes[0] ?? node)
  }
}

/** A folder's path as a model is told it: people who share one with others may call it anything. */
export function toolPath(path: string): string {
  return cleanLine(path, maxPath)
}
