/**
 * A process that writes to the event log of a database and prints what it receives as `heard <number> <name> <uid>`. It
 * reads commands from stdin, one per line, and stops at its end. Arguments: the URL of the database, the name under
 * which it writes.
 */
import { EventEmitter, once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Fact } from '../../contract/event.ts'
import { EventLog } from '../../server/events/event-log.ts'
import { EventStore } from '../../server/events/event-store.ts'
import { type Database, openServerDatabase } from '../../server/platform/database/database.ts'
import { databaseChanges } from '../../server/platform/database/database-changes.ts'
import { DatabaseHealth } from '../../server/platform/database/database-health.ts'
import { createLogger } from '../../server/platform/logger.ts'

const [url = '', name = ''] = process.argv.slice(2)
/** Own facts in flight, above which writing waits. */
const maxUnderWay = 3_000
/** Every fact whose UID is a multiple of this is written in a transaction of its own. */
const perTransaction = 200
/** Messages announced per look. */
const batch = 7

const logger = createLogger('error')
const died = (error: Error) => {
  throw error
}
const db = openServerDatabase({ url, observer: new DatabaseHealth(), died })
const log = new EventLog({
  store: new EventStore(db),
  logger,
  heldInMemory: 1_000,
  keep: 1_000_000,
  keepMs: 60 * 60_000,
  changes: databaseChanges(url, logger),
})
const heard = new EventEmitter()
let ownHeard = 0
let lines = ''

function mail(uid: number): Fact {
  const at = new Date().toISOString()
  return { type: 'mail_received', data: { account_id: 'a', folder: name, uid, uid_validity: 1, at } }
}

function hear(number: number, { type, data }: Fact): void {
  if (type !== 'mail_received') return
  if (data.folder === name) {
    ownHeard++
    heard.emit('own')
  }
  if (lines === '') {
    setImmediate(() => {
      process.stdout.write(lines)
      lines = ''
    })
  }
  lines += `heard ${number} ${data.folder} ${data.uid}\n`
}

async function write(count: number): Promise<void> {
  for (let uid = 1; uid <= count; uid++) {
    if (uid % perTransaction === 0) await log.transact(async (_transaction, publish) => publish(mail(uid)))
    else log.append(mail(uid))
    while (uid - ownHeard > maxUnderWay) await once(heard, 'own')
  }
}

/**
 * Announces as the sync of a folder does: the index first, in a transaction of its own; then the position together with
 * the facts.
 */
async function announce(upTo: number): Promise<void> {
  for (let known = await place(db); known < upTo; known = await place(db)) {
    const uids = Array.from({ length: Math.min(batch, upTo - known) }, (_, index) => known + 1 + index)
    await db.transaction().execute(async transaction => {
      for (const uid of uids) await save(transaction, `index ${name} ${uid}`, uid)
    })
    await log.transact(async (transaction, publish) => {
      // Another process may have announced them by now.
      const told = await place(transaction)
      for (const uid of uids.filter(one => one > told)) publish(mail(uid))
      await save(transaction, `place ${name}`, Math.max(told, uids.at(-1)!))
    })
  }
}

async function place(on: Database): Promise<number> {
  const row = await on.selectFrom('settings').select('value').where('name', '=', `place ${name}`).executeTakeFirst()
  return Number(row?.value ?? 0)
}

async function save(on: Database, key: string, value: number): Promise<void> {
  const row = { name: key, value: String(value), updated_at: '' }
  await on
    .insertInto('settings')
    .values(row)
    .onConflict(conflict => conflict.column('name').doUpdateSet(row))
    .execute()
}

const words: Record<string, (count: number) => Promise<void>> = { write, announce }

function failed(error: unknown): never {
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`)
  process.exit(1)
}

async function stop(): Promise<void> {
  await log.stop()
  await db.destroy()
}

createInterface({ input: process.stdin })
  .on('line', line => {
    const [word = '', count] = line.split(' ')
    words[word]?.(Number(count)).then(() => process.stdout.write(`done ${word}\n`), failed)
  })
  .on('close', () => void stop().catch(failed))
await log.start(({ number, fact }) => hear(number, fact))
process.stdout.write('ready\n')
