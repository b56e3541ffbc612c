/** Strips reply and forward markers from a subject: the base subject of RFC 5256, section 2.1. */

/** Characters of a subject that are compared; the rest of a longer one is ignored. */
const maxLength = 1_000

const trailer = /(?:\(fwd\)|\s)+$/i
const leader = /^(?:\s+|(?:\[[^[\]]*\]\s*)*(?:re|fwd?)\s*(?:\[[^[\]]*\]\s*)?:)/i
const blob = /^\[[^[\]]*\]\s*/
const forwarded = /^\[fwd:(.*)\]$/is

export interface BaseSubject {
  /** Lower case; empty where nothing is left. */
  text: string
  /** Whether the subject carries a reply or forward marker. */
  isReply: boolean
}

export function baseSubject(subject: string): BaseSubject {
  let text = subject.slice(0, maxLength).normalize('NFC').replace(/\s+/g, ' ')
  let isReply = false
  for (;;) {
    const untrailed = text.replace(trailer, '')
    isReply ||= text.slice(untrailed.length).trim() !== ''
    const led = withoutLeaders(untrailed)
    isReply ||= led.isReply
    const inner = forwarded.exec(led.text)?.[1]
    if (inner === undefined) return { text: led.text.toLowerCase(), isReply }
    isReply = true
    text = inner
  }
}

function withoutLeaders(subject: string): BaseSubject {
  let text = subject
  let isReply = false
  for (;;) {
    const led = text.replace(leader, '')
    isReply ||= text.slice(0, text.length - led.length).trim() !== ''
    const unblobbed = led.replace(blob, '')
    // A subject that consists of a bracketed blob only keeps it.
    const next = unblobbed === '' ? led : unblobbed
    if (next === text) return { text, isReply }
    text = next
  }
}
