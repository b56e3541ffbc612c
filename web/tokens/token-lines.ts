/** The lines by which a program uses a token, for this very server. */
import { api } from '../../contract/index.ts'
import { mcpPath } from '../../contract/mcp.ts'
import type { ApiToken } from '../../contract/tokens.ts'
import { addressOf } from '../platform/api-client.ts'

export interface ExampleLines {
  title: string
  lines: string
}

/** As MCP clients of all kinds name a server that they reach over HTTP. */
const mcpName = 'rustymail'

/** The word by which the lines print; this page itself prints nothing. */
const print = ['console', 'log'].join('.')

/** @param origin `https://mail.example.org` */
export function linesFor({ origin, token, info }: { origin: string; token: string; info: ApiToken }): ExampleLines[] {
  const call = firstCall(info)
  const events = `${origin}${api.events.streamEvents.path}`
  return [
    { title: call.title, lines: `curl -H 'Authorization: Bearer ${token}' \\\n  '${origin}${call.path}'` },
    { title: 'Listen to events with curl', lines: `curl -N -H 'Authorization: Bearer ${token}' \\\n  '${events}'` },
    { title: 'Listen to events in JavaScript', lines: listening(events, token) },
  ]
}

/** For agents. Clients differ in the word that their list of servers goes by. */
export function mcpLinesFor({ origin, token }: { origin: string; token: string }): ExampleLines[] {
  const url = `${origin}${mcpPath}`
  const server = { type: 'http', url, headers: { Authorization: `Bearer ${token}` } }
  const json = (key: string) => JSON.stringify({ [key]: { [mcpName]: server } }, null, 2)
  return [
    {
      title: 'Claude Code',
      lines: `claude mcp add --transport http ${mcpName} ${url} --header "Authorization: Bearer ${token}"`,
    },
    { title: 'Cursor (.cursor/mcp.json), and most others', lines: json('mcpServers') },
    { title: 'VS Code (.vscode/mcp.json)', lines: json('servers') },
  ]
}

/** Something that this token may ask. */
function firstCall({ scopes, accounts }: ApiToken): { title: string; path: string } {
  const [account] = accounts
  if (account !== undefined && scopes.some(scope => scope.startsWith('mail:'))) {
    const query = { folder: 'INBOX', limit: 10 }
    return { title: 'The newest messages', path: addressOf(api.mail.listMessages.path, { account_id: account }, query) }
  }
  if (scopes.some(scope => scope.startsWith('dashboard:'))) {
    return { title: 'The figures of now', path: api.metrics.getStats.path }
  }
  return { title: 'Who the token is', path: api.access.getSession.path }
}

function listening(events: string, token: string): string {
  return `const response = await fetch('${events}', {
  headers: { Authorization: 'Bearer ${token}' },
})
let text = ''
for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
  const events = (text + piece).split('\\n\\n')
  text = events.pop()
  for (const event of events) ${print}(event)
}`
}
