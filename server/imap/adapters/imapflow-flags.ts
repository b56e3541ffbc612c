/** Finds which messages have which flags by SEARCH: one line per flag, where FETCH returns a line per message. */
import type { ImapFlow, SearchObject } from 'imapflow'
import { Problem } from '../../platform/problem.ts'
import type { FlagStanding } from '../gateway-capabilities.ts'
import { commonUids, countUids, readUidSet, type UidRange, writeUidSet } from '../uid-ranges.ts'

/** Reads the standing of flags in the open folder. */
export async function readStanding(
  client: ImapFlow,
  uids: readonly UidRange[],
  flags: readonly string[],
): Promise<FlagStanding> {
  const having = new Map<string, readonly UidRange[]>(flags.map(flag => [flag, []]))
  if (uids.length === 0) return { there: [], having }
  let areAllThere = false
  for (const flag of flags) {
    const found = await uidsOf(client, uids, termOf(flag))
    having.set(flag, found)
    areAllThere ||= countUids(found) === countUids(uids)
  }
  // A flag that all messages have proves that all of them exist.
  return { there: areAllThere ? uids : await uidsOf(client, uids, {}), having }
}

async function uidsOf(client: ImapFlow, uids: readonly UidRange[], term: SearchObject): Promise<UidRange[]> {
  const query = { ...term, uid: writeUidSet(uids) }
  const found = await client.search(query, { uid: true, returnOptions: ['ALL'] })
  if (!found) throw new Problem('mail_server_refused', 'The mail server refused to search by UID.', { part: 'imap' })
  return commonUids(uids, readUidSet(Array.isArray(found) ? found.join() : (found.all ?? '')))
}

/** Maps a flag to its search key (RFC 9051, section 6.4.4): system flags have keys of their own. */
function termOf(flag: string): SearchObject {
  const system = /^\\(answered|deleted|draft|flagged|seen)$/i.exec(flag)
  return system ? { [system[1]!.toLowerCase()]: true } : { keyword: flag }
}
