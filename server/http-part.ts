/** The HTTP listener and the page as parts that start and stop, and the addresses of the listener. */
import os, { hostname } from 'node:os'
import { join } from 'node:path'
import type { Config } from './config.ts'
import type { EventHub } from './events/event-hub.ts'
import type { ConnectionPool } from './imap/connection-pool.ts'
import { AllowedHosts } from './platform/http/http-form.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import { buildPageWhenStale } from './platform/http/page-build.ts'
import { servePage } from './platform/http/page-files.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import { unlessLate } from './platform/waits.ts'

export interface DoorOptions {
  host: string
  port: number
  /** The bound for stopping, in ms; remaining connections are cut shortly before its end. */
  stopBoundMs: number
}

/**
 * How long keep-alive connections stay open at stop, in ms: a request may be in transit, and gets an answer that says
 * so.
 */
const lastCallMs = 1_000
/** The share of the bound, in ms, left for parts that stop after the listener. */
const restMs = 1_500

/** Builds the page if it is stale and the launcher has not: its cache was fresh, or could not be written. */
export function pagePart(http: HttpServer, root: string, logger: Logger): Part {
  const stopped = new AbortController()
  return {
    name: 'page',
    start: async () => {
      const onBuild = () => logger.info('building the page')
      await buildPageWhenStale(root, { signal: stopped.signal, onBuild })
      servePage(http, join(root, 'dist/web'))
    },
    stop: () => stopped.abort(),
  }
}

/**
 * Stops in three steps: ends streams; lets requests in flight finish, and answers others that the server is stopping;
 * cuts what is left. The caller has set `isDraining` before.
 */
export function httpPart(
  http: HttpServer,
  { hub, pool }: { hub: Pick<EventHub, 'closeStreams'>; pool: Pick<ConnectionPool, 'drain'> },
  { host, port, stopBoundMs }: DoorOptions,
): Part {
  return {
    name: 'http',
    start: async () => {
      needNoInterfaces()
      await http.fastify.listen({ host, port })
    },
    stop: async () => {
      // Requests that wait for a mail connection are told to retry before their own connection is cut.
      pool.drain()
      hub.closeStreams()
      const { tlsConnections } = http
      const { server } = http.fastify
      const cutAll = () => (tlsConnections ? tlsConnections.cut() : server.closeAllConnections())
      const late = Promise.withResolvers<void>()
      const cut = setTimeout(() => {
        cutAll()
        late.resolve()
      }, stopBoundMs - restMs)
      await Promise.race([drained(http), late.promise])
      http.front.stop()
      tlsConnections?.endSilent()
      const closed = http.fastify.close()
      // HTTP/2 closes its connections itself, once the last bytes are sent.
      if (tlsConnections) server.closeIdleConnections()
      else cutAll()
      await closed.finally(() => clearTimeout(cut))
    },
  }
}

/**
 * Survives a sandbox that denies the list of interfaces, for instance our systemd unit without AF_NETLINK. Fastify asks
 * which addresses 0.0.0.0 stands for, only to log them, and an exception there ends the process.
 */
function needNoInterfaces(): void {
  try {
    os.networkInterfaces()
  } catch {
    os.networkInterfaces = () => ({})
  }
}

/** Resolves when no request is in flight, and no client is left that might send one, or each had time to. */
async function drained(http: HttpServer): Promise<void> {
  await unlessLate(http.connectionLimits.whenNone(), lastCallMs, () => undefined)
  // The rest of a request body may never arrive.
  http.endBodies()
  await http.whenIdle()
}

/**
 * Returns the accepted host names: that of the public URL, those of this machine, and those that the environment names.
 */
export function hostsOf({ publicUrl, host, allowedOrigins, allowedHosts }: Config['http']): AllowedHosts {
  const pages = [publicUrl, ...allowedOrigins].filter(url => url !== undefined)
  const machine = hostname()
  return new AllowedHosts([
    ...pages.map(url => new URL(url).hostname),
    host,
    machine,
    // The name of the machine in its own network (mDNS, RFC 6762).
    `${machine}.local`,
    ...allowedHosts,
  ])
}

export function addressOf(http: HttpServer, host: string): string {
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `${schemeOf(http)}://${name.includes(':') ? `[${name}]` : name}:${portOf(http)}`
}

/** Returns the URL by the only name at which browsers allow passkeys without TLS. */
export function localhostOf(http: HttpServer): string {
  return `${schemeOf(http)}://localhost:${portOf(http)}`
}

function schemeOf({ options }: HttpServer): string {
  return options.tls ? 'https' : 'http'
}

function portOf(http: HttpServer): number {
  const bound = http.fastify.server.address()
  return bound !== null && typeof bound === 'object' ? bound.port : 0
}
