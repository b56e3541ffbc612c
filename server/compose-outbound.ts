/**
 * Outbound connections, wired by hand: one guard for mail servers, others for models, providers and receivers. A part
 * of the composition root.
 */
import type { MailLogin } from './accounts/mail-login.ts'
import type { Config } from './config.ts'
import { ImapFlowGateway } from './imap/adapters/imapflow-gateway.ts'
import type { ConnectionPool } from './imap/connection-pool.ts'
import { CountedGateway } from './imap/counted-gateway.ts'
import type { MailGateway } from './imap/mail-gateway.ts'
import { TracedGateway } from './imap/traced-gateway.ts'
import type { CallMetrics } from './metrics/call-metrics.ts'
import { GuardedFetch } from './platform/network/guarded-fetch.ts'
import { OutboundGuard } from './platform/network/outbound-guard.ts'
import { Problem } from './platform/problem.ts'
import type { Tracer } from './platform/tracing/tracer.ts'

export interface ComposedOutbound {
  /** The outbound guard for mail servers. */
  guard: OutboundGuard
  /** Carries requests to models and providers. */
  guarded: GuardedFetch
  /** Reaches models that the environment names. */
  named: Reach
  /** Reaches models that the page names. */
  chosen: Reach & Pick<OutboundGuard, 'allow'> & { stop(): Promise<void> }
  /** Carries requests to push services. */
  pushing: GuardedFetch
  /** Delivers webhooks. */
  hooking: GuardedFetch
  /** Carries requests for access to the providers of mail accounts. */
  signing: GuardedFetch
}

interface Reach {
  fetch: typeof globalThis.fetch
  guard: OutboundGuard
}

/** Upper bound of connections to one receiver of webhooks. */
const maxPerOrigin = 32

/**
 * Keeps the guards apart: a model on this machine must not let people name this machine as their mail server or push
 * service.
 */
export function composeOutbound(config: Config): ComposedOutbound {
  const { privateNetworks } = config
  const named = new OutboundGuard({ privateNetworks, trusted: trustedWebHosts(config) })
  const guarded = new GuardedFetch({ guard: named })
  const chosen = new OutboundGuard({ privateNetworks, trusted: [], isAdjustable: true })
  const choosing = new GuardedFetch({ guard: chosen })
  return {
    guard: new OutboundGuard({ privateNetworks, trusted: trustedMailHosts(config), isAdjustable: true }),
    guarded,
    named: { fetch: guarded.fetch, guard: named },
    chosen: {
      fetch: choosing.fetch,
      guard: chosen,
      allow: networks => {
        chosen.allow(networks)
        // Drops pooled connections to networks that are no longer allowed.
        choosing.renew()
      },
      stop: () => choosing.stop(),
    },
    pushing: new GuardedFetch({ guard: new OutboundGuard({ privateNetworks, trusted: [] }) }),
    hooking: new GuardedFetch({ guard: new OutboundGuard({ privateNetworks, trusted: [] }), perOrigin: maxPerOrigin }),
    signing: new GuardedFetch({ guard: new OutboundGuard({ privateNetworks, trusted: [] }) }),
  }
}

interface GatewaySurroundings {
  guard: OutboundGuard
  version: string
  calls: CallMetrics
  tracer: Tracer | undefined
}

/**
 * Creates the mail gateway.
 * @param given A gateway in place of the real one.
 */
export function composeGateway(
  { guard, version, calls, tracer }: GatewaySurroundings,
  given?: MailGateway,
): MailGateway {
  const gateway = given ?? new ImapFlowGateway({ guard, version, onRowDropped: () => calls.recordDroppedRow() })
  const traced = tracer ? new TracedGateway(gateway, tracer) : gateway
  return new CountedGateway(traced, cause => calls.recordImapError(cause))
}

/** Returns the mail servers that the environment names, which may be on any network. */
function trustedMailHosts({ account }: Config): string[] {
  return [account?.imap.host, account?.smtp?.host].filter(host => host !== undefined)
}

function trustedWebHosts({ oidc, assistant }: Config): string[] {
  const { rigEndpoint, openai, openrouter, anthropic, gemini, mistral, azure, ollama } = assistant
  const named = [openai, openrouter, anthropic, gemini, mistral, azure, ollama].map(provider => provider?.baseUrl)
  const urls = [...named, rigEndpoint, oidc?.issuer].filter(url => url !== undefined)
  return urls.map(url => new URL(url).hostname.replace(/^\[|\]$/g, ''))
}

/**
 * Logs in and out, outside the pool: a trial has other credentials than the account it may become.
 * @param pool Its connections of the account make room if the mail server allows no further one.
 */
export async function tryImap(
  gateway: MailGateway,
  pool: () => Pick<ConnectionPool, 'leaveTo' | 'judged'>,
  login: MailLogin,
  timeoutMs: number,
  accountId?: string,
): Promise<void> {
  const trial = async () => {
    const signal = AbortSignal.timeout(timeoutMs + 1_000)
    const connection = await gateway.connect(login, { timeoutMs, signal }).catch(async error => {
      throw await pool().judged(login, error)
    })
    await connection.close()
  }
  try {
    await trial()
  } catch (error) {
    const isFull = error instanceof Problem && error.extension.fault === 'limit'
    if (!isFull || accountId === undefined) throw error
    await pool().leaveTo(accountId, trial)
  }
}
