/**
 * Opening a mail reveals nothing to its sender: in a browser with a profile of its own, which prefetches and keeps
 * connections as a user's does, no known vector reaches the sender's server, nor a name server.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { type BrowserContext, chromium, type ElementHandle, type Page } from 'playwright-core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { cleanHtml } from '../../server/reading/clean-html.ts'
import { loadedFrame, openMessage } from '../support/browser.ts'
import { fewProcesses } from '../support/browser-launch.ts'
import { fill, slowHeartbeats, startMailWorld } from '../support/mail-world.ts'
import { patience } from '../support/patience.ts'
import { phoneHomeVectors } from '../support/phone-home-vectors.ts'
import { available, getTool } from '../support/require.ts'
import { startSenderServer, withSender } from '../support/sender-server.ts'
import { tempDir } from '../support/temp-dir.ts'

const vectors = Object.entries(phoneHomeVectors)

/** Switches of Playwright that disable what a user's browser does. */
const asPeopleHaveIt = ['--disable-background-networking', '--disable-features', '--disable-field-trial-config']

/** Launches a browser with a profile on disk; `close` returns everything that its network stack did. */
async function launch(): Promise<{ context: BrowserContext; close(): Promise<string> }> {
  const dir = tempDir('profile')
  const log = join(dir.path, 'net-log.json')
  const context = await chromium.launchPersistentContext(join(dir.path, 'profile'), {
    executablePath: getTool('chromium'),
    headless: true,
    ignoreDefaultArgs: asPeopleHaveIt,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-component-update',
      '--disable-sync',
      `--disable-features=${fewProcesses.without.join(',')}`,
      ...fewProcesses.flags,
      // Other hosts that the browser wants to reach do not resolve.
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1',
      `--log-net-log=${log}`,
    ],
  })
  context.setDefaultTimeout(patience)
  const end = async () => {
    await context.close()
    dir.remove()
  }
  let isClosed = false
  onTestFinished(() => (isClosed ? undefined : end()))
  return {
    context,
    async close() {
      isClosed = true
      await context.close()
      const text = readFileSync(log, 'utf8')
      dir.remove()
      return text
    },
  }
}

const namesIn = (text: string) =>
  new Set([...text.matchAll(/([a-z]+\d+)\.sender\.localhost/g)].map(([, name]) => name!))
/** Returns the vectors of names with this prefix. */
const vectorsOf = (names: Iterable<string>, kind: string) =>
  [...names].filter(name => name.startsWith(kind)).map(name => vectors[Number(name.slice(kind.length))]![0])

/** Hovers where a user would, if there is something to hover over. */
async function lookAt(element: ElementHandle): Promise<void> {
  const frame = await element.contentFrame()
  const target = frame!.locator('#go')
  if ((await target.count()) > 0) await target.first().hover({ force: true })
}

/** Hovers only where there is something: locating it in a mail's frame costs as much as the mail. */
const isHovered = (subject: string) => vectors[Number(/\d+$/.exec(subject)![0])]![1].includes('id="go"')

/** Two tabs, so that one may wait while the other works; loading a new page costs as much as ten messages. */
async function inTabs(
  context: BrowserContext,
  urls: readonly string[],
  look: (page: Page, url: string) => Promise<void>,
) {
  const waiting = [...urls]
  const tab = async (page: Page) => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await look(page, next)
  }
  const [one, two] = context.pages()
  await Promise.all([tab(one ?? (await context.newPage())), tab(two ?? (await context.newPage()))])
}

/** The frame as it was before mail was sanitised: the sender's HTML unchanged, a sandbox, and a policy. */
const formerPolicy =
  "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src data:; font-src data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"

