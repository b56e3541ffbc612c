/**
 * Opening a mail tells its sender nothing: in a browser with a profile of its own, which looks ahead and keeps connections
 * as that of a person does, no way known leads to the sender's server, and none to a name server.
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

/** What Playwright switches off and a person's browser does. */
const asPeopleHaveIt = ['--disable-background-networking', '--disable-features', '--disable-field-trial-config']

/** A profile on the disk, and everything that the browser's network did, once it is closed. */
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
      // Whatever else the browser wants to talk to is not there.
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
/** Of the names that begin so, the vectors. */
const vectorsOf = (names: Iterable<string>, kind: string) =>
  [...names].filter(name => name.startsWith(kind)).map(name => vectors[Number(name.slice(kind.length))]![0])

/** Hovers over what a person would, when there is something of that kind. */
async function lookAt(element: ElementHandle): Promise<void> {
  const frame = await element.contentFrame()
  const target = frame!.locator('#go')
  if ((await target.count()) > 0) await target.first().hover({ force: true })
}

/** Only there is something to hover over: to look for it in a mail's frame costs as much as the mail. */
const isHovered = (subject: string) => vectors[Number(/\d+$/.exec(subject)![0])]![1].includes('id="go"')

/** In two tabs, so that one may wait while the other works; to load the page in a new one costs as much as ten messages do. */
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

/** The frame as it was before mail was cleaned: the sender's HTML as it came, a sandbox, and a policy. */
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

/** What a person gets to see who asks for pictures from outside. */
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
      // What begins after a frame is loaded or hovered over would else be cut off by the next page.
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

  test(`nothing, by any of ${vectors.length} ways; who asks for pictures from outside gets pictures alone`, async () => {
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
      // What a frame asks for after it is loaded, as a lazy picture, would else be given up with it.
      const subject = subjects.get(address)!
      if (pictures.includes(vectorsOf([subject], 'remote')[0]!)) await expect.poll(asked).toContain(subject)
    })
    const names = namesIn(await close())
    expect(vectorsOf(names, 'plain')).toEqual([])
    // Whether the pointer is over it by the time when it is drawn is another question.
    expect(
      vectorsOf(names, 'remote')
        .filter(vector => vector !== 'cssHover')
        .toSorted(),
    ).toEqual(pictures)
    // What the pointer asked for is given up with the message, and its connection may then say nothing; whose it is stands in the log.
    for (const { isTls, dest, name } of sender.contacts.filter(({ name }) => name !== '')) {
      expect([name, dest]).toEqual([name, isTls ? '' : 'image'])
    }
  })
})

/** Each vector, and a second time, by another name, where asking for pictures from outside makes another document. */
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

/** @returns The addresses of the real page, by subject, in the order of the table. */
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
  // One that is not in the list has no address, and would be waited for in vain.
  expect(mails.filter(({ subject }) => !refs.has(subject))).toEqual([])
  const urls = mails.map(
    ({ subject }) => [subject, `${people.url}/mail?account=${id}&message=${refs.get(subject)}`] as const,
  )
  return { people, urls: new Map(urls) }
}

/** As the button does, which is there only where something seems to be outside. */
async function askForPictures(page: Page): Promise<ElementHandle> {
  // By its word: what has which role among all that the page shows is another question, and costs more than the mail.
  const button = page.locator('button:has-text("Load remote content")')
  if ((await button.count()) > 0) await button.click()
  else await page.evaluate("document.querySelector('iframe').src += '?remote=true'")
  return loadedFrame(page, 'iframe[src*="remote=true"]')
}
