/** Uploads a local file to a draft and reports the progress. */
import { type Draft, draftBounds } from '../../contract/draft.ts'
import { draftUploadPath } from '../../contract/drafts.ts'
import type { ProblemBody } from '../../contract/problem.ts'
import { ApiProblem, addressOf } from '../platform/api-client.ts'

export interface Upload {
  id: string
  name: string
  size: number
  /** Bytes uploaded so far. */
  sent: number
  error: Error | undefined
  cancel(): void
}

interface Request {
  account_id: string
  draft_id: string
  rev: number
  file: File
  signal: AbortSignal
  onProgress(sent: number): void
}

/** Uploads a file by XMLHttpRequest, because `fetch` reports no upload progress. */
export function uploadFile({ file, rev, signal, onProgress, ...params }: Request): Promise<Draft> {
  const { promise, resolve, reject } = Promise.withResolvers<Draft>()
  const request = new XMLHttpRequest()
  request.open('POST', addressOf(draftUploadPath, params, { rev, name: nameOf(file) }))
  request.setRequestHeader('accept', 'application/json')
  request.setRequestHeader('content-type', file.type || 'application/octet-stream')
  request.upload.onprogress = event => onProgress(event.loaded)
  request.onload = () => {
    const body: unknown = read(request.responseText)
    // The cast is true because the server validates its responses against the contract.
    if (request.status >= 200 && request.status < 300 && body) resolve(body as Draft)
    else reject(new ApiProblem((body as ProblemBody | undefined) ?? silent(request.status)))
  }
  request.onerror = () => reject(new ApiProblem(silent(0)))
  request.onabort = () => reject(signal.reason)
  signal.addEventListener('abort', () => request.abort(), { once: true })
  request.send(file)
  return promise
}

/** Returns the file name, shortened if needed without losing its extension. */
function nameOf({ name }: File): string {
  return name.slice(-draftBounds.fileName) || 'file'
}

function read(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function silent(status: number): ProblemBody {
  const detail = 'The server did not accept the file. Try again.'
  return { type: '/problems/unreachable', title: 'No answer', status, detail, instance: '', code: 'unreachable' }
}
