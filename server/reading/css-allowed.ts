/** What of a stranger's CSS may stay: properties and functions. What is not listed is dropped. */

/** Every longhand of these (`border-left-width`) is allowed with them. */
const families =
  /^(?:background|border|font|list-style|margin|outline|padding|text-decoration|text-emphasis|column|flex|grid|align|justify|place|overflow|break|page-break)(?:-[a-z-]+)?$/

/** `min-width` is not among them: it would keep a mail from fitting into a narrow pane. */
const single = new Set(
  (
    'aspect-ratio bottom box-shadow box-sizing caption-side clear clip color color-scheme columns content cursor ' +
    'direction display empty-cells filter float gap height hyphens left letter-spacing line-break line-height ' +
    'max-height max-width min-height mix-blend-mode object-fit object-position opacity order orphans position quotes ' +
    'right row-gap tab-size table-layout text-align text-align-last text-indent text-orientation text-overflow ' +
    'text-shadow text-transform text-underline-offset top unicode-bidi vertical-align visibility white-space widows ' +
    'width word-break word-spacing word-wrap overflow-wrap writing-mode z-index -webkit-text-size-adjust ' +
    '-ms-text-size-adjust text-size-adjust -webkit-text-fill-color'
  ).split(' '),
)

const functions = new Set(
  (
    'rgb rgba hsl hsla hwb lab lch oklab oklch color-mix calc min max clamp linear-gradient radial-gradient ' +
    'conic-gradient repeating-linear-gradient repeating-radial-gradient minmax repeat fit-content rect inset ' +
    'counter brightness contrast grayscale invert opacity saturate sepia'
  ).split(' '),
)

const positions = new Set(['static', 'relative', 'absolute'])

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

/** What is fixed to the window would stay in the way of the rest of the message. */
export function isAllowedPosition(value: string): boolean {
  return positions.has(value.trim().toLowerCase())
}
