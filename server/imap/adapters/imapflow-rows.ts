/**
 * Fetches message data for lists. A message that the server or ImapFlow fails at affects only its own row: it is
 * fetched separately, and else becomes an `unreadable` row. Unsolicited rows are dropped.
 */
import type { FetchMessageObject, ImapFlow } from 'imapflow'
import type { Structure } from '../body-structure.ts'
import { listedHeaders, mayRepeat, withFirstListed } from '../header-fields.ts'
import type { MessageHead, MessageHeader } from '../mail-gateway.ts'
import { fetchLean } from './imapflow-lean-rows.ts'
import { structureOf, toHeader, toUnreadable } from './imapflow-message.ts'

/** Messages by UID or by sequence number; at most a page of them. */
export interface Wanted {
  by: 'uid' | 'seq'
  numbers: readonly number[]
}

export interface Row {
  header: MessageHeader
  /** Undefined when the message could not be read. */
  row: FetchMessageObject | undefined
  structure?: Structure
}

/** Raw headers too: of a repeated one, the server's envelope may contain the last or all of them. */
const headers = [...listedHeaders]
const headerQuery = { uid: true, flags: true, envelope: true, internalDate: true, size: true, bodyStructure: true }
/** Items of a single message: also its beginning, where the last mail servers prepended headers. */
export const contentQuery = { ...headerQuery, source: { start: 0, maxLength: 16 * 1024 } }
const listQuery = { ...headerQuery, headers }
const headQuery = { uid: true, envelope: true, size: true, headers }
/** Items that the index stores. */
export const indexQuery = { ...headerQuery, headers: [...headers, 'references'] }
const leastQuery = { uid: true, internalDate: true, size: true }
/** UIDs per command, since servers accept lines of 8,000 bytes (RFC 7162, section 4). */
const uidsOfCommand = 500
/** Commands spent on isolating the message that a server fails at; one of fifty takes twelve. */
const mostTries = 30

interface FetchHow<Kept> {
  query: object
  onDropped?: (() => void) | undefined
  /** Called with each row as it arrives, so that responses are not buffered. */
  keep(row: Row): Kept
}

interface Tries<Answer> {
  left: number
  readonly query: object
  readonly onDropped: () => void
  read(row: FetchMessageObject): Answer | Promise<Answer>
}

/** Fetches rows, the newest first. */
export function fetchRows(
  client: ImapFlow,
  wanted: Wanted,
  query: object = listQuery,
  onDropped?: () => void,
): Promise<Row[]> {
  return fetchKept(client, wanted, { query, onDropped, keep: row => row })
}

/** Fetches and maps rows, the newest first; each is consumed as it arrives. */
export async function fetchKept<Kept>(
  client: ImapFlow,
  wanted: Wanted,
  { query, onDropped = () => undefined, keep }: FetchHow<Kept>,
): Promise<Kept[]> {
  const rows = new Map<number, Kept>()
  const read = (row: FetchMessageObject) => {
    const take = (found: Row) => {
      if (!rows.has(row.uid)) rows.set(row.uid, keep(found))
      return numberOf(row, wanted)
    }
    try {
      const found = withFirst(rowOf(row))
      return found instanceof Promise ? found.then(take) : take(found)
    } catch (error) {
      // A rejection does not abort the command.
      return Promise.reject(error)
    }
  }
  const answered = new Set(await fetchApart(client, wanted, { left: mostTries, query, onDropped, read }))
  const numbers = wanted.numbers.filter(number => !answered.has(number))
  for (const row of await fetchLeast(client, { ...wanted, numbers }, onDropped)) {
    if (!rows.has(row.uid)) rows.set(row.uid, keep({ header: toUnreadable(row), row: undefined }))
  }
  return [...rows].sort(([one], [other]) => other - one).map(([, kept]) => kept)
}

/** Fetches the data of announcements only; leaves out unreadable messages. */
export async function fetchHeads(
  client: ImapFlow,
  uids: readonly number[],
  onDropped: () => void = () => undefined,
): Promise<Map<number, MessageHead>> {
  const read = (row: FetchMessageObject) => withFirst(rowOf(row))
  const tries = { left: mostTries, query: headQuery, onDropped, read }
  const all = await fetchApart(client, { by: 'uid', numbers: uids }, tries)
  const rows = all.filter(({ row }) => row !== undefined)
  return new Map(rows.map(({ header: { uid, subject, from } }) => [uid, { subject, from }]))
}

