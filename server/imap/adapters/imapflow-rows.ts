/**
 * Fetches what lists show of messages. A message that the server or ImapFlow cannot get right costs its own row and no other: it is fetched
 * apart from the others, and when that does not help, a row says that it is there. Rows that nobody asked for are dropped as they come.
 */
import type { FetchMessageObject, ImapFlow } from 'imapflow'
import type { Structure } from '../body-structure.ts'
import { listedHeaders, mayRepeat, withFirstListed } from '../header-fields.ts'
import type { MessageHead, MessageHeader } from '../mail-gateway.ts'
import { fetchLean } from './imapflow-lean-rows.ts'
import { structureOf, toHeader, toUnreadable } from './imapflow-message.ts'

/** Messages by their UIDs, or by their places in the folder; a page of them at most. */
export interface Wanted {
  by: 'uid' | 'seq'
  numbers: readonly number[]
}

export interface Row {
  header: MessageHeader
  /** Undefined when it could not be read. */
  row: FetchMessageObject | undefined
  structure?: Structure
}

/** Also the headers as they stand: of one that stands several times the server may tell the last, or all together. */
const headers = [...listedHeaders]
const headerQuery = { uid: true, flags: true, envelope: true, internalDate: true, size: true, bodyStructure: true }
/** Of one message the beginning too: what the last mail servers wrote on top stands there. */
export const contentQuery = { ...headerQuery, source: { start: 0, maxLength: 16 * 1024 } }
const listQuery = { ...headerQuery, headers }
const headQuery = { uid: true, envelope: true, size: true, headers }
/** What the index is made of. */
export const indexQuery = { ...headerQuery, headers: [...headers, 'references'] }
const leastQuery = { uid: true, internalDate: true, size: true }
/** So many in a command: servers take lines of 8,000 bytes (RFC 7162, section 4). */
const uidsOfCommand = 500
/** Commands that are spent on finding the message at which a server fails; one of fifty takes twelve. */
const mostTries = 30

interface FetchHow<Kept> {
  query: object
  onDropped?: (() => void) | undefined
  /** With each row as it comes: what the server said of it is not kept for longer. */
  keep(row: Row): Kept
}

interface Tries<Answer> {
  left: number
  readonly query: object
  readonly onDropped: () => void
  read(row: FetchMessageObject): Answer | Promise<Answer>
}

/** The newest first. */
export function fetchRows(
  client: ImapFlow,
  wanted: Wanted,
  query: object = listQuery,
  onDropped?: () => void,
): Promise<Row[]> {
  return fetchKept(client, wanted, { query, onDropped, keep: row => row })
}

/** The newest first. Many rows take the event loop one at a time. */
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
      // The command goes on to its end.
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

/** Only what is said of mail as it arrives; what cannot be read is left out. */
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

/** When messages were received, by falling UID; those that are gone are left out. @param uids Falling. */
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

/** At once for nearly every row: a promise for each of thousands costs more than to look. */
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
    // No message that was ever tried comes here; the next one does not take its page along.
    return { header: toUnreadable(row), row: undefined }
  }
}

/** Where the server refuses, half of them at a time. */
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

/** Of those that are still in the folder; the least that can be said of them is their UID. */
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
    // One of each, so that a server which repeats itself fills no memory.
    if (!isAnswer(row)) return
    if (!isWanted.delete(numberOf(row, wanted))) return onDropped()
    const answer = read(row)
    rows.push(answer)
    // It is told below, unless the command fails first.
    if (answer instanceof Promise) answer.catch(() => undefined)
  }
  await fetchLean(client, { range: rangesOf(numbers), by, query, isAnswer, take })
  return Promise.all(rows)
}

const numberOf = ({ uid, seq }: FetchMessageObject, { by }: Wanted) => (by === 'uid' ? uid : seq)

/** Places of a page are one range; UIDs stay as they were asked for. */
function rangesOf(numbers: readonly number[]): string {
  const [first = 0] = numbers
  const last = numbers.at(-1) ?? first
  return last - first === numbers.length - 1 && last > first ? `${first}:${last}` : numbers.join()
}

/** Unasked-for updates of flags come as rows too; they lack what was asked for. */
const isAnswer = ({ uid, size }: FetchMessageObject) => uid > 0 && size !== undefined

function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error) || ('code' in error && error.code === 'ETHROTTLE')) return false
  return 'responseStatus' in error && (error.responseStatus === 'NO' || error.responseStatus === 'BAD')
}
