/** Parses search queries (`from:anna ("annual report" OR budget*) -is:read`) into a tree. */
import { maxSearchLength } from '../../contract/mail.ts'
import { Problem } from '../platform/problem.ts'
import { phraseOf } from './fulltext.ts'
import { conditionOf } from './search-conditions.ts'
import { nextPiece, type Piece } from './search-pieces.ts'
import { SearchFault, type SearchNode } from './search-tree.ts'

export interface LanguageOptions {
  /** Whether words are also searched in texts, for callers that may read them. */
  inBody: boolean
  /** Search-as-you-type: the last word is treated as a prefix. */
  isTyping?: boolean
  /** Whether no index answers: conditions that mail servers cannot search for are rejected. */
  isOnServer?: boolean
}

/** Terms per query and nesting depth of parentheses; more are rejected. */
const [maxTerms, maxDepth] = [20, 10]

/** Parses a query. @throws Problem `bad_request`, which says what cannot be parsed and at which character. */
export function parseSearch(query: string, options: LanguageOptions): SearchNode {
  if (query.length > maxSearchLength) throw unreadable(`is longer than ${maxSearchLength} characters`)
  if (/\p{Cc}/u.test(query)) throw unreadable('must be one line without control characters')
  try {
    return new SearchParser(query, options).parse()
  } catch (error) {
    if (!(error instanceof SearchFault)) throw error
    throw unreadable(`at character ${error.at}: ${error.message}`, error.at)
  }
}

class SearchParser {
  readonly #query: string
  readonly #options: LanguageOptions
  #piece: Piece
  #terms = 0
  #depth = 0

  constructor(query: string, options: LanguageOptions) {
    this.#query = query
    this.#options = options
    this.#piece = nextPiece(query, 0, false)
  }

  parse(): SearchNode {
    if (this.#piece.kind === 'end') throw unreadable('has no search terms')
    const tree = this.#alternatives()
    const rest = this.#piece
    if (rest.kind === 'close') throw new SearchFault(rest.at, 'this ) closes nothing. Put text with ( ) in quotes')
    if (rest.kind === 'or') throw new SearchFault(rest.at, orAlone)
    if (tree === undefined) throw unreadable('has no letters or digits to search for')
    return tree
  }

  /**
   * Parses terms joined by OR, which binds weaker than juxtaposition (AND). Undefined if none of them can be searched.
   */
  #alternatives(): SearchNode | undefined {
    const all = [this.#all()]
    while (this.#piece.kind === 'or') {
      const { at } = this.#piece
      this.#next()
      if (!begins(this.#piece)) throw new SearchFault(at, orAlone)
      all.push(this.#all())
    }
    return joined('or', all)
  }

  #all(): SearchNode | undefined {
    if (this.#piece.kind === 'or') throw new SearchFault(this.#piece.at, orAlone)
    const nodes: (SearchNode | undefined)[] = []
    while (begins(this.#piece)) nodes.push(this.#one())
    return joined('and', nodes)
  }

  #one(): SearchNode | undefined {
    const piece = this.#piece
    const node = piece.kind === 'open' ? this.#group(piece.at) : this.#term(piece)
    if (node === undefined) return undefined
    return piece.kind !== 'end' && 'isNegated' in piece && piece.isNegated ? { kind: 'not', node } : node
  }

  #group(at: number): SearchNode | undefined {
    if (++this.#depth > maxDepth) throw new SearchFault(at, `more than ${maxDepth} parentheses are nested`)
    this.#next()
    if (this.#is('close')) throw new SearchFault(at, 'there is nothing between these parentheses')
    const node = this.#alternatives()
    if (!this.#is('close')) throw new SearchFault(at, 'this ( is not closed. Put text with ( ) in quotes')
    this.#depth--
    this.#next()
    return node
  }

  #term(piece: Piece): SearchNode | undefined {
    if (piece.kind !== 'term') return undefined
    if (++this.#terms > maxTerms) throw unreadable(`has more than ${maxTerms} terms`)
    this.#next()
    const isLast = this.#piece.kind === 'end' && !/\s$/.test(this.#query)
    const isPrefix = piece.isPrefix || (this.#options.isTyping === true && isLast && !piece.isPhrase)
    const { inBody, isOnServer = false } = this.#options
    const condition = conditionOf(piece, { inBody, isOnServer, isPrefix })
    if (!('text' in condition) || phraseOf(condition.text, false)) return condition
    // A lone symbol, as in "tea & milk", is not indexed.
    if (piece.key === undefined && !piece.isPhrase) return undefined
    throw new SearchFault(piece.at, 'there are no letters or digits to search for')
  }

  #is(kind: Piece['kind']): boolean {
    return this.#piece.kind === kind
  }

  #next(): void {
    this.#piece = nextPiece(this.#query, this.#piece.end, this.#depth > 0)
  }
}

const orAlone = 'OR stands between two terms. Put "OR" in quotes to search for the word'

function begins(piece: Piece): boolean {
  return piece.kind === 'term' || piece.kind === 'open'
}

function joined(kind: 'and' | 'or', all: (SearchNode | undefined)[]): SearchNode | undefined {
  const given = all.filter(node => node !== undefined)
  // Nested ANDs are flattened, so that the planner sees all top-level conditions.
  const nodes = kind === 'and' ? given.flatMap(node => (node.kind === 'and' ? node.nodes : [node])) : given
  return nodes.length <= 1 ? nodes[0] : { kind, nodes }
}

/** @param at Position of the offending character, counted from 1. */
function unreadable(message: string, at?: number): Problem {
  const errors = [{ path: 'query.q' as const, message, ...(at !== undefined && { at }) }]
  return new Problem('bad_request', `query.q: ${message}`, { errors })
}
