/** Writes one server-sent event as bytes (WHATWG HTML, section 9.2). Data is JSON on one line, so no field can be broken open. */

import type { EventOf } from '../../contract/event.ts'

export function encodeFrame(type: string, data: unknown): Buffer {
  return Buffer.from(frame(type, JSON.stringify(data)))
}

/** `EventSource` knows nothing of our fields, and comes back after the time that `retry` names (WHATWG HTML, section 9.2.6). */
export function encodeGoodbye(data: EventOf<'goodbye'>['data']): Buffer {
  return Buffer.from(`retry: ${data.reconnect_in_ms}\n${frame('goodbye', JSON.stringify(data))}`)
}

/** @param json The data as JSON, as it stands in the log. */
export function encodeFact(type: string, json: string, id: string): Buffer {
  return ownBytes(`id: ${id}\n${frame(type, json)}`)
}

/**
 * Bytes in memory of their own. `Buffer.from` would cut them from a slab that many short-lived buffers share, and a frame that the log
 * holds for hours would keep its whole slab: 10,000 frames of 400 bytes held 320 MB.
 */
function ownBytes(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text))
  bytes.write(text)
  return bytes
}

function frame(type: string, json: string): string {
  if (!/^[a-z_]+$/.test(type)) throw new TypeError('an event type consists of lower case letters and underscores')
  return `event: ${type}\ndata: ${json}\n\n`
}
