/** Writes one server-sent event as bytes (WHATWG HTML, section 9.2). Data is JSON on one line, so no field can be broken open. */

export function encodeFrame(type: string, data: unknown, id?: string): Buffer {
  if (!/^[a-z_]+$/.test(type)) throw new TypeError('an event type is lower case letters and underscores')
  const head = id === undefined ? '' : `id: ${id}\n`
  return Buffer.from(`${head}event: ${type}\ndata: ${JSON.stringify(data)}\n\n`)
}
