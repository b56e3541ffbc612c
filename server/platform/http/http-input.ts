/** Checks what a request brings against its endpoint; every fault is named at once. */
import type { z } from 'zod'
import type { Endpoint } from '../../../contract/endpoint.ts'
import { Problem } from '../problem.ts'

interface RawInput {
  params: unknown
  query: unknown
  body?: unknown
}

type Fault = { path: string; message: string }

/** Of what is said of one fault: it repeats what was sent. */
const maxWords = 300

export function parseInput<Params, Query, Body>(
  endpoint: Endpoint<Params, Query, Body>,
  raw: RawInput,
): { params: Params; query: Query; body: Body } {
  const faults: Fault[] = []
  const input = {
    params: parsePart(endpoint.params, raw.params, 'path', faults) as Params,
    query: parsePart(endpoint.query, raw.query, 'query', faults) as Query,
    body: parsePart(endpoint.body, raw.body, 'body', faults) as Body,
  }
  if (faults.length === 0) return input
  const detail = faults.map(({ path, message }) => `${path}: ${message}`).join('; ')
  throw new Problem('bad_request', detail.slice(0, 1000), { errors: faults.slice(0, 50) })
}

/** A part that the endpoint does not describe must be empty: what nobody reads is a mistake of the sender. */
function parsePart(type: z.ZodType | undefined, value: unknown, name: string, faults: Fault[]): unknown {
  if (!type) {
    if (!isEmpty(value)) faults.push({ path: name, message: `this endpoint takes no ${name}` })
    return undefined
  }
  const result = type.safeParse(value)
  if (result.success) return result.data
  for (const issue of result.error.issues) {
    const path = [name, ...issue.path.map(String)].join('.')
    faults.push({ path: path.slice(0, maxWords), message: issue.message.slice(0, maxWords) })
  }
  return undefined
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true
  return typeof value === 'object' && !Array.isArray(value) && Object.keys(value).length === 0
}
