/** Whether the client of an answer left before it had all of it. */
import type { Http2ServerResponse } from 'node:http2'
import { isHttp2 } from './http-form.ts'

export interface ClosableResponse {
  readonly closed: boolean
  readonly writableEnded: boolean
  readonly writableFinished: boolean
}

/** Also of one that is open. */
export function hasLeft(raw: ClosableResponse): boolean {
  const isClosed = isHttp2(raw) ? (raw as unknown as Http2ServerResponse).stream.closed : raw.closed
  return isClosed && isCutShort(raw)
}

/** Of one that is closed. Over HTTP/2, Node calls one that was broken off finished as well. */
export function isCutShort(raw: ClosableResponse): boolean {
  return isHttp2(raw) ? !raw.writableEnded : !raw.writableFinished
}
