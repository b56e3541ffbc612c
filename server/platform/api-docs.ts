/** /openapi.json, rendered from the contract, and /docs to browse it. */
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { renderOpenApi } from '../../contract/openapi.ts'
import { guard } from './guard.ts'
import { type HttpServer, handleRaw } from './http-server.ts'
import { anonymous } from './principal.ts'

const operation = { name: 'docs', scope: 'signed_in', effect: 'read' } as const

export function apiDocs(http: HttpServer, version: string): void {
  const document = renderOpenApi({ title: 'RustyMail', version })
  const text = JSON.stringify(document)
  handleRaw(http, '/openapi.json', operation, async (_call, reply) =>
    reply.type('application/json; charset=utf-8').send(text),
  )
  http.fastify.register(swagger, { mode: 'static', specification: { document: document as never } })
  http.fastify.register(swaggerUi, {
    routePrefix: '/docs',
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
