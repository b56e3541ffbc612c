/** Compiles a search tree to SQL over an account's index: conditions on `messages m`, places and full-text hits. */
import { type RawBuilder, sql } from 'kysely'
import type { Hits, Span, TextField, TextMatch } from './full-text.ts'
import { phraseOf } from './fulltext.ts'
import { threadNumber } from './message-identity.ts'
import { type Marks, marksOf } from './search-marks.ts'
import type { SearchCondition, SearchNode } from './search-tree.ts'

type Sql = RawBuilder<unknown>
type Row = `${'m' | 't'}.rowid`

export interface SqlContext {
  account: number
  isSqlite: boolean
  /** Whether texts may be searched. Applies to the whole tree, whatever its nodes say. */
  inBody: boolean
  /** Returns the ids of the folders that a name refers to; empty if there are none. */
  foldersOf(name: string): readonly number[]
}

export interface SearchPlan {
  /** The full-text condition that every hit must match, which drives the search. */
  match: TextMatch | undefined
  /** All full-text conditions, `match` included. If there are any, the search goes bucket by bucket. */
  matches: readonly TextMatch[]
  /** Conditions besides `match`: none, only ones on places, or others too. */
  rest: 'none' | 'places' | 'others'
  /** Places of which every hit must have one, if a database index covers them. */
  marks: Marks | undefined
  /** Row ids that can match, as a half-open range. */
  first: number
  end: number
  /** @param given.isMarked Hits come from `marks`. @param given.row The row id column for full-text conditions. */
  conditions(given: { hits: Hits; span: Span; isMarked: boolean; row: Row }): Sql[]
}

/**
 * Upper bound, in seconds, on how far a row id (its date, or the next free number) is beyond the date: more would take
 * ten million messages in consecutive seconds.
 */
const mostMoved = 10_000_000

export function planOf(tree: SearchNode, context: SqlContext): SearchPlan {
  const nodes = tree.kind === 'and' ? tree.nodes : [tree]
  const wanted: TextMatch[] = []
  const rest: SearchNode[] = []
  let [first, end] = [0, Number.MAX_SAFE_INTEGER]
  for (const node of nodes) {
    const match = matchOf(node, context)
    if (match) wanted.push(match)
    else rest.push(node)
    if (node.kind === 'after') first = Math.max(first, Date.parse(node.day) / 1000)
    if (node.kind === 'before') end = Math.min(end, Date.parse(node.day) / 1000 + mostMoved)
  }
  const places = rest.filter(isOfPlace)
  const others = rest.filter(node => !isOfPlace(node))
  const match: TextMatch | undefined = wanted.length <= 1 ? wanted[0] : { kind: 'and', matches: wanted }
  const known = new Map(rest.flatMap(node => matchesIn(node, context)))
  const compiler = (hits: Hits, span: Span, row: Row) => {
    return new Compiler(context, match => hits.table(match, span), known, row)
  }
  return {
    match,
    matches: match ? [match, ...known.values()] : [...known.values()],
    rest: rest.length === 0 ? 'none' : others.length === 0 ? 'places' : 'others',
    marks: marksOf(places, compiler(noHits, [0, 0], 'm.rowid').ofOnePlace(places), context),
    first,
    end,
    conditions: ({ hits, span, isMarked, row }) => compiler(hits, span, row).all(isMarked ? others : rest),
  }
}

/** Returns the largest subtrees of a condition that are purely full text. */
function matchesIn(node: SearchNode, context: SqlContext): [SearchNode, TextMatch][] {
  const match = matchOf(node, context)
  if (match) return [[node, match]]
  if (node.kind === 'not') return matchesIn(node.node, context)
  return 'nodes' in node ? node.nodes.flatMap(each => matchesIn(each, context)) : []
}

/** Converts a node to a full-text condition; undefined unless all of it is full text. */
function matchOf(node: SearchNode, context: SqlContext): TextMatch | undefined {
  if (node.kind === 'and' || node.kind === 'or') {
    const matches = node.nodes.map(each => matchOf(each, context))
    return matches.every(match => match !== undefined) ? { kind: node.kind, matches } : undefined
  }
  const fields = fieldsOf(node, context)
  if (fields === undefined || !('text' in node)) return undefined
  const phrase = phraseOf(node.text, node.isPrefix)
  return phrase && { kind: 'phrase', phrase, fields }
}

const metaFields: readonly TextField[] = ['subject', 'from', 'to', 'cc', 'bcc']

