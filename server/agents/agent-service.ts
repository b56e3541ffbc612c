/** Tracks who works here over MCP, what they call and what it costs; shows callers what they may see. */
import type { AgentCall, AgentOutcome, AgentPeer, AgentTool } from '../../contract/agents.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { RequestOutcome } from '../platform/http/http-outcome.ts'
import { type Caller, maySeeAccount, type Principal } from '../platform/principal.ts'
import { RisingIds } from '../platform/rising-ids.ts'
import { coversAccounts } from '../platform/visible-figures.ts'
import { AgentCalls, type HeldCall, maxCalls, type Touched, touchedBy } from './agent-calls.ts'
import { AgentPeers, type Peer, type PeerWords, type ToolSums } from './agent-peers.ts'

/** The facts of an exchange that are known at its beginning. */
export interface BegunExchange extends PeerWords {
  caller: Caller
  requestId: string
  kind: 'stream' | 'call'
  method: string | undefined
}

/** The client of an operation, and its transport. */
export interface MetClient extends Pick<PeerWords, 'revision' | 'peer'> {
  caller: Caller
  transport?: PeerWords['transport'] | undefined
}

/** The result of a tool call. */
export type ToolAnswer = { isError: false; output: object } | { isError: true; problem: object }

/** The size of a tool result as sent to the agent. */
export interface SentSize {
  bytes: number
  /** Estimated tokens. */
  tokens: number
}

/** The figures of one protocol operation. */
export interface OperationFigures {
  principal: string
  method: string | undefined
  /** The name of an existing tool. */
  tool?: string
  outcome: AgentOutcome
  revision: string | undefined
  transport: PeerWords['transport']
  durationMs: number
  /** The size of the sent tool result. */
  bytes?: number
}

export interface AgentServiceOptions {
  hub: Pick<EventHub, 'publishLastState'>
  /** Returns the id in the list of clients. */
  clientIdOf(caller: Pick<Peer, 'principalId' | 'address' | 'userAgent'>): string | undefined
  metrics: { record(figures: OperationFigures): void }
  now(): number
}

interface Open {
  peer: Peer
  method: string | undefined
  outcome: AgentOutcome
}

interface CallQuery {
  limit: number
  principal?: string | undefined
  account_id?: string | undefined
  outcome?: AgentOutcome | undefined
}

const publishEveryMs = 300
const toolMark = /^tool\./
const callMethod = 'tools/call'
/** The size for callers other than MCP clients. */
const nothingSent: SentSize = { bytes: 0, tokens: 0 }
const nothing: Touched = { messages: null, sender: null, subject: null }

export class AgentService {
  readonly #options: AgentServiceOptions
  readonly #peers: AgentPeers
  readonly #calls = new AgentCalls()
  readonly #ids: RisingIds
  /** Open exchanges by request id; bounded by the number of exchanges. */
  readonly #open = new Map<string, Open>()
  /** Calls since streams were last notified. */
  #unpublished: HeldCall[] = []
  #publishing: ReturnType<typeof setTimeout> | undefined
  #isStopped = false

  constructor(options: AgentServiceOptions) {
    this.#options = options
    this.#peers = new AgentPeers(options.now)
    this.#ids = new RisingIds('c', options.now)
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#publishing)
  }

