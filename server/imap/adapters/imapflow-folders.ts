/** Lists the folders of every namespace, and counts messages where the server lacks LIST-STATUS (RFC 5819). */
import type { ImapFlow, ListResponse } from 'imapflow'
import type { Folder } from '../../../contract/mail.ts'
import type { FolderStanding } from '../gateway-capabilities.ts'
import type { FolderCount } from '../mail-gateway.ts'
import { roles, toFolder } from './imapflow-message.ts'
import { type Inside, isListedFalsely, quoted, wireName } from './imapflow-names.ts'

/** Foreign namespaces that are listed separately, where LIST omits them; further ones are ignored. */
const maxNamespaces = 20
/** Pipelined STATUS commands; fewer on slow servers, so that other requests do not queue long behind them. */
const maxWindow = 20
const slowMs = 500
const statusQuery = { messages: true, unseen: true }
/** Items of a STATUS command: `(MESSAGES UNSEEN)`. */
const counted = ['MESSAGES', 'UNSEEN'] as const
const standingQuery = { messages: true, uidNext: true, uidValidity: true, highestModseq: true }
/** HIGHESTMODSEQ is requested only on servers with CONDSTORE. */
const standingItems = ['MESSAGES', 'UIDNEXT', 'UIDVALIDITY', 'HIGHESTMODSEQ']

/** ImapFlow's parse of `* STATUS name (MESSAGES 3 UNSEEN 1)`. */
interface Untagged {
  attributes?: (Token | Token[] | null)[]
}

interface Token {
  value?: string | Buffer
}

/** Modified UTF-7 can encode these (`&AAA-`), but no command can; PostgreSQL rejects NUL, which blocked indexing. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is left out
const unsayable = /[\x00\r\n]/

export async function listFolders(client: ImapFlow, withCounts: boolean): Promise<Folder[]> {
  if (withCounts) await refresh(client)
  return inOrder(client, await listAll(client, withCounts ? { statusQuery } : {}))
}

/** Returns the state of the account's own folders: from LIST, else by STATUS within the budget, `first` leading. */
export async function listStandings(
  client: ImapFlow,
  budgetMs: number,
  first: readonly string[],
): Promise<FolderStanding[]> {
  await refresh(client)
  const entries = await listAll(client, { statusQuery: standingQuery })
  const byPath = new Map(entries.map(entry => [toFolder(entry).path, entry.status]))
  const all = inOrder(client, entries)
  const folders = all.filter(({ namespace }) => namespace === 'personal')
  const isWhole = folders.length === all.length
  const standings = folders.map((folder): FolderStanding => {
    const { path, role, selectable } = folder
    const status = selectable ? toStanding(byPath.get(path)) : undefined
    const listing = { ...folder, total: null, unread: null }
    return { path, role, isSelectable: selectable, status, ...(isWhole && { listing }) }
  })
  const unknown = standings.filter(({ isSelectable, status }) => isSelectable && !status)
  const rank = (path: string) => (first.indexOf(path) + 1 || first.length + 1) - Number(path === 'INBOX')
  const paths = unknown.map(({ path }) => path).toSorted((a, b) => rank(a) - rank(b))
  const asked = new Map<string, FolderStanding['status']>()
  const items = client.capabilities.has('CONDSTORE') ? standingItems : standingItems.slice(0, -1)
  await requestAll(client, paths, items, budgetMs, (path, said) =>
    asked.set(path, toStanding(said && standingOf(said))),
  )
  return standings.map(standing => ({ ...standing, status: standing.status ?? asked.get(standing.path) }))
}

/** Dovecot reports stale figures of the selected folder: without NOOP, changes by others stay invisible. */
async function refresh(client: ImapFlow): Promise<void> {
  if (client.mailbox) await client.noop()
}

async function listAll(client: ImapFlow, options: object): Promise<ListResponse[]> {
  const listed = (await client.list(options)).filter(entry => !isListedFalsely(entry))
  const entries = new Map(listed.map(entry => [entry.path, entry]))
  // ImapFlow may have given the role to a folder that is left out.
  const inbox = entries.get('INBOX')
  if (inbox && !listed.some(({ specialUse }) => specialUse === '\\Inbox')) inbox.specialUse = '\\Inbox'
  for (const prefix of foreignPrefixes(client).slice(0, maxNamespaces)) {
    if ([...entries.keys()].some(path => path.startsWith(prefix))) continue
    // Courier and UW IMAP list these only by name (RFC 2342, section 6); a refusal affects no other folder.
    for (const entry of await listUnder(client, prefix, options))
      if (!entries.has(entry.path)) entries.set(entry.path, entry)
  }
  return [...entries.values()].filter(({ path }) => !unsayable.test(path))
}

async function listUnder(client: ImapFlow, prefix: string, options: object): Promise<ListResponse[]> {
  try {
    return (await (client as unknown as Inside).run('LIST', '', `${prefix}*`, options)) as ListResponse[]
  } catch (error) {
    if (client.usable && error instanceof Error && 'responseStatus' in error) return []
    throw error
  }
}

function foreignPrefixes(client: ImapFlow): string[] {
  return (['other', 'shared'] as const).flatMap(kind => prefixesOf(client, kind))
}

/** An empty prefix would match all folders. */
function prefixesOf(client: ImapFlow, kind: 'other' | 'shared'): string[] {
  const spaces = (client as unknown as Inside).namespaces?.[kind]
  return (spaces || []).map(({ prefix }) => prefix).filter(prefix => prefix !== '')
}

