/** Serves /openapi.json and /asyncapi.json, rendered from the contract, and /docs to browse the former. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { renderAsyncApi } from '../../../contract/asyncapi.ts'
import { renderOpenApi } from '../../../contract/openapi.ts'
import { guard } from '../guard.ts'
import { anonymous } from '../principal.ts'
import { Problem } from '../problem.ts'
import { bodyFor } from './answer-text.ts'
import type { DocsApp, DocsOptions } from './docs-app.ts'
import { handleRaw } from './http-raw.ts'
import type { HttpServer } from './http-server.ts'

/** Sign-in page with a return target that the web page knows. */
const signInForDocs = '/sign-in?return=docs'
const prefix = '/docs'
const operation = { name: 'docs', scope: 'signed_in', effect: 'read' } as const

/** Headers taken from Swagger UI's answers; all others are set by this server. */
const answered = [
  'content-type',
  'content-range',
  'accept-ranges',
  'cache-control',
  'etag',
  'last-modified',
  'location',
] as const

export function apiDocs(http: HttpServer, version: string): void {
  const info = { title: 'RustyMail', version }
  // Rarely requested, so rendered on demand.
  const openApi = () => renderOpenApi(info)
  const documents = { '/openapi.json': openApi, '/asyncapi.json': () => renderAsyncApi(info) }
  for (const [path, render] of Object.entries(documents)) {
    handleRaw(http, { path }, operation, async (call, reply) => {
      reply.type('application/json; charset=utf-8')
      return bodyFor(call, reply, JSON.stringify(render()))
    })
  }
  const docs = new LateDocs({ prefix, info, render: openApi })
  for (const url of [prefix, `${prefix}/*`]) {
    const onRequest = (request: FastifyRequest, reply: FastifyReply) => letIn(http, request, reply)
    http.fastify.get(url, { onRequest }, (request, reply) => docs.serve(request, reply))
  }
}

/** Authorizes requests for the documentation, including its styles and scripts, before anything is looked up. */
async function letIn(http: HttpServer, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const principal = request.caller?.principal ?? anonymous
  // People are redirected to sign in and return; programs get a 401.
  if (principal === anonymous && request.headers.accept?.includes('text/html')) {
    return reply.header('cache-control', 'no-store').redirect(signInForDocs)
  }
  guard(principal, operation, undefined, http.options.stops)
  // Swagger UI sets style attributes; everything else stays as strict as for our own page.
  const strict = http.headers['content-security-policy']!
  reply.header('content-security-policy', strict.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'"))
  return undefined
}

/** Swagger UI, loaded lazily with its first request, as most servers never get one. */
class LateDocs {
  readonly #options: DocsOptions
  #app: Promise<DocsApp> | undefined

  constructor(options: DocsOptions) {
    this.#options = options
  }

  async serve(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const app = await this.#load()
    const { statusCode, headers, rawPayload } = await app.answer(request)
    if (statusCode === 404) throw new Problem('not_found', 'Nothing exists at this path.')
    for (const name of answered) if (headers[name] !== undefined) reply.header(name, headers[name])
    return reply.code(statusCode).send(rawPayload)
  }

  async #load(): Promise<DocsApp> {
    this.#app ??= import('./docs-app.ts').then(({ createDocsApp }) => createDocsApp(this.#options))
    try {
      return await this.#app
    } catch (error) {
      this.#app = undefined
      throw error
    }
  }
}
