/** Interprets the measurements. States only what was measured; anything else is reported as unknown. */
import { formatCount, formatDuration, formatNumber } from '../platform/format.ts'
import type { StreamStatus } from '../platform/stream-status.ts'
import type { Tone } from '../ui/tone.ts'
import type { Examination } from './examine.ts'
import type { Arrival, Hearing } from './listen.ts'
import type { Remedy } from './remedies.ts'

export interface Finding {
  title: string
  tone: Tone
  verdict: string
  /** The measurement behind the verdict. */
  measured: string
  remedy?: Remedy
}

/** The history of this browser's stream. */
export interface LinkHistory extends Pick<StreamStatus, 'endings' | 'liveSince'> {
  isShared: boolean
}

/**
 * Delay in milliseconds from which an event counts as buffered: the server sends the welcome right after the headers.
 */
const lateMs = 1_000
/** Live time in milliseconds after which no idle timeout is likely; most proxies cut after a minute. */
const longEnoughMs = 120_000
const skewMs = 2_000

/** Returns the findings; without an examination only the one that this browser's own stream gives. */
export function diagnose(examination: Examination | undefined, link: LinkHistory, now: number): Finding[] {
  if (!examination) return [ofCuts(link, now)]
  const { hearing, protocol, clock } = examination
  return [
    ofContentType(hearing),
    ofBuffering(hearing),
    ofCompression(hearing),
    ofCuts(link, now),
    ofProtocol(protocol, link.isShared),
    ofClock(clock),
  ]
}

const titles = {
  contentType: 'Content type',
  buffering: 'Buffering',
  compression: 'Compression',
  cuts: 'Idle disconnects',
  protocol: "The browser's six connections",
  clock: 'Clocks',
} as const

function ofContentType({ status, contentType, headMs, fault }: Hearing): Finding {
  const title = titles.contentType
  if (headMs === null) {
    return { title, tone: 'unknown', verdict: 'Unknown', measured: fault ?? 'No response started within 10 s.' }
  }
  const measured = `Status ${status}, ${contentType ? `Content-Type ${contentType}` : 'no Content-Type'}.`
  if (status !== 200) return { title, tone: 'bad', verdict: `The response was ${status}, not a stream`, measured }
  if (contentType?.startsWith('text/event-stream')) return { title, tone: 'good', verdict: 'An event stream', measured }
  return {
    title,
    tone: 'bad',
    verdict: 'Something else answered, or changed the response',
    measured,
    remedy: 'contentType',
  }
}

function ofBuffering(hearing: Hearing): Finding {
  const title = titles.buffering
  const { headMs, welcomeMs, arrivals, status, listenedMs } = hearing
  if (status !== null && status !== 200) {
    return { title, tone: 'unknown', verdict: 'Unknown', measured: 'There was no stream to read.' }
  }
  const late: Pick<Finding, 'tone' | 'remedy'> = { tone: 'bad', remedy: 'buffering' }
  if (headMs === null || welcomeMs === null) {
    if (hearing.fault) return { title, tone: 'unknown', verdict: 'Unknown', measured: hearing.fault }
    const measured =
      headMs === null
        ? 'The server answers other requests, but the stream’s response headers did not arrive within 10 s.'
        : `The response headers came after ${seconds(headMs)}; in ${seconds(listenedMs ?? 0)} after them, no event arrived.`
    return { title, ...late, verdict: 'Events are buffered', measured }
  }
  const held = heldMs(arrivals)
  const together = countTogether(arrivals)
  const measured =
    `First event ${seconds(welcomeMs)} after the headers. ` +
    `${formatCount(arrivals.length - 1, 'event')} after it, delayed by up to ${seconds(held)} more than the quickest` +
    `${together > 0 ? `; ${together} arrived together with one sent at least 1 s before` : ''}.`
  if (welcomeMs > lateMs || held > lateMs || together > 0)
    return { title, ...late, verdict: 'Events are buffered', measured }
  if (arrivals.length < 3) return { title, tone: 'unknown', verdict: 'Too few events to tell', measured }
  return { title, tone: 'good', verdict: 'Events arrive as they are sent', measured }
}

function ofCompression(hearing: Hearing): Finding {
  const title = titles.compression
  const { headMs, contentEncoding } = hearing
  if (headMs === null) return { title, tone: 'unknown', verdict: 'Unknown', measured: 'No response started.' }
  if (contentEncoding === null) {
    return { title, tone: 'good', verdict: 'Not compressed', measured: 'The response has no Content-Encoding.' }
  }
  const measured = `Content-Encoding ${contentEncoding}.`
  const { tone } = ofBuffering(hearing)
  if (tone === 'bad') {
    return { title, tone, verdict: 'Compressed, and not flushed for each event', measured, remedy: 'compression' }
  }
  if (tone === 'good') return { title, tone, verdict: 'Compressed, and flushed for each event', measured }
  return {
    title,
    tone: 'unknown',
    verdict: 'Compressed; whether it is flushed is unknown',
    measured,
    remedy: 'compression',
  }
}