/** Returns reception dates by descending UID; expunged messages are left out. @param uids Descending. */
export async function fetchDates(
  client: ImapFlow,
  uids: readonly number[],
  onDropped: () => void = () => undefined,
): Promise<{ uid: number; date: string }[]> {
  const found: { uid: number; date: string }[] = []
  for (let at = 0; at < uids.length; at += uidsOfCommand) {
    const numbers = uids.slice(at, at + uidsOfCommand)
    for (const row of await fetchAll(client, { by: 'uid', numbers }, asTheyAre(onDropped)))
      found.push({ uid: row.uid, date: toUnreadable(row).date })
  }
  return found.sort((one, other) => other.uid - one.uid)
}

/** Synchronous for almost every row: a promise for each of thousands would cost more than the check. */
function withFirst(found: Row): Row | Promise<Row> {
  const head = found.row?.headers?.toString('utf8').toWellFormed()
  if (head === undefined || !mayRepeat(head)) return found
  return withFirstListed(found.header, head).then(header => ({ ...found, header }))
}

function rowOf(row: FetchMessageObject): Row {
  try {
    const structure = structureOf(row)
    return { header: toHeader(row, structure), row, structure }
  } catch {
    // Not reached by any message tested; an exception must not fail the whole page.
    return { header: toUnreadable(row), row: undefined }
  }
}

/** Fetches messages; when the server refuses, bisects them to isolate the bad one. */
async function fetchApart<Answer>(client: ImapFlow, wanted: Wanted, tries: Tries<Answer>): Promise<Answer[]> {
  try {
    return await fetchAll(client, wanted, tries)
  } catch (error) {
    if (!client.usable || !isRefusal(error)) throw error
    const { by, numbers } = wanted
    if (numbers.length === 1 || --tries.left <= 0) return []
    const middle = Math.ceil(numbers.length / 2)
    const first = await fetchApart(client, { by, numbers: numbers.slice(0, middle) }, tries)
    return [...first, ...(await fetchApart(client, { by, numbers: numbers.slice(middle) }, tries))]
  }
}

/** Fetches minimal data of the messages still in the folder, at least their UIDs. */
async function fetchLeast(
  client: ImapFlow,
  wanted: Wanted,
  onDropped: () => void,
): Promise<Pick<FetchMessageObject, 'uid'>[]> {
  const { by, numbers } = wanted
  if (numbers.length === 0) return []
  const answers = await fetchAll(client, wanted, asTheyAre(onDropped))
  const answered = new Set(answers.map(row => numberOf(row, wanted)))
  const silent = numbers.filter(number => !answered.has(number))
  if (silent.length === 0) return answers
  const found = (await client.search({ [by]: silent.join() }, { uid: true })) || []
  const isMeant = new Set(silent)
  const uids = found.slice(0, silent.length).filter(uid => by === 'seq' || isMeant.has(uid))
  return [...answers, ...uids.map(uid => ({ uid }))]
}

function asTheyAre(onDropped: () => void) {
  return { query: leastQuery, onDropped, read: (row: FetchMessageObject) => row }
}

async function fetchAll<Answer>(
  client: ImapFlow,
  wanted: Wanted,
  { query, onDropped, read }: Omit<Tries<Answer>, 'left'>,
): Promise<Answer[]> {
  const { by, numbers } = wanted
  if (numbers.length === 0) return []
  const isWanted = new Set(numbers)
  const rows: (Answer | Promise<Answer>)[] = []
  const take = (row: FetchMessageObject) => {
    // Each message once, so that a server that repeats itself cannot fill the memory.
    if (!isAnswer(row)) return
    if (!isWanted.delete(numberOf(row, wanted))) return onDropped()
    const answer = read(row)
    rows.push(answer)
    // The rejection is reported by `Promise.all`, unless the command fails first.
    if (answer instanceof Promise) answer.catch(() => undefined)
  }
  await fetchLean(client, { range: rangesOf(numbers), by, query, isAnswer, take })
  return Promise.all(rows)
}

const numberOf = ({ uid, seq }: FetchMessageObject, { by }: Wanted) => (by === 'uid' ? uid : seq)

/** Sequence numbers of a page are one range; UIDs stay as requested. */
function rangesOf(numbers: readonly number[]): string {
  const [first = 0] = numbers
  const last = numbers.at(-1) ?? first
  return last - first === numbers.length - 1 && last > first ? `${first}:${last}` : numbers.join()
}

/** Unsolicited flag updates are rows too, but lack the requested items. */
const isAnswer = ({ uid, size }: FetchMessageObject) => uid > 0 && size !== undefined

function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error) || ('code' in error && error.code === 'ETHROTTLE')) return false
  return 'responseStatus' in error && (error.responseStatus === 'NO' || error.responseStatus === 'BAD')
}
