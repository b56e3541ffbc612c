/**
 * Translates a search to what a mail server can evaluate in one folder, without folder names and index-only conditions.
 */
import { isKeyword, type SearchTerm } from '../imap/search-term.ts'
import type { SearchCondition, SearchNode } from '../index/search-tree.ts'

/** The search in one folder: nothing or everything matches, or the server must be queried. */
export type FolderTerm = { kind: 'nothing' } | { kind: 'everything' } | { kind: 'asked'; term: SearchTerm }

/** Returns a condition that mail servers cannot evaluate, as users write it; undefined when there is none. */
export function unaskable(node: SearchNode): string | undefined {
  if (node.kind === 'not') return unaskable(node.node)
  if ('nodes' in node) return node.nodes.map(unaskable).find(found => found !== undefined)
  if (node.kind === 'has') return `has:${node.what}`
  return node.kind === 'filename' || node.kind === 'thread' ? `${node.kind}:` : undefined
}

/** True when the content of texts affects the result. */
export function looksIntoTexts(node: SearchNode): boolean {
  if (node.kind === 'not') return looksIntoTexts(node.node)
  if ('nodes' in node) return node.nodes.some(looksIntoTexts)
  return node.kind === 'body' || (node.kind === 'text' && node.inBody) || (node.kind === 'has' && node.what === 'link')
}

/** True when a message's folder or its flags there affect the result: the index may not know all its places. */
export function looksAtPlaces(node: SearchNode): boolean {
  if (node.kind === 'not') return looksAtPlaces(node.node)
  if ('nodes' in node) return node.nodes.some(looksAtPlaces)
  return node.kind === 'folder' || node.kind === 'flag' || node.kind === 'label'
}

/** @param isFolder Returns whether a name after `in:` denotes this folder. */
export function folderTerm(node: SearchNode, isFolder: (name: string) => boolean): FolderTerm {
  const term = termOf(node, isFolder)
  if (typeof term !== 'boolean') return { kind: 'asked', term }
  return { kind: term ? 'everything' : 'nothing' }
}

/** Returns a boolean when it holds for all or no messages of the folder. */
function termOf(node: SearchNode, isFolder: (name: string) => boolean): SearchTerm | boolean {
  if (node.kind === 'not') {
    const term = termOf(node.node, isFolder)
    return typeof term === 'boolean' ? !term : { kind: 'not', term }
  }
  if ('nodes' in node) {
    // A constant false decides AND, a constant true decides OR.
    const decides = node.kind === 'or'
    const terms = node.nodes.map(each => termOf(each, isFolder))
    if (terms.includes(decides)) return decides
    const left = terms.filter(term => typeof term !== 'boolean')
    return left.length === 0 ? !decides : left.length === 1 ? left[0]! : { kind: node.kind, terms: left }
  }
  return keyOf(node, isFolder)
}

function keyOf(node: SearchCondition, isFolder: (name: string) => boolean): SearchTerm | boolean {
  switch (node.kind) {
    case 'folder':
      return isFolder(node.folder)
    case 'text':
      return { kind: 'text', text: node.text, inBody: node.inBody }
    case 'from':
    case 'to':
    case 'cc':
    case 'bcc':
    case 'subject':
    case 'body':
      return { kind: node.kind, text: node.text }
    case 'label':
      return isKeyword(node.label) && { kind: 'keyword', keyword: node.label }
    case 'smaller':
      return node.bytes > 1 && { kind: 'smaller', bytes: node.bytes }
    case 'flag':
    case 'after':
    case 'before':
    case 'larger':
      return node
    case 'has':
    case 'filename':
    case 'thread':
      throw new Error(`a mail server cannot search for ${node.kind}`)
  }
}

/** False when a message in this folder cannot match; true also when more than the folder decides. */
export function mayBeIn(node: SearchNode, isFolder: (name: string) => boolean): boolean {
  return placeOf(node, isFolder) !== false
}

function placeOf(node: SearchNode, isFolder: (name: string) => boolean): boolean | undefined {
  if (node.kind === 'folder') return isFolder(node.folder)
  if (node.kind === 'not') {
    const isThere = placeOf(node.node, isFolder)
    return isThere === undefined ? undefined : !isThere
  }
  if (!('nodes' in node)) return undefined
  const decides = node.kind === 'or'
  const all = node.nodes.map(each => placeOf(each, isFolder))
  if (all.includes(decides)) return decides
  return all.includes(undefined) ? undefined : !decides
}