function fieldsOf(node: SearchNode, { inBody }: SqlContext): readonly TextField[] | undefined {
  switch (node.kind) {
    case 'text':
      return node.inBody && inBody ? ['body', ...metaFields, 'names'] : metaFields
    case 'from':
    case 'cc':
    case 'bcc':
    case 'subject':
      return [node.kind]
    case 'to':
      return ['to', 'cc']
    case 'body':
      return inBody ? ['body'] : undefined
    case 'filename':
      return inBody ? ['names'] : undefined
    default:
      return undefined
  }
}

/** Whether a node is a condition on places; sibling conditions of this kind must be met by the same place. */
function isOfPlace(node: SearchNode): boolean {
  if (node.kind === 'and' || node.kind === 'or') return node.nodes.every(isOfPlace)
  return node.kind === 'flag' || node.kind === 'folder' || node.kind === 'label'
}

class Compiler {
  readonly #context: SqlContext
  readonly #tableOf: (match: TextMatch) => Sql
  readonly #matches: ReadonlyMap<SearchNode, TextMatch>
  readonly #row: Row

  constructor(
    context: SqlContext,
    tableOf: (match: TextMatch) => Sql,
    matches: ReadonlyMap<SearchNode, TextMatch>,
    row: Row,
  ) {
    this.#context = context
    this.#tableOf = tableOf
    this.#matches = matches
    this.#row = row
  }

  all(nodes: readonly SearchNode[]): Sql[] {
    const places = nodes.filter(isOfPlace)
    const others = nodes.filter(node => !isOfPlace(node)).map(node => this.#condition(node))
    return places.length === 0 ? others : [this.#place(places), ...others]
  }

  #condition(node: SearchNode): Sql {
    if (node.kind === 'not') return sql`not (${this.#condition(node.node)})`
    const match = this.#matches.get(node)
    if (match) return sql`${sql.ref(this.#row)} in (${this.#tableOf(match)})`
    if (isOfPlace(node)) return this.#place([node])
    if (node.kind === 'and') return both(this.all(node.nodes))
    if (node.kind === 'or') return either(node.nodes.map(each => this.#condition(each)))
    return this.#ofMessage(node as SearchCondition)
  }

  #ofMessage(node: SearchCondition): Sql {
    switch (node.kind) {
      case 'after':
        return sql`m.date >= ${Date.parse(node.day)}`
      case 'before':
        return sql`m.date < ${Date.parse(node.day)}`
      case 'larger':
        return sql`m.size > ${node.bytes}`
      case 'smaller':
        return sql`m.size < ${node.bytes}`
      case 'has':
        if (node.what === 'attachment') return sql`m.has_attachments = 1`
        return this.#context.inBody ? sql`m.has_link = 1` : nothing
      case 'thread': {
        const thread = threadNumber(node.id)
        return thread === undefined ? nothing : sql`m.thread = ${thread}`
      }
      default:
        // Fields that the caller may not search, and words without letters or digits, which the parser rejects.
        return nothing
    }
  }

  #place(nodes: readonly SearchNode[]): Sql {
    const { account, isSqlite } = this.#context
    // Without statistics SQLite would use the primary key by account only, and scan all places for each message.
    const index = isSqlite ? sql`indexed by places_by_message` : sql``
    return sql`exists (select 1 from places p ${index} where p.account = ${account} and p.message = m.rowid
      and ${this.ofOnePlace(nodes)})`
  }

  /** Compiles conditions on a single row of `places p`. */
  ofOnePlace(nodes: readonly SearchNode[]): Sql {
    return nodes.length === 0 ? sql`true` : both(nodes.map(node => this.#ofPlace(node)))
  }

  #ofPlace(node: SearchNode): Sql {
    switch (node.kind) {
      case 'and':
        return both(node.nodes.map(each => this.#ofPlace(each)))
      case 'or':
        return either(node.nodes.map(each => this.#ofPlace(each)))
      case 'flag':
        return sql`p.${sql.ref(node.flag)} = ${Number(node.isSet)}`
      case 'label':
        // Keywords are a JSON list, each in quotes.
        return sql`lower(p.keywords_json) like ${`%${escaped(JSON.stringify(node.label.toLowerCase()))}%`} escape '!'`
      case 'folder': {
        const folders = this.#context.foldersOf(node.folder)
        return folders.length === 0 ? nothing : sql`p.folder in (${sql.join(folders)})`
      }
      default:
        throw new Error(`${node.kind} is not about a place`)
    }
  }
}

const nothing = sql`1 = 0`
/** Empty hits, for plans without full-text conditions. */
export const noHits: Hits = { table: () => sql`select null as rowid where ${nothing}`, rows: () => undefined }
const both = (all: readonly Sql[]) => sql`(${sql.join(all, sql` and `)})`
const either = (all: readonly Sql[]) => sql`(${sql.join(all, sql` or `)})`
const escaped = (pattern: string) => pattern.replaceAll(/[%_!]/g, '!$&')
