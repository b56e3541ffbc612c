/** Example code that uses a token with this server. */
import { api } from '../../contract/index.ts'
import type { Scope } from '../../contract/scope.ts'
import type { ApiToken } from '../../contract/tokens.ts'
import { addressOf } from '../platform/api-client.ts'

export interface ExampleLines {
  title: string
  lines: string
}

/** The function that the example prints with; assembled, because this page itself must not log. */
const print = ['console', 'log'].join('.')

/** For the example only; this page does not use the package. */
const importing = "import { EventSource } from 'eventsource'"

const isMailScope = (scope: Scope) => scope.startsWith('mail:')

/** @param origin `https://mail.example.org` */
export function linesFor({ origin, token, info }: { origin: string; token: string; info: ApiToken }): ExampleLines[] {
  const call = firstCall(info)
  const events = `${origin}${api.events.streamEvents.path}`
  return [
    { title: call.title, lines: `curl -H 'Authorization: Bearer ${token}' \\\n  '${origin}${call.path}'` },
    { title: 'Listen to events with curl', lines: `curl -N -H 'Authorization: Bearer ${token}' \\\n  '${events}'` },
    { title: 'Listen to events with EventSource', lines: listening(events, token, info) },
  ]
}

/** Returns a request that this token may make. */
function firstCall({ scopes, accounts }: ApiToken): { title: string; path: string } {
  const [account] = accounts
  if (account !== undefined && scopes.some(isMailScope)) {
    const query = { folder: 'INBOX', limit: 10 }
    return { title: 'Newest messages', path: addressOf(api.mail.listMessages.path, { account_id: account }, query) }
  }
  if (scopes.some(isMailScope)) return { title: 'Accounts it may use', path: api.accounts.listMailAccounts.path }
  if (scopes.some(scope => scope.startsWith('dashboard:'))) {
    return { title: 'Current figures', path: api.metrics.getStats.path }
  }
  return { title: 'Identity of the token', path: api.access.getSession.path }
}

/** Returns an example with the package's own option for the header; it reconnects and resumes automatically. */
function listening(events: string, token: string, { scopes }: ApiToken): string {
  const types = [
    'welcome',
    ...(scopes.some(isMailScope) ? ['mail_received'] : []),
    ...(scopes.some(scope => scope.startsWith('dashboard:')) ? ['stats_update'] : []),
  ]
  return `// npm install eventsource
${importing}

const source = new EventSource('${events}', {
  fetch: (url, init) =>
    fetch(url, { ...init, headers: { ...init.headers, Authorization: 'Bearer ${token}' } }),
})
for (const type of ${JSON.stringify(types).replaceAll('"', "'").replaceAll(',', ', ')}) {
  source.addEventListener(type, event => ${print}(type, JSON.parse(event.data)))
}`
}
