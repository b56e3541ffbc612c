/** Event streams that delay what they should send immediately, or never send it: each takes seconds to detect. */
import { type Behaviour, good } from './event-stream-behaviour.ts'
import { eachFact, type Fault, isState, notWritten } from './event-stream-fault-kinds.ts'

const prompt = 'facts arrive when they happen'
const comesBack = 'who comes back with Last-Event-ID'
const states = 'stats_update comes, with its figures'
const noAccount = 'account_id lets facts of no account through'
const heartbeat = 'the heartbeat comes in time'
const goodbye = 'who is disconnected gets a goodbye'

export const timeFaults: Fault[] = [
  [
    'events are held back 4 s',
    prompt,
    { deliver: response => text => void setTimeout(() => response.write(text), 4_000).unref() },
  ],
  [
    'facts are held back 4 s',
    prompt,
    eachFact((frame, { write }) => {
      setTimeout(() => write([frame]), 4_000).unref()
      return []
    }),
  ],
  [
    'a buffer that is emptied every 4 s',
    prompt,
    {
      deliver: (response, ended) => {
        let held = ''
        const empty = () => {
          if (held !== '') response.write(held)
          held = ''
        }
        const timer = setInterval(empty, 4_000)
        ended.addEventListener('abort', () => clearInterval(timer))
        return text => {
          held += text
        }
      },
    },
  ],
  [
    'a buffer of 4 KiB',
    prompt,
    {
      deliver: response => {
        let held = ''
        return text => {
          held += text
          if (held.length < 4096) return
          response.write(held)
          held = ''
        }
      },
    },
  ],
  [
    'a fact waits for the next one',
    prompt,
    eachFact((frame, { held }) => {
      held.push(frame)
      return held.length > 1 ? [held.shift()!] : []
    }),
  ],
  ['what comes with the opening is held back 4 s', 'what comes with the opening', heldOnce(() => true)],
  ['the whole answer is held back 4 s', 'what comes with the opening', { ...heldOnce(() => true), flushesHead: false }],
  ['what was missed is held back 4 s', 'what comes with the opening', heldOnce(text => text.startsWith('id:'))],
  ['no states', states, notWritten(isState)],
  [
    'states come only with the opening',
    'stats_update comes again',
    { later: frames => frames.filter(f => !isState(f)) },
  ],
  ['no heartbeat', heartbeat, notWritten(({ event }) => event === 'heartbeat')],
  [
    'account_id hides all facts of no account',
    noAccount,
    { sees: (f, filter) => good.sees(f, filter) && (!filter.accounts || f.data.account_id !== undefined) },
  ],
  ['nothing new comes behind a replay', comesBack, eachFact((frame, { lastEventId }) => (lastEventId ? [] : [frame]))],
  ['a stream that stays open', goodbye, { endsAfterGoodbye: false }],
  [
    'the stream ends after a while',
    'all facts come on the stream',
    {
      deliver: response => {
        let facts = 0
        return text => {
          response.write(text)
          if (text.includes('client_connected') && ++facts === 5) response.end()
        }
      },
    },
  ],
  [
    'a fact is never told',
    'all facts come on the stream',
    eachFact((frame, { held }) => (held.push(frame) === 6 ? [] : [frame])),
  ],
]

/** Holds the stream back from the first matching text on; everything after it queues behind it. */
function heldOnce(begins: (text: string) => boolean): Partial<Behaviour> {
  return {
    deliver: response => {
      let held: string | undefined
      let isOver = false
      const release = () => {
        response.write(held)
        isOver = true
      }
      return text => {
        if (isOver || (held === undefined && !begins(text))) return void response.write(text)
        if (held === undefined) setTimeout(release, 4_000).unref()
        held = (held ?? '') + text
      }
    },
  }
}
