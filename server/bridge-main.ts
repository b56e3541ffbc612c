/** `rustymail mcp --url`: the bridge program, which loads no server code. stdout carries only the protocol. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { mcpPath } from '../contract/mcp.ts'
import { parseCommandLine } from './command-line.ts'
import { followEvents, headOf, principalOf, requestPermission } from './mcp/bridge-events.ts'
import { BridgeLink } from './mcp/bridge-link.ts'
import { type ChannelType, ClaudeChannel, channelCapabilities, channelTypes } from './mcp/claude-channel.ts'
import { ClaudePermissions, permissionCapabilities } from './mcp/claude-permissions.ts'
import { HttpBridge } from './mcp/http-bridge.ts'

const badUsage = 2

export async function run(): Promise<void> {
  const faults: string[] = []
  const { mcp } = parseCommandLine(process.argv.slice(2), faults)
  const url = urlOf(mcp.url, faults)
  const token = process.env.RUSTYMAIL_TOKEN?.trim() ?? ''
  if (token === '') faults.push('RUSTYMAIL_TOKEN must be set to a token of that server, which its Tokens page creates')
  if (faults.length > 0)
    return end(badUsage, [
      'The connection to a running RustyMail was not made. Please fix:',
      ...faults.map(each => `  ${each}`),
    ])
  const log = (words: string) => void process.stderr.write(`${words}\n`)
  if (url.protocol === 'http:' && !/^(localhost|127\.|\[::1\])/.test(url.hostname)) {
    log(`The token goes to ${url.host} without TLS: anyone on the network path can read it.`)
  }
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as {
    version: string
  }
  const headers = {
    'user-agent': `rustymail-mcp/${version}`,
    'rustymail-session': `stdio-${crypto.randomUUID()}`,
    ...(mcp.results !== undefined && { 'rustymail-results': mcp.results }),
  }
  const link = new BridgeLink({ url, token, headers, fetch })
  const asking = new Set<Promise<unknown>>()
  const permissions: ClaudePermissions = new ClaudePermissions({
    notify: (method, params) => bridge.notify(method, params),
    ask: (asked, signal) => {
      const answer = requestPermission(link, asked, signal).finally(() => asking.delete(answer))
      asking.add(answer)
      return answer
    },
    log,
  })
  const bridge: HttpBridge = new HttpBridge({
    link,
    output: process.stdout,
    log,
    ...(mcp.isChannel && {
      experimental: { ...channelCapabilities, ...permissionCapabilities },
      onReady: () => void openChannel(link, bridge, log),
      onNotification: (method, params) => permissions.take(method, params),
    }),
  })
  process.stdout.on('error', () => bridge.stop())
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => process.exit(0))
  await bridge.run(process.stdin)
  permissions.stop()
  // Waits until pending prompts are withdrawn, so that people no longer see them.
  await Promise.allSettled(asking)
  // All output is written by now, unless the reader has gone.
  process.exit(0)
}

/** Announces new mail until the bridge ends, or its token may no longer receive such events. */
async function openChannel(link: BridgeLink, bridge: HttpBridge, log: (words: string) => void): Promise<void> {
  const { signal } = bridge
  try {
    const channel = new ClaudeChannel({
      notify: (method, params) => bridge.notify(method, params),
      look: ref => headOf(link, ref, signal),
      principalId: await principalOf(link, signal),
      baseUrl: link.url.href.replace(/\/mcp$/, ''),
    })
    signal.addEventListener('abort', () => channel.stop())
    const take = (type: string, data: Record<string, unknown>) => channel.take(type as ChannelType, data)
    await followEvents(link, channelTypes, { signal, take })
  } catch (error) {
    if (!signal.aborted) log(`New mail is not announced: ${error instanceof Error ? error.message : error}`)
  }
}

function urlOf(text: string | undefined, faults: string[]): URL {
  const url = URL.parse(text ?? '')
  if (!url || !/^https?:$/.test(url.protocol)) {
    faults.push('--url takes the address of a running RustyMail, such as http://127.0.0.1:9437')
    return new URL('http://rustymail.invalid')
  }
  if (url.username !== '' || url.password !== '')
    faults.push('--url must not contain a password; the token comes from RUSTYMAIL_TOKEN')
  if (!url.pathname.endsWith(mcpPath)) url.pathname = url.pathname.replace(/\/$/, '') + mcpPath
  url.search = ''
  url.hash = ''
  return url
}

function end(code: number, lines: string[]): void {
  process.stderr.write(`${lines.join('\n')}\n`)
  process.exitCode = code
}
