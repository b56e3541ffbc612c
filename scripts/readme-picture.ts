/**
 * Takes the README's picture of a real server with real mail servers and clients. Nothing in it is staged; each figure
 * is what the server measured. `node scripts/run.js scripts/readme-picture.ts` takes 16 minutes, so that the charts of
 * the last 15 are full; `--minutes 5` takes less, and `--url http://127.0.0.1:…` takes it of a server that such a run
 * keeps.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { launchBrowser } from '../test/support/browser-launch.ts'
import { signIn } from '../test/support/signed-in.ts'
import { startLife } from './readme-life.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '16' },
    out: { type: 'string', default: join(import.meta.dirname, '../docs') },
    url: { type: 'string' },
  },
})

if (values.url) await takePictures(values.url)
else {
  const life = await startLife()
  process.once('SIGTERM', () => void life.stop())
  console.log(life.url)
  await life.until(Number(values.minutes) * 60_000)
  await takePictures(life.url)
  await life.stop()
}

async function takePictures(url: string): Promise<void> {
  const browser = await launchBrowser()
  try {
    const storageState = await signIn(browser, url)
    for (const colorScheme of ['light', 'dark'] as const) {
      const viewport = { width: 1440, height: 900 }
      const context = await browser.newContext({ viewport, colorScheme, storageState, reducedMotion: 'reduce' })
      const page = await context.newPage()
      await page.goto(url)
      await page.getByRole('button', { name: 'Live', exact: true }).waitFor()
      // Waits for one more sample over the stream, so that every chart reaches the present.
      await page.waitForTimeout(6_000)
      await page.screenshot({ path: join(values.out, colorScheme === 'light' ? 'overview.png' : 'overview-dark.png') })
      await context.close()
    }
  } finally {
    await browser.close()
  }
}
