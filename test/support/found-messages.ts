/** A search of one folder on a mail server, from what is typed to the messages that it finds. */
import type { MailConnection } from '../../server/imap/mail-gateway.ts'
import type { SearchTerm } from '../../server/imap/search-term.ts'
import { parseSearch } from '../../server/index/search-language.ts'
import { folderTerm } from '../../server/mail/server-terms.ts'

/** What a mail server is asked for a query. */
export function termOf(query: string, inBody = true): SearchTerm {
  const asked = folderTerm(parseSearch(query, { inBody, isOnServer: true }), () => false)
  if (asked.kind !== 'asked') throw new Error(`a mail server is not asked for ${query}`)
  return asked.term
}

/** By falling UID, as they are in the folder. */
export async function findMessages(
  connection: MailConnection,
  path: string,
  term: SearchTerm | undefined,
  limit = 50,
  belowUid?: number,
) {
  const { total, found } = await connection.search(path, term, limit, belowUid)
  const { headers } = await connection.changes.headersOf(
    path,
    found.map(({ uid }) => uid),
  )
  return { total, messages: headers }
}
