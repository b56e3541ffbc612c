#!/usr/bin/env node
/**
 * Checks that an event stream keeps what docs/events.md promises. Needs this folder, Node 20 or newer, and nothing else.
 *
 *   node event-stream.mjs <url> [--token T] [--wait seconds] [--partial]
 *
 * The url is that of the server or of the stream itself. The token may stand in RUSTYMAIL_API_KEY instead; it needs the
 * scope dashboard:read. `--wait` says how long to wait for facts to happen (60 s), `--partial` that the token does not see
 * everything, so that numbers may be left out. It makes facts happen by asking under new user agents, each of which is a
 * client_connected. With dashboard:operate it disconnects these clients again; nothing else is changed. One line a check;
 * exits with 1 when a promise is broken, with 2 when it was called wrongly or can make no facts.
 */
import { parseArgs } from 'node:util'
import { checkStream } from './check-stream.mjs'

const stream = readArguments()
/** Whatever the server does, this ends. */
const wholeMs = 300_000 + 2 * stream.waitMs

setTimeout(() => {
  console.log(`not ok   everything within ${wholeMs / 1000} s`)
  process.exit(1)
}, wholeMs).unref()

const { failures, undecided } = await checkStream(stream, line => console.log(line))
const isWell = failures === 0
console.log(isWell ? (undecided ?? 'all is well') : `${failures} failed`)
process.exit(isWell ? (undecided ? 2 : 0) : 1)

function readArguments() {
  try {
    const options = { token: { type: 'string' }, wait: { type: 'string' }, partial: { type: 'boolean' } }
    const { values, positionals } = parseArgs({ options, allowPositionals: true })
    const target = new URL(positionals[0])
    if (target.pathname === '/') target.pathname = '/api/dashboard/events'
    const seconds = Number(values.wait ?? 60)
    if (positionals.length !== 1 || !(seconds > 0)) throw new Error('one url, and a number of seconds')
    const secret = values.token ?? process.env.RUSTYMAIL_API_KEY
    return { url: target, token: secret, waitMs: seconds * 1000, isPartial: values.partial ?? false }
  } catch (error) {
    console.error(`node event-stream.mjs <url> [--token T] [--wait seconds] [--partial]\n${error.message}`)
    process.exit(2)
  }
}
