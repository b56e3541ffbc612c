/** A server with the sandbox, a browser and a signed-in administrator, shared by a whole file of browser tests. */
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

/** Starts a demo, which the caller stops. */
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

/** Returns the demo of a `describe`: it is started before the first of its tests and stopped after the last. */
export function browserDemo(environment?: Record<string, string>): Omit<BrowserDemo, 'stop'> {
  const demo = {} as BrowserDemo
  beforeAll(async () => {
    Object.assign(demo, await startBrowserDemo(environment))
    return demo.stop
  })
  return demo
}
