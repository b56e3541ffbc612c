/**
 * Finds words of a rendered message that a person would not see where it is shown: far below blank space, beside the
 * visible part, covered or cut off. It is measured, since there are endless ways to write it.
 */

export interface PlacedWord {
  text: string
  top: number
  bottom: number
  left: number
  right: number
  /** True if something is in front of it, or an element around cuts it off. */
  isCovered: boolean
}

export interface OutOfSight {
  /** Heights of the view that are blank or pictures before the words `below`; 0 if there are none. */
  screens: number
  below: string
  /** Words beside the visible part, covered or cut off. */
  beside: string
  /** True if there are more words than are measured. */
  isPartial: boolean
}

export const nothingHidden: OutOfSight = { screens: 0, below: '', beside: '', isPartial: false }

/** Words that are measured, and characters of those that are shown. */
const [mostWords, mostShown] = [20_000, 2_000]
/** Shorter blank space is no gap, as a part of the view's height; longer parts are added up. */
const leastGap = 0.3
const word = /[\p{L}\p{N}\p{M}]+/gu

/**
 * @param words In any order, placed from the upper left of the content. @param view Size of what is shown at a time.
 * @param told Words that a person is told of anyway, in lower case.
 */
export function outOfSight(
  words: readonly PlacedWord[],
  view: { width: number; height: number },
  told: ReadonlySet<string> = new Set(),
): OutOfSight {
  const isBeside = ({ isCovered, left, right, top, bottom }: PlacedWord) =>
    isCovered || left >= view.width || right <= 0 || bottom <= 0 || bottom <= top
  const inColumn = words.filter(each => !isBeside(each)).toSorted((one, other) => one.top - other.top)
  let [end, blank] = [0, 0]
  const at = inColumn.findIndex(({ top, bottom }) => {
    const space = top - end
    if (space > view.height * leastGap) blank += space
    end = Math.max(end, bottom)
    return blank >= view.height
  })
  return {
    screens: at < 0 ? 0 : Math.round((blank / view.height) * 10) / 10,
    below: at < 0 ? '' : listed(inColumn.slice(at)),
    beside: listed(words.filter(each => isBeside(each) && !told.has(each.text.toLowerCase()))),
    isPartial: words.length >= mostWords,
  }
}

function listed(words: readonly PlacedWord[]): string {
  const all = words.map(({ text }) => text).join(' ')
  return all.length > mostShown ? `${all.slice(0, mostShown).toWellFormed()}…` : all
}

/** Measures the words of an element of our page, which nothing covers. */
export function wordsIn(root: Element): PlacedWord[] {
  const { left, top } = root.getBoundingClientRect()
  const words = [...rangesIn(root)].map(({ text, range }) => ({ text, box: range.getBoundingClientRect() }))
  return words.map(({ text, box }) => ({ ...placed(text, box, -left, -top), isCovered: false }))
}

/** Measures the words of a document in a frame, which is scrolled meanwhile to see what is in front of each. */
export function wordsOf(page: Document): PlacedWord[] {
  const { defaultView: view, scrollingElement } = page
  if (!view) return []
  const height = Math.max(1, view.innerHeight)
  const ranges = [...rangesIn(page.body)]
  view.scrollTo(0, 0)
  const words = ranges.map(({ text, range }) => {
    const box = range.getBoundingClientRect()
    return { ...placed(text, box, 0, 0), isCovered: box.width === 0 || box.height === 0 }
  })
  const reach = scrollingElement?.scrollHeight ?? height
  for (const [index, each] of words.entries()) {
    const [x, y] = [(each.left + each.right) / 2, (each.top + each.bottom) / 2]
    if (each.isCovered || x < 0 || x >= view.innerWidth || y < 0 || y >= reach) continue
    // Only what is in the view can be hit.
    if (y < view.scrollY || y >= view.scrollY + height) view.scrollTo(0, Math.max(0, y - 1))
    const around = ranges[index]!.range.startContainer.parentElement
    const hit = page.elementFromPoint(x, y - view.scrollY)
    each.isCovered = !around || !hit || !around.contains(hit)
  }
  view.scrollTo(0, 0)
  return words
}

function* rangesIn(root: Element): Generator<{ text: string; range: Range }> {
  const page = root.ownerDocument
  const walker = page.createTreeWalker(root, NodeFilter.SHOW_TEXT)
  let left = mostWords
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (const { 0: text, index } of (node.nodeValue ?? '').matchAll(word)) {
      if (left-- <= 0) return
      const range = page.createRange()
      range.setStart(node, index)
      range.setEnd(node, index + text.length)
      yield { text, range }
    }
  }
}

function placed(text: string, box: DOMRect, x: number, y: number) {
  return { text, top: box.top + y, bottom: box.bottom + y, left: box.left + x, right: box.right + x }
}
