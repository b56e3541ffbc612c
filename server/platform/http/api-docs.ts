/** /openapi.json and /asyncapi.json, rendered from the contract, and /docs to browse the first. */
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { renderAsyncApi } from '../../../contract/asyncapi.ts'
import { renderOpenApi } from '../../../contract/openapi.ts'
import { guard } from '../guard.ts'
import { anonymous } from '../principal.ts'
import { bodyFor } from './http-compress.ts'
import { type HttpServer, handleRaw } from './http-server.ts'

/** In place of the mark and name of what renders it. */
const logo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" width="32" height="32"><rect width="32" height="32" rx="8" fill="#a8441a"/><path d="M7 11.5A2.5 2.5 0 0 1 9.5 9h13a2.5 2.5 0 0 1 2.5 2.5v9a2.5 2.5 0 0 1-2.5 2.5h-13A2.5 2.5 0 0 1 7 20.5z" fill="none" stroke="#fff" stroke-width="2"/><path d="M7.5 11.5 16 17.5l8.5-6" fill="none" stroke="#fff" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/></svg>`

/** The page knows it, and leads on from there. */
const signInForDocs = '/sign-in?return=docs'
const operation = { name: 'docs', scope: 'signed_in', effect: 'read' } as const

export function apiDocs(http: HttpServer, version: string): void {
  const info = { title: 'RustyMail', version }
  // Asked for rarely: rendered when asked for.
  const openApi = () => renderOpenApi(info)
  const documents = { '/openapi.json': openApi, '/asyncapi.json': () => renderAsyncApi(info) }
  for (const [path, render] of Object.entries(documents)) {
    handleRaw(http, path, operation, async (call, reply) => {
      reply.type('application/json; charset=utf-8')
      return bodyFor(call, reply, JSON.stringify(render()))
    })
  }
  http.fastify.register(swagger, { mode: 'static', specification: { document: { openapi: '3.1.0', info, paths: {} } } })
  http.fastify.register(swaggerUi, {
    routePrefix: '/docs',
    transformSpecification: openApi,
    transformSpecificationClone: false,
    logo: { type: 'image/svg+xml', content: logo },
    theme: { title: 'RustyMail API' },
    uiConfig: { docExpansion: 'list', deepLinking: false, persistAuthorization: false, validatorUrl: null },
    uiHooks: {
      onRequest: async (request, reply) => {
        const principal = request.caller?.principal ?? anonymous
        // A person comes back once they have signed in; a program is told to prove who it is.
        if (principal === anonymous && request.headers.accept?.includes('text/html')) {
          return reply.header('cache-control', 'no-store').redirect(signInForDocs)
        }
        guard(principal, operation)
        // Swagger UI sets style attributes; everything else stays as strict as for our own page.
        const strict = String(reply.getHeader('content-security-policy'))
        reply.header('content-security-policy', strict.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'"))
        return undefined
      },
    },
  })
}
