/** Instructions that connect each MCP client to this server: a command, a file, or steps. */
import { mcpPath } from '../../contract/mcp.ts'

export interface SetUp {
  client: string
  /** What to do with the lines. */
  how: string
  /** Title of the lines: `Command`, or a file name. */
  title: string
  lines: string
}

/** The name of this server in the clients' configuration. */
const mcpName = 'rustymail'

/** Placeholder for RustyMail's folder on the client's machine, which this page cannot know. */
export const anyFolder = '/path/to/rustymail'

/** Placeholder for a secret that is no longer shown. */
export const anyToken = 'rm_…'

/** Returns the instructions of all clients. @param origin `https://mail.example.org` */
export function setUpsFor({ origin, token }: { origin: string; token: string }): SetUp[] {
  const url = `${origin}${mcpPath}`
  const authorization = { Authorization: `Bearer ${token}` }
  const json = (key: string, server: object) => JSON.stringify({ [key]: { [mcpName]: server } }, null, 2)
  const http = (headers: Record<string, string>) => ({ type: 'http', url, headers })
  return [
    {
      client: 'Claude Code',
      how: 'Run this in a terminal; /mcp in Claude Code then lists the tools.',
      title: 'Command',
      lines: `claude mcp add --transport http ${mcpName} ${url} \\\n  --header "Authorization: Bearer ${token}"`,
    },
    {
      client: 'Claude Desktop',
      how: `Settings, Developer, Edit Config. It only starts local programs, so RustyMail on the same machine acts as a bridge: put its folder in place of ${anyFolder}. Then start Claude Desktop again.`,
      title: 'claude_desktop_config.json',
      lines: json('mcpServers', {
        command: 'node',
        args: [`${anyFolder}/bin/rustymail.js`, 'mcp', '--url', origin],
        env: { RUSTYMAIL_TOKEN: token },
      }),
    },
    {
      client: 'Cursor',
      how: 'Save this file in your project, or in ~/.cursor for all projects. Most other clients use the same format.',
      title: '.cursor/mcp.json',
      lines: json('mcpServers', http(authorization)),
    },
    {
      client: 'VS Code',
      how: 'Save this file in your project, then start the server from the lens above it.',
      title: '.vscode/mcp.json',
      lines: json('servers', http(authorization)),
    },
    {
      client: 'ChatGPT',
      how: 'Settings, Apps & Connectors, Advanced: turn on developer mode, then create a connector with this URL. It uses no token but signs in (OAuth): an administrator has to allow that, and this address has to be reachable over HTTPS from the internet.',
      title: 'URL of the MCP server',
      lines: url,
    },
  ]
}
