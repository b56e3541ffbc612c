/** For a whole file of browser tests: a server with the sandbox, a browser, and the administrator signed in. */
import type { Browser } from 'playwright-core'
import { beforeAll } from 'vitest'
import { launchBrowser } from './browser.ts'
import { runHere, type Served } from './rustymail.ts'
import { type SignedIn, signIn } from './signed-in.ts'
import { tempDir } from './temp-dir.ts'

export interface BrowserDemo {
  run: Served
  browser: Browser
  storageState: SignedIn
  stop(): Promise<void>
}

/** The caller stops it. */
export async function startBrowserDemo(environment: Record<string, string> = {}): Promise<BrowserDemo> {
  const dir = tempDir('browser')
  const run = await runHere({ args: ['--demo'], environment, dataDir: `${dir.path}/data` })
  const browser = await launchBrowser()
  const storageState = await signIn(browser, run.setupLink)
  const stop = async () => {
    await browser.close()
    await run.stop()
    dir.remove()
  }
  return { run, browser, storageState, stop }
}

/** The same for all tests of a `describe`: it is there as soon as the first of them begins, and ends after the last. */
export function browserDemo(environment?: Record<string, string>): Omit<BrowserDemo, 'stop'> {
  const demo = {} as BrowserDemo
  beforeAll(async () => {
    Object.assign(demo, await startBrowserDemo(environment))
    return demo.stop
  })
  return demo
}
