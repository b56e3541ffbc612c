/** MCP for the program that started this process, over stdin and stdout: its identity and its channel of events. */
import type { Scope } from '../contract/scope.ts'
import { tokenPresets } from '../contract/tokens.ts'
import type { AccessService } from './access/access-service.ts'
import type { PermissionPrompts } from './approvals/permission-prompts.ts'
import type { EventHub } from './events/event-hub.ts'
import { type ChannelType, ClaudeChannel, channelCapabilities, channelTypes } from './mcp/claude-channel.ts'
import { type ClaudePermissionRequest, ClaudePermissions, permissionCapabilities } from './mcp/claude-permissions.ts'
import type { McpConfig } from './mcp/mcp-config.ts'
import type { McpSession } from './mcp/mcp-port.ts'
import type { McpService } from './mcp/mcp-service.ts'
import { guard, mayPass, type Operation, type Stops } from './platform/guard.ts'
import type { Trail } from './platform/http/http-outcome.ts'
import { toProblem } from './platform/http/http-problem.ts'
import { type Caller, type Principal, scopeSet } from './platform/principal.ts'
import { Problem } from './platform/problem.ts'
import { cleanLine } from './reading/stranger-text.ts'
import type { Toolbox } from './tools/toolbox.ts'

export interface StdioStreams {
  input: NodeJS.ReadableStream
  output: NodeJS.WritableStream
}

export interface StdioSurroundings {
  config: McpConfig
  access: Pick<AccessService, 'authenticate'>
  service: McpService
  toolbox: Toolbox
  stops: Stops
  hub: EventHub
  prompts: Pick<PermissionPrompts, 'request'>
  trail: Trail
  baseUrl(): string
}

/** The address in the trail: the pipes of a process are local to this machine. */
const address = '127.0.0.1'

/** Serves one session. @throws Error with a readable message. */
export async function serveStdio(streams: StdioStreams, surroundings: StdioSurroundings): Promise<McpSession> {
  const { config, service } = surroundings
  const principal = await principalOf(surroundings)
  const caller: Caller = { principal, address, userAgent: 'stdio' }
  const headers = new Headers(config.results === undefined ? {} : { 'rustymail-results': config.results })
  const principalNow = () => principalOf(surroundings)
  if (!config.isChannel) return service.serveStdio(caller, { ...streams, headers, principalNow })
  const experimental = { ...channelCapabilities, ...permissionCapabilities }
  const permissions = new ClaudePermissions({
    notify: async (method, params) => (await opening).notify(method, params),
    ask: (asked, signal) => requestPermission(caller, asked, signal, surroundings),
    log: words => void process.stderr.write(`${words}\n`),
  })
  const onNotification = (method: string, params: Record<string, unknown>) => void permissions.take(method, params)
  const opening = service.serveStdio(caller, { ...streams, headers, experimental, principalNow, onNotification })
  const session = await opening
  const end = () => permissions.stop()
  void session.ended.then(end, end)
  openChannel(session, caller, surroundings)
  return session
}

const asking: Operation = { name: 'permission.ask', scope: 'signed_in', effect: 'write' }

/** Asks the user for permission, recorded like a request over HTTP. @returns undefined if nobody decided. */
async function requestPermission(
  caller: Caller,
  asked: ClaudePermissionRequest,
  signal: AbortSignal,
  surroundings: StdioSurroundings,
): Promise<'allow' | 'deny' | undefined> {
  const { prompts, trail, stops } = surroundings
  const principal = await principalOf(surroundings)
  const began = performance.now()
  const tell = (status: number, code: string) =>
    trail.record({
      ...{ operation: asking.name, effect: asking.effect, method: 'CALL', status, code, requestId: 'channel' },
      ...{ durationMs: performance.now() - began, caller: { ...caller, principal }, address: caller.address },
      ...{ userAgent: caller.userAgent, isCounted: false, input: undefined, hasCredentials: true },
      refs: { tool: cleanLine(asked.tool_name) },
    })
  try {
    guard(principal, asking, undefined, stops)
    const answer = prompts.request(principal, asked, signal)
    await tell(200, 'ok')
    const state = await answer
    return state === 'allowed' ? 'allow' : state === 'denied' ? 'deny' : undefined
  } catch (error) {
    const problem = toProblem(error)
    if (problem) await tell(problem.status, problem.code)
    throw error
  }
}

/** The client name that the channel of a bridge uses too. */
const ownPeer = { name: 'rustymail-channel', version: '1' }

/** Announces facts until the session ends; each is checked against the rights of the agent at that moment. */
function openChannel(session: McpSession, caller: Caller, surroundings: StdioSurroundings): void {
  const { toolbox, hub, stops, baseUrl } = surroundings
  const over = new AbortController()
  const channel = new ClaudeChannel({
    notify: (method, params) => session.notify(method, params),
    look: async ref => {
      const principal = await principalOf(surroundings)
      const asking = { caller: { ...caller, principal }, peer: ownPeer, requestId: 'channel', signal: over.signal }
      const result = await toolbox.call('mail_read', { refs: [ref], view: 'headers' }, asking)
      return result.isError ? undefined : result.output
    },
    principalId: caller.principal.id,
    baseUrl: baseUrl(),
  })
  const follow = (type: ChannelType) =>
    hub.listen(type, data => {
      const operation = { name: 'mcp.channel', scope: scopeOf[type], effect: 'read' } as const
      void (async () => principalOf(surroundings))().then(
        principal => {
          // Facts that the agent may not see, or that a human froze, are skipped without an error.
          if (mayPass(() => guard(principal, operation, data.account_id, stops))) channel.take(type, data)
        },
        () => undefined,
      )
    })
  const ends = channelTypes.map(follow)
  const end = () => {
    over.abort()
    channel.stop()
    for (const each of ends) each()
  }
  void session.ended.then(end, end)
}

/** The scope of each fact, as in the contract. */
const scopeOf = {
  mail_received: 'mail:meta',
  approval_requested: 'mail:draft',
  approval_decided: 'mail:draft',
} as const

/** Returns the principal, synchronously if its token is cached. @throws Problem if the token is not accepted. */
function principalOf({ config, access }: StdioSurroundings): Principal | Promise<Principal> {
  const { token, preset } = config
  if (token === undefined) return localPrincipal(tokenPresets[preset].scopes)
  const found = access.authenticate({ token, sessionCookie: undefined, address })
  return found instanceof Promise ? found.then(known) : known(found)
}

function known(principal: Principal | undefined): Principal {
  if (principal) return principal
  throw new Problem(
    'unauthorized',
    'the token in RUSTYMAIL_TOKEN is wrong, revoked, expired, or not valid from this address',
  )
}

/**
 * Returns the principal of an agent without a token: a person who can read the data directory can read all mail, so the
 * agent acts as that person's program, with a part of the API key's scopes. It shares the key's id in freezes and in
 * the trail, so that one freeze stops both.
 */
function localPrincipal(scopes: Iterable<Scope>): Principal {
  return { id: 'api-key', name: 'stdio', kind: 'api_key', userId: null, scopes: scopeSet(scopes), accounts: 'all' }
}
