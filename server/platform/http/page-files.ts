/** Serves the built page: hashed assets are cached forever, index.html is always revalidated. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { HttpServer } from './http-server.ts'

const notPages = /^\/(api|health|assets|docs|metrics|openapi\.json|asyncapi\.json|mcp|problems)(\/|$|\?)/

/** @param dir Directory of the built page; if there is none, the server only serves its API. */
export function servePage(http: HttpServer, dir: string): void {
  if (!existsSync(join(dir, 'index.html'))) return
  http.fastify.register(fastifyStatic, {
    root: dir,
    preCompressed: true,
    cacheControl: false,
    // Ranges are useless for these small files: a Range header is ignored (RFC 9110, section 14.2), and not advertised.
    acceptRanges: false,
    setHeaders: (reply, path) => {
      const isHashed = path.includes('/assets/')
      reply.header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache')
    },
  })
  http.serveFallback = (request, reply) => {
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    const wantsPage = isRead && request.headers.accept?.includes('text/html')
    if (!wantsPage || notPages.test(request.url)) return false
    reply.sendFile('index.html')
    return true
  }
}
