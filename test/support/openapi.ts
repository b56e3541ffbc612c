/** The OpenAPI document as tests read it: its operations with references resolved. */
import { renderOpenApi } from '../../contract/openapi.ts'

export interface DocumentedResponse {
  headers?: Record<string, unknown>
  content?: Record<string, { schema: unknown; example?: unknown; examples?: Record<string, unknown> }>
}

export interface DocumentedOperation {
  method: string
  path: string
  operationId: string
  scope: string
  security: Record<string, unknown>[]
  parameters: { name: string; in: string; example?: unknown; schema: Record<string, unknown> }[]
  requestBody?: { content: Record<string, { example?: unknown }> }
  responses: Record<string, DocumentedResponse>
  /** Codes of all its problems. */
  codes: string[]
}

type RawOperation = Omit<DocumentedOperation, 'method' | 'path' | 'responses' | 'codes' | 'security' | 'scope'> & {
  security?: Record<string, unknown>[]
  'x-scope': string
  responses: Record<string, DocumentedResponse & { $ref?: string }>
}

interface OpenApi {
  info: Record<string, unknown>
  security: Record<string, unknown>[]
  paths: Record<string, Record<string, RawOperation>>
  components: { responses: Record<string, DocumentedResponse> }
}

export const theDocument = renderOpenApi({ title: 'RustyMail', version: 'current' }) as unknown as OpenApi

export function operations(): DocumentedOperation[] {
  return Object.entries(theDocument.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { security, responses, ...operation }]) => {
      const filled = Object.entries(responses).map(
        ([status, { $ref, ...own }]) =>
          [status, $ref === undefined ? own : theDocument.components.responses[$ref.split('/').at(-1)!]!] as const,
      )
      const codes = filled.flatMap(([, { content }]) =>
        Object.keys(content?.['application/problem+json']?.examples ?? {}),
      )
      return {
        ...operation,
        method: method.toUpperCase(),
        path,
        scope: operation['x-scope'],
        security: security ?? theDocument.security,
        responses: Object.fromEntries(filled),
        codes,
      }
    }),
  )
}
