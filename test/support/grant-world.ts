/** Grants of accounts at a provider that rotates refresh tokens, in one process or several, under a clock that the test advances. */
import { randomBytes } from 'node:crypto'
import { onTestFinished } from 'vitest'
import { GrantKeeper } from '../../server/mail-oauth/grant-keeper.ts'
import { GrantRefresher } from '../../server/mail-oauth/grant-refresher.ts'
import { OAuthProviders } from '../../server/mail-oauth/oauth-providers.ts'
import { OAuthStore } from '../../server/mail-oauth/oauth-store.ts'
import type { Database } from '../../server/platform/database/database.ts'
import { createLogger } from '../../server/platform/logger.ts'
import { SecretBox } from '../../server/platform/secret-box.ts'
import { isoOf } from '../../server/platform/timer-clock.ts'
import { startHub } from './event-hub.ts'
import { begin, RotatingProvider, SteeredClock } from './rotating-provider.ts'

const logger = createLogger('silent')

export async function grantWorld(db: Database, key = randomBytes(32)) {
  const clock = new SteeredClock()
  const provider = new RotatingProvider(clock)
  const secrets = new SecretBox(key)
  const { hub } = await startHub(db)
  const store = new OAuthStore(db)
  const client = { clientId: 'me', clientSecret: undefined }
  const process = (random = Math.random) => {
    const providers = new OAuthProviders({
      ...{ store, secrets, hub, now: () => clock.now(), baseUrl: () => 'http://localhost' },
      config: { google: client, microsoft: { ...client, tenant: 'common' } },
      server: { look: async () => ({ hasDeviceFlow: false }), forget: () => undefined },
    })
    const keeper = new GrantKeeper({ store, providers, server: provider.server, secrets, clock, random, logger })
    onTestFinished(() => keeper.stop())
    return keeper
  }
  const keeper = process()
  const grant = async (name: string, { accountId = name, providerId = 'google' } = {}) => {
    const about = { id: name, provider: providerId, account_id: accountId, made_by: 'ann', granted_by: 'Ann' }
    const row = keeper.newRow(provider.issue(name), { ...about, use_for: 'send' })
    await store.insert(row)
    return row
  }
  const connect = async (name: string, providerId = 'google') => {
    const at = isoOf(begin)
    const server = { imap_host: name, imap_port: 993, imap_tls: 'implicit', imap_user: name, imap_password_sealed: '' }
    const smtp = { smtp_host: null, smtp_port: null, smtp_tls: null, smtp_user: null, smtp_password_sealed: null }
    const rest = { is_default: 0, is_sandbox: 0, enabled: 1, index_level: null, watched_folders: null }
    const auth = { oauth_provider: providerId, grant_id: name, created_at: at, updated_at: at }
    await db
      .insertInto('accounts')
      .values({ id: name, name, email: `${name}@example.org`, ...server, ...smtp, ...rest, ...auth })
      .execute()
  }
  const startRefresher = () => {
    const lease = () => ({ name: 'test', fence: async () => undefined })
    const refresher = new GrantRefresher({ store, keeper, clock, logger, lease, isIdle: () => false })
    refresher.start()
    onTestFinished(() => refresher.stop())
  }
  /** Waits for as long as a few database queries take, so that work in flight goes on. */
  const settle = async () => {
    for (let look = 0; look < 4; look++) await store.find('none')
    await turns(5)
  }
  /** Time passes until it is decided. */
  const decided = async <T>(asked: Promise<T>): Promise<T> => {
    let isOver = false
    const over = () => {
      isOver = true
    }
    asked.then(over, over)
    while (!isOver) await clock.pass(100, settle)
    return asked
  }
  return { clock, provider, store, keeper, process, grant, connect, startRefresher, settle, decided }
}

/** Waits for turns of the event loop, so that work in flight goes on. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(resolve => setImmediate(resolve))
}
