/** The configuration for MCP clients is in the format that each expects. */
import { expect, test } from 'vitest'
import { anyFolder, setUpsFor } from './set-up-lines.ts'

const linesOf = (origin: string) =>
  Object.fromEntries(setUpsFor({ origin, token: 'rm_secret' }).map(({ client, lines }) => [client, lines]))

test('each client gets a command, a file, or a URL, with the token where it takes one', () => {
  const lines = linesOf('https://mail.example.org')
  expect(lines['Claude Code']!.split(' \\\n  ')).toEqual([
    'claude mcp add --transport http rustymail https://mail.example.org/mcp',
    '--header "Authorization: Bearer rm_secret"',
  ])
  const server = (headers: Record<string, string>) => ({ type: 'http', url: 'https://mail.example.org/mcp', headers })
  const authorization = { Authorization: 'Bearer rm_secret' }
  expect(JSON.parse(lines.Cursor!)).toEqual({ mcpServers: { rustymail: server(authorization) } })
  expect(JSON.parse(lines['VS Code']!)).toEqual({ servers: { rustymail: server(authorization) } })
  expect(lines.ChatGPT).toBe('https://mail.example.org/mcp')
  expect(JSON.parse(lines['Claude Desktop']!).mcpServers.rustymail).toEqual({
    command: 'node',
    args: [`${anyFolder}/bin/rustymail.js`, 'mcp', '--url', 'https://mail.example.org'],
    env: { RUSTYMAIL_TOKEN: 'rm_secret' },
  })
})
