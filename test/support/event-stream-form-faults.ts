/** Event streams that admit the wrong callers, or whose answers are malformed. */
import { createGzip } from 'node:zlib'
import { good } from './event-stream-behaviour.ts'
import { data, type Fault, header, isState, notWritten, raw, refusal, without } from './event-stream-fault-kinds.ts'

const door = 'a stranger is refused'
const wrongToken = 'a wrong token is refused'
const heads = 'GET answers 200 with the headers'
const headAnswer = 'HEAD answers the headers and no body'
const welcome = 'welcome is the first event'
const place = 'a line with an id alone'
const comesBack = 'who comes back with Last-Event-ID'
const states = 'stats_update comes, with its figures'
const heartbeat = 'the heartbeat comes in time'
const goodbye = 'who is disconnected gets a goodbye'
const grammar = 'every line of every stream'

export const formFaults: Fault[] = [
  ['an open door', door, { admits: () => true }],
  ['any token is taken', wrongToken, { admits: headers => headers.authorization !== undefined }],
  [
    'X-API-Key is not known',
    'the token may come',
    { admits: ({ 'x-api-key': _, ...rest }, q) => good.admits(rest, q) },
  ],
  ['refused without application/problem+json', door, refusal(() => ({ headers: { 'content-type': 'text/html' } }))],
  ['refused without a code', door, refusal(() => ({ body: '{"type":"a","title":"b","detail":"c","status":401}' }))],
  ['refused with another status', door, refusal(() => ({ status: 403 }))],
  [
    'a token in the address is taken',
    'a query that',
    { isKnownQuery: n => good.isKnownQuery(n) || n === 'access_token' },
  ],
  ['any query is taken', 'a query that', { isKnownQuery: () => true }],
  ['an unknown type is taken', 'an unknown type', { isKnownType: () => true }],
  ['a long id is taken', 'a last_event_id that is repeated', { isIdTooLong: () => false }],
  [
    '503 without Retry-After',
    '429 and 503 name',
    { busy: count => (count === 6 ? { status: 503, headers: {}, body: '' } : undefined) },
  ],

  ['no charset', heads, header('content-type', 'text/event-stream')],
  ['another charset', heads, header('content-type', 'text/event-stream; charset=iso-8859-1')],
  ['another type', heads, header('content-type', 'text/plain; charset=utf-8')],
  ['no Cache-Control', heads, header('cache-control')],
  ['no X-Accel-Buffering', heads, header('x-accel-buffering')],
  ['HEAD with a body', headAnswer, { headBody: 'retry: 3000\n\n' }],
  [
    'compressed',
    heads,
    {
      streamHead: { ...good.streamHead, 'content-encoding': 'gzip' },
      deliver: response => {
        const gzip = createGzip()
        gzip.pipe(response)
        return text => {
          gzip.write(text)
          gzip.flush()
        }
      },
    },
  ],

  ['no welcome', welcome, notWritten(({ event }) => event === 'welcome')],
  ['a state before the welcome', welcome, { opening: frames => [...frames.filter(isState), ...frames] }],
  ['no retry', welcome, notWritten(({ retry }) => retry !== undefined)],
  ['a welcome without client_id', welcome, without('welcome', 'client_id')],
  ['a welcome without heartbeat_seconds', welcome, without('welcome', 'heartbeat_seconds')],
  [
    'a welcome with a local time',
    welcome,
    data('welcome', of => ({ ...of, server_time: '2026-11-22T18:14:03+01:00' })),
  ],
  ['it always says that it resumed', welcome, data('welcome', of => ({ ...of, resumed: true }))],
  ['it never says that it resumed', comesBack, data('welcome', of => ({ ...of, resumed: false }))],
  [
    'it counts wrongly what was missed',
    'the past can be read',
    data('welcome', of => ({ ...of, replayed: Number(of.replayed) * 2 })),
  ],
  ['no place behind the welcome', place, notWritten(({ id, event }) => id !== undefined && event === undefined)],

  ['states without their figures', states, without('stats_update', 'imap')],
  ['no states with the opening', 'the newest states come', { opening: frames => frames.filter(f => !isState(f)) }],
  [
    'states come behind what was missed',
    'the newest states come',
    { opening: f => [...f.filter(x => !isState(x)), ...f.filter(isState)] },
  ],

  ['no comment with the heartbeat', heartbeat, notWritten(({ comment }) => comment !== undefined)],
  ['a heartbeat without its time', heartbeat, without('heartbeat', 'server_time')],

  ['no goodbye', goodbye, { goodbye: () => [] }],
  ['a goodbye without reconnect_in_ms', goodbye, without('goodbye', 'reconnect_in_ms')],
  ['a goodbye with another reason', goodbye, data('goodbye', of => ({ ...of, reason: 'because' }))],
  ['a goodbye without retry', goodbye, { goodbye: frames => frames.map(({ retry: _, ...frame }) => frame) }],
  [
    'a goodbye whose retry is another time',
    goodbye,
    { goodbye: frames => frames.map(frame => ({ ...frame, retry: 3_000 })) },
  ],
  ['something behind the goodbye', goodbye, { goodbye: frames => [...frames, { event: 'heartbeat', data: {} }] }],

  ['CRLF at the end of lines', welcome, raw(text => text.replaceAll('\n', '\r\n'))],
  ['data over several lines', grammar, raw(text => text.replace(/,"/g, ',\ndata: "'))],
  ['data broken by line ends', grammar, raw(text => text.replace(/,"/g, ',\n"'))],
  ['data that is no JSON', grammar, raw(text => text.replace(/^data: \{(.*)\}$/gm, 'data: $1'))],
  ['quotation marks that are not escaped', grammar, raw(text => text.replaceAll('\\"', '"'))],
  ['line ends from outside that are not escaped', grammar, raw(text => text.replaceAll('\\\\n', '\n'))],
  ['a byte order mark', grammar, { opening: frames => [{ raw: '\uFEFF' }, ...frames] }],
  ['an event without data', grammar, { later: frames => [{ event: 'heartbeat' }, ...frames] }],
  ['a field that is none', grammar, { later: frames => [{ raw: 'kind: fact\n\n' }, ...frames] }],
]
