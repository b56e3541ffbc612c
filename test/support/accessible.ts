/** What a person with a screen reader, a keyboard or weak eyes would stumble over (axe, WCAG 2.2 AA), looked for once where it would be the same. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type AxeBuilder from '@axe-core/playwright'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'

/** As it came with its builder, and small. */
const axeFile = createRequire(createRequire(import.meta.url).resolve('@axe-core/playwright')).resolve(
  'axe-core/axe.min.js',
)
const axeSource = `${readFileSync(axeFile, 'utf8')}\nundefined`
/** An expression without what is said of it. */
const expressionOf = (name: string) =>
  readFileSync(join(import.meta.dirname, name), 'utf8').replace(/^[\s\S]*?\*\/\s*;/, '')
const lookSource = `{ structure: ${expressionOf('page-structure.js')}, colours: ${expressionOf('page-colours.js')} }`

/**
 * What decides each of axe's rules, and so when it must be asked again.
 *
 * | goes by | rules | asked again |
 * |---|---|---|
 * | what is said | names, roles, states, labels, headings, landmarks, lists, tables, languages: all that are not below | where an element or an attribute differs, what is empty, or what must not sound the same |
 * | what is shown and what scrolls | the same, and `scrollable-region-focusable` | where a width or a state hides something, shows it, or makes it scroll: part of the answer above |
 * | colours | `color-contrast`, `link-in-text-block` | for each text whose colour, size or background was not judged before |
 *
 * No rule goes by a place or a width alone: `target-size` is off unless it is asked for, and `expectNothingClipped` looks at places.
 */
const byColours = ['color-contrast', 'link-in-text-block']

/** Answers of pages in which axe found nothing, of this process. */
const known = { structures: new Set<string>(), colours: new Set<string>() }

interface Axe {
  run(context: object, options: object): ReturnType<AxeBuilder['analyze']>
}
/** As `page-structure.js` and `page-colours.js` are. */
interface Look {
  structure(): string
  colours(): Map<string, object[]>
}
interface Seen {
  structure: string
  colours: string[]
}

const see = `(() => {
  globalThis.lookAtPage ??= ${lookSource}
  const { structure, colours } = globalThis.lookAtPage
  return { structure: structure(), colours: [...colours().keys()] }
})()`

/**
 * Without axe's own builder, which gives the page and each frame in it the whole of axe for each look. A page that says what an earlier one said,
 * in colours that were judged, is not given to axe at all.
 */
export async function expectAccessible(page: Page, where: string): Promise<void> {
  const seen = await page.evaluate<Seen>(see)
  const isNew = !known.structures.has(seen.structure)
  const colours = seen.colours.filter(colour => !known.colours.has(colour))
  if (!isNew && colours.length === 0) return
  if (!(await page.evaluate<boolean>("'axe' in window"))) await page.evaluate(axeSource)
  const { faults, ...judged } = await page.evaluate(judge, { isNew, before: [...known.colours], byColours })
  expect(faults.map(words => `${where}: ${words}`)).toEqual([])
  if (judged.structure !== undefined) known.structures.add(judged.structure)
  for (const colour of judged.colours) known.colours.add(colour)
}

/** In the page: axe's rules, each where it has not judged the same yet. */
async function judge({ isNew, before, byColours }: { isNew: boolean; before: string[]; byColours: string[] }) {
  const { axe, lookAtPage } = globalThis as unknown as { axe: Axe; lookAtPage: Look }
  const faults: string[] = []
  const ask = async (context: object, options: object) => {
    // Frames are left out, and what passed stays there.
    const { violations } = await axe.run(
      { ...context, exclude: [['iframe']] },
      { resultTypes: ['violations'], iframes: false, ...options },
    )
    for (const { id, nodes } of violations)
      faults.push(`${id}: ${nodes.map(node => node.html.slice(0, 160)).join(' | ')}`)
  }
  const judged = new Set(before)
  const colours = [...lookAtPage.colours()].filter(([colour]) => !judged.has(colour))
  if (colours.length > 0) {
    const include = colours.flatMap(([, elements]) => elements)
    await ask({ include }, { runOnly: { type: 'rule', values: byColours } })
  }
  const structure = isNew ? lookAtPage.structure() : undefined
  if (isNew) await ask({}, { rules: Object.fromEntries(byColours.map(name => [name, { enabled: false }])) })
  const isStill = structure === lookAtPage.structure()
  return { structure: isStill ? structure : undefined, colours: colours.map(([colour]) => colour), faults }
}