async function serveUncleaned(port: number): Promise<string> {
  const server = createServer(({ url = '' }, response) => {
    const [, kind = '', index = '', isFrame] = /^\/(bare|guarded)\/(\d+)(\/frame)?$/.exec(url) ?? []
    response.setHeader('content-type', 'text/html')
    if (!isFrame) return response.end(`<iframe sandbox="allow-popups allow-scripts" src="${url}/frame"></iframe>`)
    if (kind === 'guarded') response.setHeader('content-security-policy', formerPolicy)
    return response.end(withSender(vectors[Number(index)]?.[1] ?? '', `${kind}${index}`, port))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const address = server.address()
  return `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`
}

/** The document after a user loads remote content. */
const pictures = (
  'bodyBackground cssAttributeSelector cssBackground cssBackgroundEscapedScheme cssBackgroundQuoted ' +
  'cssBackgroundWithoutScheme cssComment cssListStyle cssListStyleImage cssMedia imageElement img imgBackslashes ' +
  'imgCrossOrigin imgEager imgEntities imgInCdata imgInComment imgInNoscript imgInStyle imgInTextarea imgInTitle ' +
  'imgInXmp imgLazy imgOddScheme imgOverTls imgTwice imgWithoutScheme objectTyped picture styleAttribute ' +
  'styleAttributeEntities styleMediaAttribute tableBackground'
).split(' ')

describe.skipIf(!available('chromium'))('what opening a mail tells its sender', () => {
  test('this test sees it: a policy and a sandbox alone do not keep a mail from telling', async () => {
    const sender = await startSenderServer()
    onTestFinished(() => sender.close())
    const url = await serveUncleaned(sender.port)
    const { context, close } = await launch()
    const leaks = ['preconnect', 'preconnectOverTls', 'dnsPrefetch', 'iframe', 'iframeOverTls', 'svgForeignObject']
    const shown = ['img', 'cssImport', 'cssHover', 'svgImage', 'metaRefresh', 'scriptInline']
    const at = (names: string[], kind: string) =>
      names.map(name => `${url}/${kind}/${vectors.findIndex(([known]) => known === name)}`)
    const asking = new Set(at(shown, 'bare'))
    await inTabs(context, [...at(leaks, 'guarded'), ...at(leaks, 'bare'), ...asking], async (page, address) => {
      await page.goto(address)
      await lookAt(await page.waitForSelector('iframe'))
      // Requests that start after a frame is loaded or hovered over would otherwise be cut off by the next page.
      const index = address.split('/').at(-1)
      const asked = () => sender.contacts.map(({ name }) => name)
      if (asking.has(address)) await expect.poll(asked).toContain(`bare${index}`)
    })
    const names = namesIn(await close())
    expect(vectorsOf(names, 'guarded').toSorted()).toEqual(leaks.toSorted())
    expect(vectorsOf(names, 'bare').toSorted()).toEqual([...leaks, ...shown].toSorted())
    const connected = sender.contacts.map(({ name }) => name)
    expect(vectorsOf(connected, 'guarded')).toContain('iframeOverTls')
  })

  test(`nothing, by any of ${vectors.length} ways; a reader that requests remote pictures gets only pictures`, async () => {
    const sender = await startSenderServer()
    onTestFinished(() => sender.close())
    const mails = mailsOf(sender.port)
    const { people, urls } = await deliver(mails)
    const { context, close } = await launch()
    const [name = '', value = ''] = people.admin.cookie!.split('=')
    await context.addCookies([{ name, value, url: people.url, httpOnly: true, sameSite: 'Lax' }])
    const of = (kind: string) => [...urls].filter(([subject]) => subject.startsWith(kind)).map(([, url]) => url)
    expect(of('plain')).toHaveLength(vectors.length)
    const subjects = new Map<string, string>([...urls].map(([subject, url]) => [url, subject]))
    const look = async (frame: ElementHandle, address: string) => {
      if (isHovered(subjects.get(address)!)) await lookAt(frame)
    }
    const open = async (page: Page, address: string) => look(await openMessage(page, address), address)
    await inTabs(context, of('plain'), open)
    expect(sender.contacts).toEqual([])
    const asked = () => sender.contacts.map(({ name }) => name)
    await inTabs(context, of('remote'), async (page, address) => {
      await open(page, address)
      await look(await askForPictures(page), address)
      // Requests after loading, as for a lazy picture, would otherwise be cancelled with the frame.
      const subject = subjects.get(address)!
      if (pictures.includes(vectorsOf([subject], 'remote')[0]!)) await expect.poll(asked).toContain(subject)
    })
    const names = namesIn(await close())
    expect(vectorsOf(names, 'plain')).toEqual([])
    // Whether the pointer is over it when it is rendered is not deterministic.
    expect(
      vectorsOf(names, 'remote')
        .filter(vector => vector !== 'cssHover')
        .toSorted(),
    ).toEqual(pictures)
    // A hover's request is cancelled with the message, and its connection may then carry nothing; the log has its host.
    for (const { isTls, dest, name } of sender.contacts.filter(({ name }) => name !== '')) {
      expect([name, dest]).toEqual([name, isTls ? '' : 'image'])
    }
  })
})

/** Returns a mail per vector, and a second one, by another name, if loading remote content changes the document. */
function mailsOf(port: number): { subject: string; html: string }[] {
  const numbered = (kind: string) =>
    vectors.map(([, vector], index) => ({
      subject: `${kind}${index}`,
      html: withSender(vector, `${kind}${index}`, port),
    }))
  const isAnother = (source: string) => {
    const [plain, remote] = [false, true].map(remote => JSON.stringify(cleanHtml({ source, remote })))
    return plain !== remote
  }
  return [...numbered('plain'), ...numbered('remote').filter(({ html }) => isAnother(html))]
}

/** @returns The page's URLs by subject, in the order of the table. */
async function deliver(mails: readonly { subject: string; html: string }[]) {
  const world = await startMailWorld(2, {}, slowHeartbeats)
  const { people } = world
  const { id } = world.mailboxes[1]!
  await world.deliver(1, ...mails)
  const refs = new Map<string, string>()
  for (let cursor: string | null = ''; cursor !== null; ) {
    const path = `${fill(api.mail.listMessages.path, { account_id: id })}?limit=100${cursor && `&cursor=${cursor}`}`
    const page = api.mail.listMessages.response.parse(await people.tell(people.admin, 'GET', path))
    for (const { ref, subject } of page.items) refs.set(subject, ref)
    cursor = page.next_cursor
  }
  // A message missing from the list has no URL, and would be waited for in vain.
  expect(mails.filter(({ subject }) => !refs.has(subject))).toEqual([])
  const urls = mails.map(
    ({ subject }) => [subject, `${people.url}/mail?account=${id}&message=${refs.get(subject)}`] as const,
  )
  return { people, urls: new Map(urls) }
}

/** Loads remote content by the button, which exists only if something seems to be remote. */
async function askForPictures(page: Page): Promise<ElementHandle> {
  // By text: resolving roles on the whole page costs more than the mail.
  const button = page.locator('button:has-text("Load remote content")')
  if ((await button.count()) > 0) await button.click()
  else await page.evaluate("document.querySelector('iframe').src += '?remote=true'")
  return loadedFrame(page, 'iframe[src*="remote=true"]')
}
