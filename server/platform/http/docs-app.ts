/** Swagger UI as a separate Fastify application, called in process only, by callers that are already authorized. */
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import fastify, { type FastifyRequest, type LightMyRequestResponse } from 'fastify'
import { noSchemas } from './no-schemas.ts'

export interface DocsOptions {
  /** Path prefix of the application. */
  prefix: string
  info: { title: string; version: string }
  /** Renders the document to show. */
  render(): Record<string, unknown>
}

export interface DocsApp {
  /** Answers a GET request. */
  answer(request: Pick<FastifyRequest, 'url' | 'headers'>): Promise<LightMyRequestResponse>
}

/** Replaces Swagger's logo. */
const logo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" width="32" height="32"><rect width="32" height="32" rx="8" fill="#a8441a"/><path d="M7 11.5A2.5 2.5 0 0 1 9.5 9h13a2.5 2.5 0 0 1 2.5 2.5v9a2.5 2.5 0 0 1-2.5 2.5h-13A2.5 2.5 0 0 1 7 20.5z" fill="none" stroke="#fff" stroke-width="2"/><path d="M7.5 11.5 16 17.5l8.5-6" fill="none" stroke="#fff" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/></svg>`

export async function createDocsApp({ prefix, info, render }: DocsOptions): Promise<DocsApp> {
  const app = fastify({ schemaController: noSchemas })
  app.register(swagger, { mode: 'static', specification: { document: { openapi: '3.1.0', info, paths: {} } } })
  app.register(swaggerUi, {
    routePrefix: prefix,
    transformSpecification: render,
    transformSpecificationClone: false,
    logo: { type: 'image/svg+xml', content: logo },
    theme: { title: 'RustyMail API' },
    uiConfig: { docExpansion: 'list', deepLinking: false, persistAuthorization: false, validatorUrl: null },
  })
  await app.ready()
  return { answer: ({ url, headers }) => app.inject({ method: 'GET', url, headers }) }
}
