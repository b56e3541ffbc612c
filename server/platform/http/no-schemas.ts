/** For Fastify, whose own compilers of schemas would be loaded for nothing: the contract checks what comes in and goes out. */

export const noSchemas = { compilersFactory: { buildValidator: noSchema, buildSerializer: noSchema } }

function noSchema(): never {
  throw new Error('a route has no schema of its own: the contract has it')
}
