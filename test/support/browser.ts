/** Chromium for tests: a page that can fail its test for console output and for requests to other hosts. */
import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type AxeBuilder from '@axe-core/playwright'
import type {
  Browser,
  BrowserContext,
  BrowserContextOptions,
  CDPSession,
  ConsoleMessage,
  ElementHandle,
  Frame,
  Page,
  Request,
  WebError,
} from 'playwright-core'
import { expect, onTestFinished } from 'vitest'
import { launchBrowser as launchAnother } from './browser-launch.ts'
import { patience } from './patience.ts'

let running: Promise<Browser> | undefined

/**
 * Launches the one browser that all files of a process share, since they run one after the other; closing it closes
 * only what the file opened. Playwright ends it with the process.
 */
export async function launchBrowser(): Promise<Browser> {
  const known = await running
  if (known?.isConnected()) return known
  running = launchAnother().then(browser => {
    const newContext = browser.newContext.bind(browser)
    return Object.assign(browser, {
      newContext: async (options?: BrowserContextOptions) => {
        const context = await newContext(options)
        context.setDefaultTimeout(patience)
        return context
      },
      close: async () => {
        idle.delete(browser)
        await Promise.all(browser.contexts().map(context => context.close()))
      },
    })
  })
  return running
}

export interface Visit {
  page: Page
  context: BrowserContext
  /** Fails if the page wrote to the console, or sent a request to any host but its server. */
  expectQuiet(): void
}

/** Returns whether a request leaves our server. */
export function isOutside(request: string | URL, server: string): boolean {
  const { origin, protocol } = new URL(request)
  return protocol !== 'data:' && origin !== new URL(server).origin
}

interface Look {
  width: number
  height: number
  scheme: 'light' | 'dark'
}

/** A browser profile that consecutive visits reuse: a page with warm caches costs half. */
interface Profile {
  context: BrowserContext
  key: string
  /** Keeps the profile's process alive, and clears the storage of other origins. */
  clearing: CDPSession
  blank: Page
}

/** Profiles that no visit uses now, by browser; closed with it at the end of a file. */
const idle = new Map<Browser, Profile[]>()
const maxIdle = 3

/** Methods with lasting effects on a context, which then serves only one visit. */
const spending = [
  ...['addInitScript', 'exposeBinding', 'exposeFunction', 'grantPermissions', 'newCDPSession', 'route', 'routeFromHAR'],
  ...['routeWebSocket', 'setExtraHTTPHeaders', 'setGeolocation', 'setOffline'],
] as const satisfies (keyof BrowserContext)[]

async function newProfile(browser: Browser, key: string, { width, height, scheme }: Look): Promise<Profile> {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: scheme,
    reducedMotion: 'reduce',
  })
  const blank = await context.newPage()
  return { context, key, blank, clearing: await context.newCDPSession(blank) }
}

/** Takes a profile without traces of earlier visits except its cache; it returns to the pool when the test ends. */
async function enterProfile(browser: Browser, look: Look): Promise<BrowserContext> {
  const key = JSON.stringify(look)
  const kept = idle.get(browser)?.find(profile => profile.key === key)
  if (kept)
    idle.set(
      browser,
      idle.get(browser)!.filter(profile => profile !== kept),
    )
  const profile = kept ?? (await newProfile(browser, key, look))
  const { context, blank, clearing } = profile
  let isSpent = false
  const spent = () => {
    isSpent = true
  }
  context.once('close', spent)
  const origins = new Set<string>()
  const note = (frame: Frame) => void origins.add(URL.canParse(frame.url()) ? new URL(frame.url()).origin : 'null')
  context.on('framenavigated', note)
  const before = Object.fromEntries(spending.map(name => [name, context[name]]))
  for (const name of spending) {
    Object.assign(context, {
      [name]: (...given: unknown[]) => {
        spent()
        return Reflect.apply(before[name]!, context, given)
      },
    })
  }
  onTestFinished(async () => {
    const others = idle.get(browser) ?? []
    if (isSpent || others.length >= maxIdle) return context.close()
    context.off('close', spent)
    context.off('framenavigated', note)
    Object.assign(context, before)
    await Promise.all(context.pages().map(page => (page === blank ? undefined : page.close())))
    await context.clearCookies()
    for (const origin of origins) {
      if (origin !== 'null') await clearing.send('Storage.clearDataForOrigin', { origin, storageTypes: 'all' })
    }
    idle.set(browser, [...(idle.get(browser) ?? []), profile])
  })
  return context
}

/** Opens a page as if in a fresh profile; everything that it opened is closed when the test ends. */
export async function visit(
  browser: Browser,
  url: string,
  {
    width = 1280,
    height = 900,
    scheme = 'light' as 'light' | 'dark',
    storageState = undefined as Awaited<ReturnType<BrowserContext['storageState']>> | undefined,
  } = {},
): Promise<Visit> {
  const context = await enterProfile(browser, { width, height, scheme })
  if (storageState) await context.addCookies(storageState.cookies)
  const said: string[] = []
  const asked: string[] = []
  const hear = (message: ConsoleMessage) => {
    if (['error', 'warning'].includes(message.type())) said.push(`${message.type()}: ${message.text()}`)
  }
  const fail = (error: WebError) => void said.push(String(error.error()))
  const follow = (request: Request) => {
    if (isOutside(request.url(), url)) asked.push(request.url())
  }
  context.on('console', hear).on('weberror', fail).on('request', follow)
  onTestFinished(() => void context.off('console', hear).off('weberror', fail).off('request', follow))
  const page = await context.newPage()
  await page.goto(url)
  const expectQuiet = () => {
    expect(said).toEqual([])
    expect(asked).toEqual([])
  }
  return { page, context, expectQuiet }
}

