/**
 * A process that wants one lease: it reports wins and losses, and writes on request under its newest lease or the first
 * one it ever held.
 */
import { createInterface } from 'node:readline'
import { LeaseService } from '../../server/leases/lease-service.ts'
import { LeaseStore } from '../../server/leases/lease-store.ts'
import { openDatabase } from '../../server/platform/database/database.ts'
import { type Lease, LeaseLost } from '../../server/platform/lease.ts'
import { createLogger } from '../../server/platform/logger.ts'

const [url = '', name = ''] = process.argv.slice(2)
const db = openDatabase(url)
const say = (word: string) => process.stdout.write(`${word}\n`)
// An hour, so that even a busy machine renews in time; a test that wants the lease to expire sets that in the database.
const times = { leaseMs: 3_600_000, renewEveryMs: 250, marginMs: 250 }
const logger = createLogger('silent')
const leases = new LeaseService({ store: new LeaseStore(db), isAlone: false, renews: true, times, logger })
let first: Lease | undefined

const claim = leases.want('loop', {
  won: lease => {
    first ??= lease
    say('won')
  },
  lost: () => say('lost'),
})
await leases.start()
if (!claim.find()) say('waits')

/** Writes under the given lease: the newest, or the first. */
async function write(lease: Lease | undefined): Promise<string> {
  try {
    await db.transaction().execute(async transaction => {
      await transaction
        .insertInto('settings')
        .values({ name: `${name} ${Date.now()}`, value: '1', updated_at: '' })
        .execute()
      if (!lease) throw new LeaseLost('loop')
      await lease.fence(transaction)
    })
    return 'written'
  } catch (error) {
    if (error instanceof LeaseLost) return 'refused'
    throw error
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  say(await write(line === 'write stale' ? first : claim.find()))
}
