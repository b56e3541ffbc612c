/** Stubs for Fastify's schema compilers, which need not be loaded: the contract validates input and output. */

export const noSchemas = { compilersFactory: { buildValidator: noSchema, buildSerializer: noSchema } }

function noSchema(): never {
  throw new Error('a route has no schema of its own: the contract has it')
}
