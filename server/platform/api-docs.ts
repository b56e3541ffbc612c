/** /openapi.json and /asyncapi.json, rendered from the contract, and /docs to browse the first. */
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { renderAsyncApi } from '../../contract/asyncapi.ts'
import { renderOpenApi } from '../../contract/openapi.ts'
import { guard } from './guard.ts'
import { sendText } from './http-compress.ts'
import { type HttpServer, handleRaw } from './http-server.ts'
import { anonymous } from './principal.ts'

const operation = { name: 'docs', scope: 'signed_in', effect: 'read' } as const

export function apiDocs(http: HttpServer, version: string): void {
  const info = { title: 'RustyMail', version }
  // Asked for rarely: rendered when asked for.
  const openApi = () => renderOpenApi(info)
  const documents = { '/openapi.json': openApi, '/asyncapi.json': () => renderAsyncApi(info) }
  for (const [path, render] of Object.entries(documents)) {
    handleRaw(http, path, operation, async (call, reply) => {
      reply.type('application/json; charset=utf-8')
      return sendText(call, reply, JSON.stringify(render()))
    })
  }
  http.fastify.register(swagger, { mode: 'static', specification: { document: { openapi: '3.1.0', info, paths: {} } } })
  http.fastify.register(swaggerUi, {
    routePrefix: '/docs',
    transformSpecification: openApi,
    transformSpecificationClone: false,
    uiConfig: { docExpansion: 'list', deepLinking: false, persistAuthorization: false, validatorUrl: null },
    uiHooks: {
      onRequest: async (request, reply) => {
        guard(request.caller?.principal ?? anonymous, operation)
        // Swagger UI sets style attributes; everything else stays as strict as for our own page.
        const strict = String(reply.getHeader('content-security-policy'))
        reply.header('content-security-policy', strict.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'"))
      },
    },
  })
}