function ofCuts({ endings, liveSince }: LinkHistory, now: number): Finding {
  const title = titles.cuts
  const cuts = endings.filter(({ kind }) => kind === 'lost' || kind === 'silent')
  const lives = cuts.flatMap(({ livedMs }) => livedMs ?? [])
  const liveMs = liveSince === null ? 0 : Math.max(0, now - liveSince)
  if (lives.length === 0) {
    const longest = Math.max(liveMs, ...endings.map(({ livedMs }) => livedMs ?? 0))
    if (longest === 0) return { title, tone: 'unknown', verdict: 'Unknown', measured: 'The stream was not live yet.' }
    const measured = `This browser's stream was live for ${seconds(longest)}, and no connection ended without a goodbye.`
    if (longest < longEnoughMs) {
      return { title, tone: 'unknown', verdict: 'Too early to tell; look again after two minutes', measured }
    }
    return { title, tone: 'good', verdict: 'Nothing disconnects the stream', measured }
  }
  const words = lives.map(ms => seconds(ms)).join(', ')
  const measured = `${formatCount(lives.length, 'connection')} of this browser's stream ended without a goodbye, after ${words}.`
  if (lives.length === 1)
    return { title, tone: 'info', verdict: 'Disconnected once: no pattern', measured, remedy: 'cuts' }
  if (!areAlike(lives)) return { title, tone: 'warn', verdict: 'Disconnected now and then', measured, remedy: 'cuts' }
  return { title, tone: 'bad', verdict: 'Disconnected repeatedly after the same time', measured, remedy: 'cuts' }
}

function ofProtocol(protocol: string, isShared: boolean): Finding {
  const title = titles.protocol
  const names: ReadonlyMap<string, string> = new Map(
    Object.entries({ 'http/1.0': 'HTTP/1.0', 'http/1.1': 'HTTP/1.1', h2: 'HTTP/2', h3: 'HTTP/3' }),
  )
  const name = names.get(protocol)
  if (!name)
    return { title, tone: 'unknown', verdict: 'Unknown', measured: 'The browser does not report its HTTP version.' }
  const measured = `The browser uses ${name} to its nearest server.`
  if (protocol === 'h2' || protocol === 'h3') return { title, tone: 'good', verdict: 'No such limit', measured }
  if (isShared) {
    const verdict = 'One of six connections is used: all tabs share one stream'
    return { title, tone: 'info', verdict, measured, remedy: 'protocol' }
  }
  const verdict = 'Each tab uses one of six connections: the seventh tab would hang'
  return { title, tone: 'warn', verdict, measured, remedy: 'protocol' }
}

function ofClock({ offsetMs, roundTripMs }: Examination['clock']): Finding {
  const title = titles.clock
  const distance = Math.abs(offsetMs)
  const measured = `This machine's clock is ${seconds(distance)} ${offsetMs > 0 ? 'behind' : 'ahead of'} the server's, to within ${seconds(roundTripMs / 2)}.`
  if (distance - roundTripMs / 2 <= skewMs) return { title, tone: 'good', verdict: 'They agree', measured }
  return { title, tone: 'warn', verdict: 'They differ', measured, remedy: 'clock' }
}

/** Returns the delay of the slowest event relative to the fastest, which is independent of clock differences. */
function heldMs(arrivals: readonly Arrival[]): number {
  const delays = arrivals.map(({ sentAt, arrivedAt }) => arrivedAt - sentAt)
  return Math.max(...delays) - Math.min(...delays)
}

function countTogether(arrivals: readonly Arrival[]): number {
  return arrivals.filter((arrival, index) => {
    const before = arrivals[index - 1]
    return before !== undefined && before.piece === arrival.piece && arrival.sentAt - before.sentAt >= lateMs
  }).length
}

/** Returns whether connections lasted equally long, within one heartbeat, as a timeout causes. */
function areAlike(lives: readonly number[]): boolean {
  const [shortest, longest] = [Math.min(...lives), Math.max(...lives)]
  return longest - shortest <= Math.max(2_000, longest * 0.1)
}

function seconds(ms: number): string {
  if (ms < 1_000) return `${formatNumber(Math.round(ms))} ms`
  return ms < 60_000 ? `${formatNumber(ms / 1000)} s` : formatDuration(ms / 1000)
}
