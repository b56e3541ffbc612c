/** The door and the page as parts that start and stop, and where the door is. */
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
  /** Somewhat before its end, connections that are left are cut. */
  stopBoundMs: number
}

/** A kept connection may carry a request as we stop: it is kept open for so long, for an answer that says so. */
const lastCallMs = 1_000
/** Of the whole bound: for the parts that stop behind the door. */
const restMs = 1_500

/** Built when it is stale and the way in has not done that: its cache was fresh, or could not be written. */
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
 * Stops in three steps: streams are sent away; requests under way end, and others are answered that we stop; what is left is cut.
 * The caller of this stop has said before that the server is draining.
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
      // Requests that wait for a mail connection are told to retry, before its own connection is cut.
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
      // HTTP/2 ends its connections by itself, when the last bytes are out.
      if (tlsConnections) server.closeIdleConnections()
      else cutAll()
      await closed.finally(() => clearTimeout(cut))
    },
  }
}

/**
 * Fastify asks the system which addresses 0.0.0.0 stands for, to log them, which we do not let it do; what is thrown there ends the process. A sandbox may
 * refuse the answer: our unit of systemd leaves out AF_NETLINK.
 */
function needNoInterfaces(): void {
  try {
    os.networkInterfaces()
  } catch {
    os.networkInterfaces = () => ({})
  }
}

/** Resolves when nothing is under way, and no client is left that might ask, or each had the time to. */
async function drained(http: HttpServer): Promise<void> {
  await unlessLate(http.connectionLimits.whenNone(), lastCallMs, () => undefined)
  // The rest of a body may never come.
  http.endBodies()
  await http.whenIdle()
}

/** The names that are ours: of the address that browsers use, of this machine, and those that are named in the environment. */
export function hostsOf({ publicUrl, host, allowedOrigins, allowedHosts }: Config['http']): AllowedHosts {
  const pages = [publicUrl, ...allowedOrigins].filter(url => url !== undefined)
  const machine = hostname()
  return new AllowedHosts([
    ...pages.map(url => new URL(url).hostname),
    host,
    machine,
    // As it is called in its own network (RFC 6762).
    `${machine}.local`,
    ...allowedHosts,
  ])
}

export function addressOf(http: HttpServer, host: string): string {
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `${schemeOf(http)}://${name.includes(':') ? `[${name}]` : name}:${portOf(http)}`
}

/** Browsers allow passkeys without TLS at this name alone. */
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
