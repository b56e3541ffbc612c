/**
 * Webhooks of programs while the server and their receiver are killed at random: no event is missing, order is kept,
 * and duplicates share an id.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { api } from '../../contract/index.ts'
import type { Webhook } from '../../contract/webhooks.ts'
import { freePort } from '../support/free-port.ts'
import { patience } from '../support/patience.ts'
import { startRustyMail } from '../support/rustymail.ts'
import { tempDir } from '../support/temp-dir.ts'
import { selfSigned } from '../support/tls.ts'

/** A soak test sets more: 10,000 events and 20 kills of each. */
const events = Number(process.env.RUSTYMAIL_TEST_HOOK_EVENTS ?? 500)
const kills = Number(process.env.RUSTYMAIL_TEST_HOOK_KILLS ?? 3)
/** Number of events requested concurrently. */
const wave = 20

/** A receiver in a process of its own: it writes a line to disk before it responds. */
const receiver = `
const { createServer } = require('node:https')
const { appendFileSync, readFileSync } = require('node:fs')
const [cert, key, port, file] = process.argv.slice(1)
createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
  const chunks = []
  request.on('data', chunk => chunks.push(chunk))
  request.on('end', () => {
    appendFileSync(file, request.headers['webhook-id'] + ' ' + JSON.parse(Buffer.concat(chunks)).data.name + '\\n')
    response.writeHead(204).end()
  })
}).listen(Number(port), '127.0.0.1', () => process.send('ready'))
`

test.each(['endpoint', 'account'] as const)(
  'kill -9 of either side loses no event, with order by %s',
  { timeout: patience + events * 200 },
  async order => {
    const dir = tempDir('hooks-crash')
    onTestFinished(() => dir.remove())
    const { certFile, keyFile } = selfSigned()
    const port = await freePort()
    const file = join(dir.path, 'taken')
    let child: ChildProcess
    const startReceiver = async () => {
      const args = ['-e', receiver, certFile, keyFile, String(port), file]
      child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
      await once(child, 'message')
    }
    const killReceiver = async () => {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    }
    await startReceiver()
    onTestFinished(killReceiver)

    const environment = { NODE_EXTRA_CA_CERTS: certFile, RUSTYMAIL_RATE_LIMIT: '100000000' }
    let server = await startRustyMail({ environment })
    const { dataDir } = server
    const url = `https://localhost:${port}/hook`
    const imap = { host: '127.0.0.1', port: 9, tls: 'none', user: 'ann', password: 'secret' } as const
    const account = { email: 'ann@example.org', imap }
    const { id } = await server.call(api.accounts.createAccount, { query: { verify: 'false' }, body: account })
    const params = { account_id: id }
    const body = { name: 'crash', url, types: ['account_updated'], order } as const
    const { webhook } = await server.call(api.webhooks.createWebhook, { body })
    const taken = () => (existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n').filter(Boolean) : [])
    const distinct = () => [...new Set(taken())]

    const made: string[] = []
    const killAt = Array.from({ length: kills }, (_, kill) => Math.floor((events * (kill + 1)) / (kills + 1)))
    for (let number = 0; number < events; number += wave) {
      const wanted = Array.from({ length: Math.min(wave, events - number) }, (_, index) => `event-${number + index}`)
      const make = async (name: string) => {
        await server.call(api.accounts.updateAccount, { params, query: { verify: 'false' }, body: { name } })
        made.push(name)
      }
      if (!killAt.some(at => at >= number && at < number + wave)) {
        for (const name of wanted) await make(name)
        continue
      }
      // Kills the receiver during deliveries, and the server during requests, which may or may not have been executed.
      for (const name of wanted.slice(0, wave / 2)) await make(name)
      await killReceiver()
      const asked = wanted.slice(wave / 2).map(name => make(name).catch(() => undefined))
      await server.stop('SIGKILL')
      await Promise.all(asked)
      await startReceiver()
      server = await startRustyMail({ environment, dataDir })
    }
    const names = () => new Set(distinct().map(line => line.split(' ')[1]))
    const enable = { params: { webhook_id: webhook.id } }
    await vi.waitFor(async () => {
      const { behind } = (await server.call(api.webhooks.getWebhook, enable)) as Webhook
      const missing = made.filter(name => !names().has(name))
      if (behind > 0 || missing.length > 0) throw new Error(`behind ${behind}; missing ${missing.slice(0, 5)}`)
    }, patience)
    // One id per event, and first deliveries in log order.
    const lines = distinct()
    expect(new Set(lines.map(line => line.split(' ')[0])).size).toBe(lines.length)
    expect(names().size).toBe(lines.length)
    const numbers = lines.map(line => Number(/-(\d+) /.exec(line)![1]))
    expect(numbers).toEqual(numbers.toSorted((one, other) => one - other))
    expect(lines.length).toBeGreaterThanOrEqual(made.length)
    expect(made.length).toBeGreaterThan(events - kills * wave)
  },
)
