/** Lists the facts that a principal may see, newest first. */
import type { Fact, LoggedFact } from '../../contract/event.ts'
import type { Principal } from '../platform/principal.ts'
import { badInput } from '../platform/problem.ts'
import type { EventLog } from './event-log.ts'
import { EventView, parseFilter } from './event-view.ts'

export interface FactQuery {
  types?: string | string[] | undefined
  account_id?: string | string[] | undefined
  /** Id of a fact; only older facts are listed. */
  before?: string | undefined
}

/**
 * Lists facts from memory, as far as it and the log reach back, then older administrative ones from the database. If
 * accounts are requested, facts without an account are left out.
 */
export async function listFacts(
  log: EventLog,
  principal: Principal,
  limit: number,
  asked: FactQuery,
): Promise<LoggedFact[]> {
  const filter = parseFilter(asked)
  const view = new EventView(principal, filter)
  const isOfAccounts = filter.accounts !== undefined
  const isMeant = (fact: Fact) => !isOfAccounts || 'account_id' in fact.data
  const found: LoggedFact[] = []
  const first = Math.max(log.oldest, log.oldestHeld)
  const newest = newestOf(log, asked.before)
  for (let number = newest; number >= first && found.length < limit; number--) {
    const fact = log.find(number)?.fact
    if (fact && view.accepts(fact) && isMeant(fact)) found.push({ id: log.idOf(number), ...fact })
  }
  if (found.length === limit) return found
  const before = Math.min(newest + 1, first)
  const older = await log.readAdministrative(view, { before, limit: limit - found.length, isOfAccounts })
  return [...found, ...older.map(({ number, fact }) => ({ id: log.idOf(number), ...fact }))]
}

function newestOf(log: EventLog, before: string | undefined): number {
  if (before === undefined) return log.newest
  const number = log.numberOf(before)
  if (typeof number === 'number') return number - 1
  throw badInput('query.before', 'is not the id of a fact of this server')
}
