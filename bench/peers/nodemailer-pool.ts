/**
 * Sends messages by nodemailer's own pool, from a process of its own: `PORT COUNT CONNECTIONS`; prints the time taken.
 */
import { createTransport } from 'nodemailer'
import { messageOf } from '../outbox-fill.ts'

const [port = 0, count = 0, connections = 0] = process.argv.slice(2).map(Number)
const transport = createTransport({
  pool: true,
  host: '127.0.0.1',
  port,
  maxConnections: connections,
  maxMessages: 100,
  ignoreTLS: true,
  auth: { user: 'alice', pass: 'secret' },
})
const envelope = { from: 'alice@test.local', to: ['anne@there.test'] }
const cpu = process.cpuUsage()
const began = performance.now()
await Promise.all(Array.from({ length: count }, (_, index) => transport.sendMail({ envelope, raw: messageOf(index) })))
const ms = performance.now() - began
const { user, system } = process.cpuUsage(cpu)
transport.close()
process.stdout.write(`${JSON.stringify({ ms, cpuMs: (user + system) / 1_000 })}\n`)