const output = join(import.meta.dirname, '../browser/output')

/**
 * Saves a screenshot to test/browser/output, only if RUSTYMAIL_TEST_PICTURES is set: each takes as long as rendering
 * the page, and no test reads it.
 */
export async function keepPicture(page: Page, name: string, options: { fullPage?: boolean } = {}): Promise<void> {
  if (!process.env.RUSTYMAIL_TEST_PICTURES) return
  mkdirSync(output, { recursive: true })
  await page.screenshot({ path: join(output, `${name}.png`), animations: 'disabled', ...options })
}

/** Navigates as a link does: a full reload costs twice as much, and `browser/pages` reloads every page. */
export async function turnTo(page: Page, path: string): Promise<void> {
  await page.evaluate(to => {
    const { history } = globalThis as unknown as { history: { pushState(state: null, unused: '', to: string): void } }
    history.pushState(null, '', to)
  }, path)
}

/** Opens a message of the mail page as a click does: only its frame changes. @returns The frame, once loaded. */
export async function openMessage(page: Page, url: string): Promise<ElementHandle> {
  const { origin, pathname, search, searchParams } = new URL(url)
  if (page.url().startsWith(origin)) await turnTo(page, pathname + search)
  else await page.goto(url)
  return loadedFrame(page, `iframe[src*="${searchParams.get('message')}"]`)
}

/** @returns The element, once its frame has loaded its current source: until then it shows the old content. */
export async function loadedFrame(page: Page, selector: string): Promise<ElementHandle> {
  const element = await page.waitForSelector(selector)
  const source = await (await element.getProperty('src')).jsonValue()
  await (await element.contentFrame())!.waitForURL(url => url.href === source, { waitUntil: 'load' })
  return element
}

/** The minified axe that its Playwright builder ships with. */
const axeFile = createRequire(createRequire(import.meta.url).resolve('@axe-core/playwright')).resolve(
  'axe-core/axe.min.js',
)
const axeSource = `${readFileSync(axeFile, 'utf8')}\nundefined`

interface Axe {
  run(context: object, options: object): ReturnType<AxeBuilder['analyze']>
}

/** What the functions here use of a page. */
interface Shown {
  document: {
    documentElement: { dataset: Record<string, string> }
    getAnimations(): { effect: { getComputedTiming(): { iterations: number } } | null }[]
  }
}

/** Switches the colour scheme and waits for transitions to end: contrasts measured midway belong to neither. */
export async function setScheme(page: Page, colorScheme: 'light' | 'dark'): Promise<void> {
  await page.emulateMedia({ colorScheme })
  await page.waitForFunction(scheme => {
    const { document } = globalThis as unknown as Shown
    const isStill = document
      .getAnimations()
      .every(({ effect }) => effect?.getComputedTiming().iterations === Number.POSITIVE_INFINITY)
    return document.documentElement.dataset.theme === scheme && isStill
  }, colorScheme)
}

/**
 * Fails for what would stop a person with a screen reader, a keyboard or low vision (axe, WCAG 2.2 AA). The axe builder
 * is not used, since it injects all of axe into the page and each frame for each check.
 */
export async function expectAccessible(page: Page, where: string): Promise<void> {
  if (!(await page.evaluate<boolean>("'axe' in window"))) await page.evaluate(axeSource)
  // Frames are left out, and the results that passed are not sent back.
  const found = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: Axe }
    const { violations } = await axe.run({ exclude: [['iframe']] }, { resultTypes: ['violations'], iframes: false })
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(node => node.html.slice(0, 160)).join(' | ')}`)
  })
  expect(found.map(words => `${where}: ${words}`)).toEqual([])
}

/** Finds controls that are not wholly inside the visible box of an ancestor that scrolls or clips them. */
const findClipped = `(() => {
  const cuts = element => getComputedStyle(element).overflowX !== 'visible'
  const isShown = ({ width, height }) => width > 1 && height > 1
  const outside = []
  for (const control of document.querySelectorAll('a[href], button, input, select, textarea')) {
    const own = control.getBoundingClientRect()
    // What is 1 px large is there for those who hear the page.
    if (!control.checkVisibility({ visibilityProperty: true }) || !isShown(own)) continue
    for (let around = control.parentElement; around; around = around.parentElement) {
      if (!cuts(around)) continue
      const left = around.getBoundingClientRect().left + around.clientLeft
      if (own.left >= left - 1 && own.right <= left + around.clientWidth + 1) continue
      if (isShown(around.getBoundingClientRect())) outside.push(control.ariaLabel ?? control.innerText)
      break
    }
  }
  const { scrollWidth, clientWidth } = document.documentElement
  return [scrollWidth - clientWidth, outside]
})()`

/** Fails if the page scrolls sideways as a whole, or if a control is reached only by scrolling sideways. */
export async function expectNothingClipped(page: Page, where: string): Promise<void> {
  const clipped = await page.evaluate<[overflow: number, outside: string[]]>(findClipped)
  expect([where, ...clipped]).toEqual([where, 0, []])
}
