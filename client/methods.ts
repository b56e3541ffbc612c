/** Builds the methods of the client from the endpoint table. */
import type { Api } from './api.d.ts'
import type { KeyedCallOptions } from './call-types.ts'
import type { Connection, Sent } from './connection.ts'
import { endpoints } from './endpoints.ts'
import { type DownloadOptions, downloadHeaders, type FileContent, toDownload, uploadHeaders } from './files.ts'
import { ProblemError, unreachable } from './problem-error.ts'

type Params = Readonly<Record<string, unknown>>

export function methodsOf(connection: Connection): Api {
  const entries = Object.entries(endpoints).map(([group, rows]) => [
    group,
    Object.fromEntries(
      Object.entries(rows).map(([name, row]) => [name, methodOf(connection, `${group}.${name}`, row)]),
    ),
  ])
  // The cast is true because table and types are generated from the same contract.
  return Object.fromEntries(entries) as Api
}

function methodOf(connection: Connection, name: string, row: string) {
  const [method = '', path = '', query = '', traits = ''] = row.split(' ')
  const [queryNames, has] = [query.split(','), new Set(traits.split(','))]
  return async (given: Params = {}, options: KeyedCallOptions & DownloadOptions = {}): Promise<unknown> => {
    const { signal, idempotencyKey } = options
    const { file, params } = fileIn(name, given, has.has('upload'))
    if (idempotencyKey !== undefined && !has.has('key')) throw new TypeError(`${name} takes no idempotency key`)
    const { filled, search, rest } = sort(name, path, queryNames, params)
    const names = Object.keys(rest)
    if (!has.has('body') && names.length > 0) throw new TypeError(`${name} has no parameter ${names.join(', ')}`)
    const sent: Sent = {
      method,
      path: search.size > 0 ? `${filled}?${search}` : filled,
      headers: {
        ...(has.has('body') ? { 'content-type': 'application/json' } : {}),
        ...(file === undefined ? {} : uploadHeaders(file)),
        ...(has.has('file') ? downloadHeaders(options) : {}),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
      signal,
      isRepeatable: method === 'GET' || idempotencyKey !== undefined,
      ...(has.has('body') ? { body: JSON.stringify(rest) } : {}),
      ...(file === undefined ? {} : { body: file }),
      ...(has.has('answers503') ? { accepts: [503] } : {}),
    }
    const response = await connection.send(sent)
    return has.has('file') ? toDownload(response) : answerOf(response, signal)
  }
}

function fileIn(name: string, given: Params, isUpload: boolean): { file?: FileContent; params: Params } {
  if (!isUpload) return { params: given }
  const { file, ...params } = given
  if (file === undefined) throw new TypeError(`${name} needs file`)
  // The cast is true because `Api` types `file` as FileContent.
  return { file: file as FileContent, params }
}

/** Splits the parameters into path, query and body. */
function sort(name: string, path: string, queryNames: readonly string[], params: Params) {
  const rest: Record<string, unknown> = { ...params }
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, key: string) => {
    const value = rest[key]
    // An empty or dots-only segment would address another endpoint.
    if (value === undefined || /^\.{0,2}$/.test(String(value))) throw new TypeError(`${name} needs ${key}`)
    delete rest[key]
    return encodeURIComponent(String(value))
  })
  const search = new URLSearchParams()
  for (const key of queryNames) {
    for (const value of [rest[key]].flat()) if (value !== undefined) search.append(key, String(value))
    delete rest[key]
  }
  for (const [key, value] of Object.entries(rest)) if (value === undefined) delete rest[key]
  return { filled, search, rest }
}

async function answerOf(response: Response, signal: AbortSignal | undefined): Promise<unknown> {
  if (response.status === 204) return undefined
  try {
    return await response.json()
  } catch (cause) {
    if (signal?.aborted) throw signal.reason
    const detail = 'The response was cut off, or is not from RustyMail.'
    throw new ProblemError(unreachable(response.status, detail), undefined, cause)
  }
}
