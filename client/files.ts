/** File uploads, and downloads as streams. */
import type { CallOptions } from './call-types.ts'

/**
 * Content of an upload. A stream can be sent only once, and browsers stream uploads only over HTTP/2 or later: use a
 * `Blob` there.
 */
export type FileContent = Blob | ArrayBuffer | Uint8Array<ArrayBuffer> | string | ReadableStream<Uint8Array>

export interface DownloadOptions extends CallOptions {
  /** Resumes an interrupted download: the number of bytes already received, and the file's `etag`. */
  resume?: { from: number; etag: string } | undefined
}

export interface Download {
  /** File name from the response; null if it has none, or if CORS hides it from a page of another origin. */
  name: string | null
  /** Media type; attachments whose type the sender chose are served as `application/octet-stream`. */
  type: string | null
  /** Size of `body` in bytes, if known. */
  size_bytes: number | null
  /** Identifies this version of the file for `resume`; null if the download cannot be resumed. */
  etag: string | null
  /** Byte offset in the file at which `body` starts; 0 unless the server honoured `resume`. */
  from: number
  /** The content. Read it to the end or cancel it: until then it holds a connection. */
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

/** Returns the file name of a `Content-Disposition` header (RFC 6266). */
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
