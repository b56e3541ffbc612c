/** Chromium as tests and the README's picture start it: without what asks its maker or costs a process for nothing. */
import { type Browser, chromium } from 'playwright-core'
import { findTool, getTool } from './require.ts'

/** Of the features that are switched off, the last list counts; so these are Playwright's own. */
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
/** Each window would have a process for what drops down from its address bar, which costs as much as the page. */
const windowParts = ['WebUIOmniboxPopup', 'WebUIOmniboxAimPopup', 'WebUIOmniboxFullPopup']

/**
 * A page, its frames and the tabs beside it share a process, and none is started ahead: to start one costs as much as what is then
 * shown in it. What a frame may do is the same in one process, since its policy and its origin say so.
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
 * The one without windows where there is it: the same engine, at a quarter of what the process beside its pages costs.
 * @param isWhole The one that people use, for what the other lacks: it shows no notifications.
 */
export function launchBrowser({ isWhole = false } = {}): Promise<Browser> {
  const shell = isWhole ? undefined : findTool('chromium-headless-shell')
  const executablePath = shell ?? getTool('chromium')
  return chromium.launch({ executablePath, headless: true, args: flags })
}