  opened(begun: BegunExchange) {
    const { caller, requestId, kind, method } = begun
    const began = performance.now()
    // Before `initialize` the client has no name by which it could be found again.
    let peer = method === 'initialize' ? undefined : this.#peers.seen(caller, begun)
    const open: Open | undefined = peer && { peer, method, outcome: 'ok' }
    if (peer && open) {
      this.#count(peer, kind, 1)
      this.#open.set(requestId, open)
    }
    return {
      named: (session: string | undefined) => {
        peer ??= this.#peers.seen(caller, begun, caller.principal.workSession ?? session)
      },
      closed: () => {
        if (!peer) return
        if (this.#open.delete(requestId)) this.#count(peer, kind, -1)
        // Tool calls are recorded with their outcome, and messages of a session one by one.
        if (method === callMethod || begun.transport !== 'http') return
        const { revision, transport, principalId: principal } = peer
        const durationMs = performance.now() - began
        const outcome = open?.outcome ?? 'ok'
        this.#options.metrics.record({ principal, method, outcome, revision, transport, durationMs })
      },
    }
  }

  /** Records a client of a session from one of its messages, since there one exchange spans all of them. */
  met({ caller, transport = 'http', revision, peer }: MetClient): void {
    this.#peers.seen(caller, { transport, revision, peer })
  }

  /** Records the outcome of an operation other than a tool call. A request over HTTP is recorded at its end. */
  ended(
    { caller, requestId, transport = 'http', revision }: Omit<MetClient, 'peer'> & { requestId: string },
    { outcome, ...operation }: Pick<OperationFigures, 'method' | 'outcome' | 'durationMs'>,
  ): void {
    const open = transport === 'http' ? this.#open.get(requestId) : undefined
    if (open && outcome !== 'ok' && open.outcome !== 'failed') open.outcome = outcome
    if (transport === 'http') return
    this.#options.metrics.record({ principal: caller.principal.id, outcome, revision, transport, ...operation })
  }

  /** Records each finished tool call. */
  record(outcome: RequestOutcome, answer: ToolAnswer, { bytes, tokens }: SentSize = nothingSent): void {
    const { caller, requestId, code, status, durationMs } = outcome
    if (!caller) return
    const peer = this.#open.get(requestId)?.peer ?? this.#peers.lastOf(caller) ?? this.#unknown(caller)
    const tool = outcome.operation.replace(toolMark, '')
    const result = outcomeOf(status)
    const at = this.#options.now()
    addTo(peer.tools, tool, { calls: 1, errors: result === 'ok' ? 0 : 1, bytes, tokens })
    peer.lastCall = { tool, at }
    peer.lastSeenAt = at
    const { principal } = caller
    const accountId = outcome.refs.account_id
    // An account outside its rights may be any made-up text.
    const isKnown = accountId !== undefined && maySeeAccount(principal, accountId)
    this.#hold({
      accounts: isKnown ? new Set([accountId]) : principal.accounts,
      call: {
        id: this.#ids.next(),
        at: new Date(at).toISOString(),
        principal: principal.id,
        principal_name: principal.name,
        client_name: peer.name ?? null,
        session: principal.workSession ?? null,
        tool,
        account_id: isKnown ? accountId : null,
        outcome: result,
        code,
        duration_ms: Math.round(durationMs * 10) / 10,
        bytes,
        tokens,
        ...(answer.isError ? nothing : touchedBy(answer.output)),
      },
    })
    const { revision, transport } = peer
    const figures = { tool, outcome: result, revision, transport, durationMs, bytes }
    this.#options.metrics.record({ principal: principal.id, method: callMethod, ...figures })
  }

  list(principal: Principal): { items: AgentPeer[]; open_calls: number; open_streams: number } {
    const items = this.#peers.list().map(peer => this.#toAgentPeer(peer, principal))
    const sum = (count: 'open_calls' | 'open_streams') => items.reduce((all, item) => all + item[count], 0)
    return { items, open_calls: sum('open_calls'), open_streams: sum('open_streams') }
  }

  listCalls(principal: Principal, { limit, ...query }: CallQuery): AgentCall[] {
    const isMeant = (call: AgentCall) =>
      (query.principal === undefined || call.principal === query.principal) &&
      (query.account_id === undefined || call.account_id === query.account_id) &&
      (query.outcome === undefined || call.outcome === query.outcome)
    const calls = this.#calls.list(principal, isMeant, limit)
    return principal.scopes.has('mail:meta') ? calls : calls.map(call => ({ ...call, sender: null, subject: null }))
  }

  /** Returns open calls and streams by principal, of those with any. */
  openBy(): Map<string, { calls: number; streams: number }> {
    const sums = new Map<string, { calls: number; streams: number }>()
    for (const { principalId, openCalls, openStreams } of this.#peers.list()) {
      if (openCalls + openStreams === 0) continue
      const before = sums.get(principalId) ?? { calls: 0, streams: 0 }
      sums.set(principalId, { calls: before.calls + openCalls, streams: before.streams + openStreams })
    }
    return sums
  }

  #toAgentPeer(peer: Peer, principal: Principal): AgentPeer {
    const isSeen = coversAccounts(principal, peer.accounts)
    const tools = toolsOf(peer)
    const sum = (name: 'calls' | 'errors' | 'tokens') => tools.reduce((all, tool) => all + tool[name], 0)
    const { lastCall } = peer
    return {
      id: peer.id,
      principal: peer.principalId,
      principal_name: peer.principalName,
      principal_kind: peer.kind === 'anonymous' ? 'token' : peer.kind,
      client_name: peer.name ?? null,
      client_version: peer.version ?? null,
      revision: peer.revision ?? null,
      transport: peer.transport,
      session: peer.session ?? null,
      ip_address: peer.address,
      user_agent: peer.userAgent,
      client_id: this.#options.clientIdOf(peer) ?? null,
      connected_at: new Date(peer.connectedAt).toISOString(),
      last_seen_at: new Date(peer.lastSeenAt).toISOString(),
      open_calls: peer.openCalls,
      open_streams: peer.openStreams,
      calls: isSeen ? sum('calls') : null,
      errors: isSeen ? sum('errors') : null,
      tokens: isSeen ? sum('tokens') : null,
      last_call: isSeen && lastCall ? { tool: lastCall.tool, at: new Date(lastCall.at).toISOString() } : null,
      tools: isSeen ? tools : null,
    }
  }

  #unknown(caller: Caller): Peer {
    return this.#peers.seen(caller, { transport: 'http', revision: undefined, peer: undefined })
  }

  #count(peer: Peer, kind: BegunExchange['kind'], change: 1 | -1): void {
    if (kind === 'stream') peer.openStreams += change
    else peer.openCalls += change
  }

  #hold(held: HeldCall): void {
    this.#calls.add(held)
    this.#unpublished.push(held)
    if (this.#unpublished.length > maxCalls) this.#unpublished.shift()
    if (this.#publishing === undefined && !this.#isStopped) this.#publish()
  }

  /** Publishes immediately, and then batches what follows. */
  #publish(): void {
    const fresh = this.#unpublished.reverse()
    this.#unpublished = []
    const newestFor = (sees: (held: HeldCall) => boolean) => {
      const call = fresh.find(sees)?.call
      return call && { newest: call.id, at: call.at }
    }
    const data = newestFor(() => true)
    if (data) {
      this.#options.hub.publishLastState({ type: 'agent_activity', data }, sight =>
        newestFor(({ accounts }) => coversAccounts(sight, accounts)),
      )
    }
    this.#publishing = setTimeout(() => {
      this.#publishing = undefined
      if (this.#unpublished.length > 0) this.#publish()
    }, publishEveryMs).unref()
  }
}

function addTo(tools: Peer['tools'], tool: string, { calls, errors, bytes, tokens }: ToolSums) {
  const before = tools.get(tool) ?? { calls: 0, errors: 0, bytes: 0, tokens: 0 }
  tools.set(tool, {
    calls: before.calls + calls,
    errors: before.errors + errors,
    bytes: before.bytes + bytes,
    tokens: before.tokens + tokens,
  })
}

function toolsOf({ tools }: Peer): AgentTool[] {
  return [...tools].map(([tool, sums]) => ({ tool, ...sums })).sort((one, other) => other.tokens - one.tokens)
}

/** Judges a tool result by its own status, whatever the status of the request that carried it. */
function outcomeOf(status: number): AgentOutcome {
  if (status < 400) return 'ok'
  return status < 500 ? 'refused' : 'failed'
}
