/** Parses the text of a server-sent event stream (HTML standard, section 9.2.6). Does no I/O. */

export interface SseMessage {
  /** `message` unless the stream names another. */
  event: string
  data: string
  /** The last event ID after this message. */
  id: string
}

export class SseParser {
  /** Longest event or line in characters; the parser throws if a server sends more. */
  static readonly maxBlockLength = 4 * 1024 * 1024
  /** The last event ID; updated by each complete block with an `id`, even if it has no data. */
  lastEventId: string
  /** The reconnection time from the stream's last `retry:` field. */
  retryMs: number | undefined
  #rest = ''
  #endedInCr = false
  #data: string[] = []
  #length = 0
  #event = ''
  #id: string

  constructor(lastEventId = '') {
    this.lastEventId = lastEventId
    this.#id = lastEventId
  }

  /** Parses the next chunk of text, split anywhere, and returns the messages that it completes. */
  push(text: string): SseMessage[] {
    const messages: SseMessage[] = []
    for (const line of this.#lines(text)) {
      if (line === '') this.#dispatch(messages)
      else this.#field(line)
    }
    return messages
  }

  *#lines(text: string): Generator<string> {
    // If the previous chunk ended in CR, a leading LF is the other half of that CRLF.
    let buffer = this.#rest + (this.#endedInCr && text.startsWith('\n') ? text.slice(1) : text)
    if (text !== '') this.#endedInCr = text.endsWith('\r')
    for (let match = /\r\n|\r|\n/.exec(buffer); match; match = /\r\n|\r|\n/.exec(buffer)) {
      yield buffer.slice(0, match.index)
      buffer = buffer.slice(match.index + match[0].length)
    }
    if (buffer.length > SseParser.maxBlockLength) throw new Error('the event stream sent too long a line')
    this.#rest = buffer
  }

  #field(line: string): void {
    const colon = line.indexOf(':')
    if (colon === 0) return
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (name === 'event') this.#event = value
    if (name === 'id' && !value.includes('\0')) this.#id = value
    if (name === 'retry' && /^\d+$/.test(value)) this.retryMs = Number(value)
    if (name === 'data') this.#append(value)
  }

  #append(value: string): void {
    this.#data.push(value)
    this.#length += value.length + 1
    if (this.#length > SseParser.maxBlockLength) throw new Error('the event stream sent too long an event')
  }

  #dispatch(messages: SseMessage[]): void {
    this.lastEventId = this.#id
    if (this.#data.length > 0) {
      messages.push({ event: this.#event || 'message', data: this.#data.join('\n'), id: this.#id })
    }
    this.#event = ''
    this.#data = []
    this.#length = 0
  }
}
