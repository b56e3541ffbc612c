/**
 * Dovecot stopped (SIGSTOP) for a minute under 20 watched accounts: the time until that is reported and until the
 * accounts are back, and its cost in logins. The floor is a bare client that retries each second without being
 * notified.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { MailLogin } from '../server/accounts/mail-login.ts'
import { EventHub } from '../server/events/event-hub.ts'
import { EventLog } from '../server/events/event-log.ts'
import { EventStore } from '../server/events/event-store.ts'
import { ImapFlowGateway } from '../server/imap/adapters/imapflow-gateway.ts'
import { gateTimes } from '../server/imap/server-gate.ts'
import { migrations } from '../server/migrations.ts'
import { openDatabase } from '../server/platform/database/database.ts'
import { migrate } from '../server/platform/database/migrate.ts'
import { createLogger } from '../server/platform/logger.ts'
import { type Dovecot, startDovecot } from '../test/support/dovecot.ts'
import { WatchedAccounts } from '../test/support/watched-accounts.ts'
import { median, round } from './measure.ts'

const accounts = 20
const stoppedMs = 60_000
const rounds = 3
const { signal } = new AbortController()

interface Row {
  told_first_s: number
  told_all_s: number
  request_s: number
  back_all_s: number
  bare_client_back_s: number
  logins: number
  looks: number
}

export async function outage(): Promise<object> {
  const rows: Row[] = []
  for (let turn = 0; turn < rounds; turn++) {
    const dovecot = await startDovecot()
    try {
      rows.push(await once_(dovecot))
    } finally {
      dovecot.thaw()
      await dovecot.stop()
    }
  }
  const of = (name: keyof Row) => round(median(rows.map(row => row[name])))
  const names = Object.keys(rows[0]!) as (keyof Row)[]
  return {
    what: `${accounts} accounts on a Dovecot that is stopped for ${stoppedMs / 1000} s; told: seconds after the stop until the first and all are not ready; back: seconds after it goes on until all are; medians of ${rounds}`,
    ...Object.fromEntries(names.map(name => [name, of(name)])),
    rows,
    target: 'told_all_s <= 60, back_all_s <= 5, logins <= 2 an account',
  }
}

async function once_(dovecot: Dovecot): Promise<Row> {
  const gateway = new CountingGateway()
  const logins = new Map(Array.from({ length: accounts }, (_, number) => [`a${number}`, loginOf(dovecot, number)]))
  const { stop, ...surroundings } = await startHub()
  const limits = { connection_timeout_seconds: 30 }
  const mail = new WatchedAccounts({ gateway, logins, limits, gateTimes }, surroundings)
  try {
    await mail.watcher.start()
    await until(() => ready(mail) === accounts)
    gateway.logins = 0
    const stoppedAt = performance.now()
    const since = (from: number) => round((performance.now() - from) / 1000)
    dovecot.freeze()
    const asked = mail.pool
      .run('a0', 'interactive', one => one.listMessages('INBOX', 10, undefined), signal)
      .then(
        () => -1,
        () => since(stoppedAt),
      )
    await until(() => ready(mail) < accounts)
    const told_first_s = since(stoppedAt)
    await until(() => ready(mail) === 0)
    const told_all_s = since(stoppedAt)
    await wait(Math.max(0, stoppedMs - (performance.now() - stoppedAt)))
    const bare = greets(dovecot.imapPort)
    dovecot.thaw()
    const backAt = performance.now()
    const bareBack = bare.then(() => since(backAt))
    await until(() => ready(mail) === accounts)
    const back_all_s = since(backAt)
    const bare_client_back_s = await bareBack
    const request_s = await asked
    return {
      told_first_s,
      told_all_s,
      request_s,
      back_all_s,
      bare_client_back_s,
      logins: gateway.logins,
      looks: gateway.looks,
    }
  } finally {
    await mail.stop()
    await stop()
  }
}

async function startHub() {
  const db = openDatabase('sqlite::memory:')
  await migrate(db, migrations)
  const logger = createLogger('warn')
  const log = new EventLog({ store: new EventStore(db), logger, heldInMemory: 1_000, keep: 1_000, keepMs: 60 * 60_000 })
  const bounds = { heartbeatSeconds: 15, maxStreams: 1, maxStreamsPerPrincipal: 1, maxStreamAgeMs: 60_000 }
  const hub = new EventHub({ log, logger, ...bounds })
  await hub.start()
  return {
    hub,
    db,
    stop: async () => {
      await hub.stop()
      await db.destroy()
    },
  }
}

class CountingGateway extends ImapFlowGateway {
  logins = 0
  looks = 0

  override connect(...args: Parameters<ImapFlowGateway['connect']>): ReturnType<ImapFlowGateway['connect']> {
    this.logins++
    return super.connect(...args)
  }

  override probe(...args: Parameters<ImapFlowGateway['probe']>): Promise<void> {
    this.looks++
    return super.probe(...args)
  }
}

function loginOf(dovecot: Dovecot, number: number): MailLogin {
  return { host: '127.0.0.1', port: dovecot.imapPort, tls: 'none', ...dovecot.users[number % dovecot.users.length]! }
}

function ready(mail: WatchedAccounts): number {
  return Array.from({ length: accounts }, (_, number) => mail.stateOf(`a${number}`).state).filter(s => s === 'ready')
    .length
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await wait(20)
}

/** Retries each second until the server greets. */
async function greets(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    const said = await once(socket, 'data', { signal: AbortSignal.timeout(1_000) }).catch(() => undefined)
    socket.on('error', () => undefined).destroy()
    if (said) return
  }
}