/** Puts personal folders first, so that a limit does not drop them. Only they have roles. */
function inOrder(client: ImapFlow, entries: ListResponse[]): Folder[] {
  const namespaceOf = (path: string): Folder['namespace'] => {
    const isIn = (kind: 'other' | 'shared') =>
      prefixesOf(client, kind).some(prefix => path.startsWith(prefix) || `${path}${prefix.at(-1)}` === prefix)
    if (isIn('other')) return 'other_users'
    return isIn('shared') ? 'shared' : 'personal'
  }
  const folders = entries.map(entry => toFolder(entry, namespaceOf(entry.path)))
  const personal = folders.filter(({ namespace }) => namespace === 'personal')
  const taken = new Set(personal.map(({ role }) => role))
  for (const [index, folder] of folders.entries()) {
    // ImapFlow assigns each role to one folder, which may belong to another user.
    if (folder.namespace !== 'personal' || folder.role) continue
    const flagged = [...(entries[index]?.flags ?? [])].map(flag => roles.get(flag))
    const role = flagged.find(one => one && !taken.has(one))
    if (!role) continue
    folder.role = role
    taken.add(role)
  }
  const rank = { personal: 0, other_users: 1, shared: 2 } as const
  return folders.sort((a, b) => rank[a.namespace] - rank[b.namespace])
}

/**
 * Counts folders by pipelined STATUS (RFC 9051, section 5.5) until the time is up; another call asks for the rest. A
 * folder that the server refuses to count has a count without numbers.
 */
export async function countFolders(
  client: ImapFlow,
  paths: readonly string[],
  budgetMs: number,
  onCount: (path: string, count: FolderCount) => void,
): Promise<void> {
  await refresh(client)
  await requestAll(client, paths, counted, budgetMs, (path, said) =>
    onCount(path, { total: said?.get('MESSAGES') ?? null, unread: said?.get('UNSEEN') ?? null }),
  )
}

/** Numbers of a STATUS response by item name. */
type Said = ReadonlyMap<string, number>

/** Queries one window of folders after the other until the time is up; adapts the window to the server's speed. */
async function requestAll(
  client: ImapFlow,
  paths: readonly string[],
  items: readonly string[],
  budgetMs: number,
  onAnswer: (path: string, said: Said | undefined) => void,
): Promise<void> {
  const until = performance.now() + budgetMs
  for (let at = 0, window = 1; at < paths.length && performance.now() < until; ) {
    const began = performance.now()
    const asked = paths.slice(at, at + window)
    const answers = await requestTogether(client, asked, items)
    for (const path of asked) onAnswer(path, answers.get(path))
    at += asked.length
    window = performance.now() - began < slowMs ? Math.min(maxWindow, window * 2) : Math.max(1, window >> 1)
  }
}

/**
 * Pipelines STATUS commands. ImapFlow sends one at a time, so all but the last bypass it, with tags that it ignores;
 * servers answer in order, so the last response completes them all.
 */
async function requestTogether(
  client: ImapFlow,
  paths: readonly string[],
  wanted: readonly string[],
): Promise<Map<string, Said>> {
  const inside = client as unknown as Inside
  const byName = new Map(paths.map(path => [wireName(client, path), path]))
  const names = [...byName.keys()]
  const answers = new Map<string, Said>()
  const note = async ({ attributes }: Untagged) => {
    const [word, list] = attributes ?? []
    if (!word || Array.isArray(word) || !Array.isArray(list)) return
    const name = String(word.value ?? '')
    const path = byName.get(name) ?? byName.get(name.toUpperCase())
    if (path !== undefined) answers.set(path, numbersIn(list))
  }
  for (const [index, name] of names.slice(0, -1).entries()) {
    inside.write(Buffer.from(`rm${index} STATUS ${quoted(name)} (${wanted.join(' ')})`))
  }
  const items = wanted.map(value => ({ type: 'ATOM', value }))
  try {
    const last = [{ type: 'STRING', value: names.at(-1) }, items]
    const { next } = await inside.exec('STATUS', last, { untagged: { STATUS: note } })
    next()
  } catch (error) {
    // The server refused to count this folder; any other error ends the connection.
    if (!client.usable || !(error instanceof Error && 'responseStatus' in error)) throw error
  }
  return answers
}

function numbersIn(list: readonly Token[]): Said {
  const words = list.map(token => String(token?.value ?? ''))
  const said = new Map<string, number>()
  for (let at = 0; at + 1 < words.length; at += 2) {
    const digits = words[at + 1]!
    if (/^\d{1,15}$/.test(digits)) said.set(words[at]!.toUpperCase(), Number(digits))
  }
  return said
}

function standingOf(said: Said): ListResponse['status'] {
  const modseq = said.get('HIGHESTMODSEQ')
  const validity = said.get('UIDVALIDITY')
  return {
    path: '',
    messages: said.get('MESSAGES'),
    uidNext: said.get('UIDNEXT'),
    ...(validity !== undefined && { uidValidity: BigInt(validity) }),
    ...(modseq !== undefined && { highestModseq: BigInt(modseq) }),
  } as ListResponse['status']
}

/** Undefined where the server omits a mandatory item (RFC 9051, section 6.3.11). */
function toStanding(status: ListResponse['status']): FolderStanding['status'] {
  const { messages, uidNext, uidValidity, highestModseq } = status ?? {}
  if (messages === undefined || !uidNext || uidValidity === undefined) return undefined
  return {
    uidValidity: Number(uidValidity),
    uidNext,
    modseq: highestModseq ? BigInt(highestModseq) : undefined,
    total: messages,
  }
}
