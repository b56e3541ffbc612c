/** Files: what is uploaded, and what is downloaded as a stream. */
import type { CallOptions } from './call-types.ts'

/** What is sent as a file. A stream is sent as it comes, and once only; browsers take one over HTTP/2 or later alone: send a `Blob` there. */
export type FileContent = Blob | ArrayBuffer | Uint8Array<ArrayBuffer> | string | ReadableStream<Uint8Array>

export interface DownloadOptions extends CallOptions {
  /** Goes on with a download that broke off: bytes that are there already, and the `etag` of the file. */
  resume?: { from: number; etag: string } | undefined
}

export interface Download {
  /** As the answer names it; null where it does not, or where a page of another origin may not see it. */
  name: string | null
  /** Media type. What a sender chose is answered as `application/octet-stream`. */
  type: string | null
  /** Of `body`, where it is known. */
  size_bytes: number | null
  /** Names the file for `resume`; null where it cannot be resumed. */
  etag: string | null
  /** Of the file, where `body` begins: 0 unless the server could resume it. */
  from: number
  /** Read it to its end, or cancel it: it holds a connection. */
  body: ReadableStream<Uint8Array<ArrayBuffer>>
}

export function downloadHeaders({ resume }: DownloadOptions): Record<string, string> {
  const range: Record<string, string> = resume ? { range: `bytes=${resume.from}-`, 'if-range': resume.etag } : {}
  return { accept: '*/*', ...range }
}

export function toDownload({ status, headers, body }: Response): Download {
  const [, from] = /^bytes (\d+)-/.exec(headers.get('content-range') ?? '') ?? []
  const length = headers.get('content-length')
  return {
    name: nameIn(headers.get('content-disposition') ?? ''),
    type: headers.get('content-type'),
    size_bytes: length === null ? null : Number(length),
    etag: headers.get('etag'),
    from: status === 206 ? Number(from) : 0,
    body: (body ?? new Blob([]).stream()) as Download['body'],
  }
}

/** RFC 6266. */
function nameIn(disposition: string): string | null {
  const [, encoded] = /filename\*=UTF-8''([^;]+)/i.exec(disposition) ?? []
  const [, quoted] = /filename="((?:[^"\\]|\\.)*)"/i.exec(disposition) ?? []
  if (encoded === undefined) return quoted?.replaceAll(/\\(.)/g, '$1') ?? null
  try {
    return decodeURIComponent(encoded)
  } catch {
    return quoted ?? null
  }
}

export function uploadHeaders(file: FileContent): Record<string, string> {
  return { 'content-type': (file instanceof Blob && file.type) || 'application/octet-stream' }
}
