/** For a whole file of browser tests: a server with the sandbox, a browser, and the administrator signed in. */
import type { Browser } from 'playwright-core'
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
