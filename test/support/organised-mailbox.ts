/** An indexed mailbox on Dovecot behind our server, with a signed-in page, for tests of pages that act on mail. */
import type { Browser, Page } from 'playwright-core'
import { expect, vi } from 'vitest'
import { api } from '../../contract/index.ts'
import { visit } from './browser.ts'
import { startDovecot } from './dovecot.ts'
import type { RawImap } from './raw-imap.ts'
import { runHere, type Served } from './rustymail.ts'
import { signIn } from './signed-in.ts'
import { startRelay, type TcpRelay } from './tcp-relay.ts'
import { tempDir } from './temp-dir.ts'

const alice = 'alice@test.local'

export interface OrganisedMailbox {
  run: Served
  accountId: string
  imap: RawImap
  /** The relay between our server and Dovecot. */
  relay: TcpRelay
  /** Returns the subjects in a folder, in order. */
  subjectsIn(folder: string): Promise<string[]>
  open(path?: string, size?: { width?: number; height?: number }): ReturnType<typeof visit>
  stop(): Promise<void>
}

/**
 * @param count Number of messages in INBOX, `Note 1` and so on; the newest three form the thread `Plans`. The caller
 * stops it.
 */
export async function startOrganisedMailbox(
  browser: Browser,
  count: number,
  changes: Parameters<typeof startRelay>[1] = {},
): Promise<OrganisedMailbox> {
  const dovecot = await startDovecot()
  const relay = await startRelay(dovecot.imapPort, changes)
  const imap = await dovecot.login(alice)
  const put = async (id: string, subject: string, minute: number, answers?: string) => {
    const lines = [
      'From: Bob Stone <bob@example.org>',
      `To: ${alice}`,
      `Subject: ${subject}`,
      `Message-ID: <${id}@example.org>`,
      ...(answers ? [`In-Reply-To: <${answers}@example.org>`, `References: <${answers}@example.org>`] : []),
      '',
      `The text of ${subject}.`,
    ]
    const literal = Buffer.from(lines.join('\r\n'))
    const at = new Date(Date.UTC(2026, 10, 20, 8, minute)).toISOString().slice(11, 19)
    await imap.run(`APPEND "INBOX" () "20-Nov-2026 ${at} +0000" {${literal.length}}`, literal)
  }
  for (let number = 1; number <= count; number++) await put(`n${number}`, `Note ${number}`, number)
  await put('p1', 'Plans', count + 1)
  await put('p2', 'Re: Plans', count + 2, 'p1')
  await put('p3', 'Re: Plans', count + 3, 'p2')
  const dir = tempDir('organised')
  const run = await runHere({ environment: { RUSTYMAIL_INDEX: 'text' }, dataDir: `${dir.path}/data` })
  const server = { host: '127.0.0.1', port: relay.port, tls: 'none', user: alice, password: 'pw-alice' }
  const { id } = await run.call(api.accounts.createAccount, { body: { name: 'Alice', email: alice, imap: server } })
  const state = async () => (await run.call(api.mailIndex.getIndex, { params: { account_id: id } })).state
  await vi.waitFor(async () => expect(await state()).toBe('complete'))
  const storageState = await signIn(browser, run.url)
  return {
    ...{ run, accountId: id, imap, relay },
    subjectsIn: async folder => {
      await imap.run(`EXAMINE "${folder}"`)
      const said = await imap.run('FETCH 1:* BODY.PEEK[HEADER.FIELDS (SUBJECT)]').catch(() => '')
      return [...said.matchAll(/Subject: (.*)\r/g)].map(([, subject = '']) => subject)
    },
    open: (path = '/mail', size = {}) => visit(browser, run.url + path, { width: 1440, storageState, ...size }),
    stop: async () => {
      await run.stop()
      imap.close()
      await relay.stop()
      await dovecot.stop()
      dir.remove()
    },
  }
}

export const rows = (page: Page) => page.locator('a[data-ref]')
export const row = (page: Page, words: string | RegExp) => rows(page).filter({ hasText: words })
