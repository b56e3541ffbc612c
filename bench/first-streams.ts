/**
 * The cost of a principal's first stream, whose token must be looked up and who sees an account of its own; and a
 * stream over TLS on HTTP/1.1, beside one of bare node:https. `npm run bench -- first-streams`; BENCH_STREAMS (1,000)
 * and BENCH_ROUNDS (3). Needs openssl and Linux.
 */
import { compareWays, type Way } from './proxied-streams.ts'

const types = 'types=mail_received'
/** Node decodes the escape, and the front does not handle it. */
const escaped = 'types=mail%5Freceived'
const ways: Record<string, Way> = {
  of_one_key: { isProxied: false, query: types },
  first_of_principal: { isProxied: false, query: types, isFirst: true },
  first_of_principal_left_to_node: { isProxied: false, query: escaped, isFirst: true },
  over_tls: { isProxied: false, query: types, isTls: true },
  bare_node_https: { isProxied: false, query: types, isTls: true, peer: 'peers/bare-https.mjs' },
}

export async function firstStreams(): Promise<object> {
  const targets = { first_of_principal: 'cpu_us_to_open <= 400, rss_kib <= 12', over_tls: 'rss_kib <= 24' }
  return { ...(await compareWays(ways, Number(process.env.BENCH_STREAMS ?? 1_000))), targets }
}
