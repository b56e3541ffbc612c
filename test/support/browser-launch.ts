/**
 * Launches Chromium for tests and the README's picture, without features that contact its vendor or cost a process for
 * nothing.
 */
import { type Browser, chromium } from 'playwright-core'
import { findTool, getTool } from './require.ts'

/**
 * Features that Playwright disables by itself. Chromium reads only the last `--disable-features`, so ours has to repeat
 * them.
 */
const playwrightWithout = [
  'AimEnabled',
  'AvoidCorsURLLoaderRestartOnRedirect',
  'AvoidUnnecessaryBeforeUnloadCheckSync',
  'DestroyProfileOnBrowserClose',
  'HttpsFirstBalancedModeAutoEnable',
  'HttpsUpgrades',
  'LensOverlay',
  'MediaRouter',
  'NetworkTimeServiceQuerying',
  'OptimizationHints',
  'PaintHolding',
  'PreconnectToSearch',
  'ThirdPartyStoragePartitioning',
]
/** Address-bar popups, for which each window would start a process that costs as much as the page. */
const windowParts = ['WebUIOmniboxPopup', 'WebUIOmniboxAimPopup', 'WebUIOmniboxFullPopup']

/**
 * Makes a page, its frames and its sibling tabs share one process, and none is prestarted: starting a process costs as
 * much as what it then shows. What a frame may do does not depend on its process, since its policy and origin decide
 * it.
 */
export const fewProcesses = {
  without: ['SpareRendererForSitePerProcess', 'IsolateSandboxedIframes'],
  flags: ['--disable-site-isolation-trials', '--renderer-process-limit=1'],
} as const

const without = [...playwrightWithout, ...windowParts, ...fewProcesses.without]

const flags = [
  `--disable-features=${without.join(',')}`,
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  ...fewProcesses.flags,
]

/**
 * Launches the headless shell where it is installed: the same engine, whose browser process costs a quarter.
 * @param isWhole Launches the full browser, for what the shell lacks: it shows no notifications.
 */
export function launchBrowser({ isWhole = false } = {}): Promise<Browser> {
  const shell = isWhole ? undefined : findTool('chromium-headless-shell')
  const executablePath = shell ?? getTool('chromium')
  return chromium.launch({ executablePath, headless: true, args: flags })
}
