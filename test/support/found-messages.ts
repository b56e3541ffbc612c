/** Searches one folder on a mail server, from the typed query to the matching messages. */
import type { MailConnection } from '../../server/imap/mail-gateway.ts'
import type { SearchTerm } from '../../server/imap/search-term.ts'
import { parseSearch } from '../../server/index/search-language.ts'
import { folderTerm } from '../../server/mail/server-terms.ts'

/** Returns the search term that a mail server is sent for a query. */
export function termOf(query: string, inBody = true): SearchTerm {
  const asked = folderTerm(parseSearch(query, { inBody, isOnServer: true }), () => false)
  if (asked.kind !== 'asked') throw new Error(`a mail server is not asked for ${query}`)
  return asked.term
}

/** Returns the matches by descending UID, as the folder lists them. */
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
