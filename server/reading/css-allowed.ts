/** What of a stranger's CSS may stay: properties and functions. What is not listed is dropped. */

/** Every longhand of these (`border-left-width`) is allowed with them. */
const families =
  /^(?:background|border|font|list-style|margin|outline|padding|text-decoration|text-emphasis|column|flex|grid|align|justify|place|overflow|break|page-break)(?:-[a-z-]+)?$/

/**
 * Not among them is what keeps a mail from fitting into a narrow pane: `min-width`, places by the pixel, rules that keep a
 * long word whole.
 */
const single = new Set(
  (
    'aspect-ratio box-shadow box-sizing caption-side clear clip color color-scheme columns content cursor ' +
    'direction display empty-cells float gap height hyphens letter-spacing line-height ' +
    'max-height max-width min-height mix-blend-mode object-fit object-position opacity order orphans quotes ' +
    'row-gap tab-size table-layout text-align text-align-last text-indent text-orientation text-overflow ' +
    'text-shadow text-transform text-underline-offset unicode-bidi vertical-align visibility white-space widows ' +
    'width word-spacing writing-mode -webkit-text-size-adjust ' +
    '-ms-text-size-adjust text-size-adjust -webkit-text-fill-color'
  ).split(' '),
)

const functions = new Set(
  (
    'rgb rgba hsl hsla hwb lab lch oklab oklch color-mix calc min max clamp linear-gradient radial-gradient ' +
    'conic-gradient repeating-linear-gradient repeating-radial-gradient minmax repeat fit-content rect inset ' +
    'counter'
  ).split(' '),
)

export function isAllowedProperty(name: string): boolean {
  return families.test(name) || single.has(name)
}

/** The properties in which a picture may stand. */
export function mayHoldPicture(property: string): boolean {
  return /^(?:background|background-image|list-style|list-style-image)$/.test(property)
}

/** Functions that load nothing and compute in bounded time. */
export function isAllowedFunction(name: string): boolean {
  return functions.has(name.toLowerCase())
}
