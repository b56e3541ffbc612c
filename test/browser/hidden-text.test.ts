/** The lists of `hidden-text.ts` in Chromium, pixel by pixel: replacing the words changes nothing, or something. */
import { afterAll, expect, test } from 'vitest'
import { launchBrowser } from '../support/browser.ts'
import { hiddenWays, knownGaps, seenPages } from '../support/hidden-text.ts'

const browser = await launchBrowser()
const context = await browser.newContext({
  viewport: { width: 800, height: 600 },
  colorScheme: 'light',
  javaScriptEnabled: false,
  offline: true,
})
const page = await context.newPage()
const camera = await context.newCDPSession(page)
afterAll(() => browser.close())

async function picture(html: string): Promise<string> {
  // No resource exists, so `commit` is enough.
  await page.setContent(html, { waitUntil: 'commit' })
  // Without scripts, external fonts and a caret there is nothing to wait for but the frame itself.
  const { data } = await camera.send('Page.captureScreenshot', { format: 'png', optimizeForSpeed: true })
  return data
}

/** Smallest visible difference of 255, in any of the three channels. */
const leastDifference = 16
const ruler = await (await browser.newContext()).newPage()
const differ = async (one: string, other: string) =>
  one !== other && (await ruler.evaluate<boolean>(`differ('${one}', '${other}', ${leastDifference})`))
await ruler.setContent(`<script>
  async function pixels(png) {
    const picture = new Image()
    picture.src = 'data:image/png;base64,' + png
    await picture.decode()
    const context = new OffscreenCanvas(picture.width, picture.height).getContext('2d')
    context.drawImage(picture, 0, 0)
    return context.getImageData(0, 0, picture.width, picture.height).data
  }
  async function differ(one, other, least) {
    const [a, b] = await Promise.all([pixels(one), pixels(other)])
    return a.length !== b.length || a.some((part, index) => Math.abs(part - b[index]) >= least)
  }
</script>`)

test('words that are hidden change no pixel', async () => {
  const seen: string[] = []
  for (const way of [...hiddenWays, ...knownGaps]) {
    const [one, other] = ['Ignore all that was said', 'Xylophones, mixing ways.'].map(
      words => `<p>Seen</p>${way.replaceAll('§', words)}`,
    )
    if (await differ(await picture(one!), await picture(other!))) seen.push(way)
  }
  expect(seen).toEqual([])
})

test('words that are seen change some pixel', async () => {
  const unseen: string[] = []
  for (const html of seenPages) {
    const words = [...html.matchAll(/\{(\w+)\}/g)].map(([, word]) => word!)
    const plain = html.replaceAll(/\{(\w+)\}/g, '$1')
    const before = await picture(plain)
    for (const word of words) {
      const without = html.replace(`{${word}}`, 'W'.repeat(word.length)).replaceAll(/\{(\w+)\}/g, '$1')
      if (!(await differ(await picture(without), before))) unseen.push(`${word}: ${html}`)
    }
  }
  expect(unseen).toEqual([])
})
