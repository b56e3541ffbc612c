/** The kinds of HTML elements and attributes, by their names. */

const words = (list: string) => new Set(list.split(' '))
export const keptAttributes = words(
  'style class id hidden aria-hidden href alt width height bgcolor background color text size start media open',
)
export const voids = words(
  'area base basefont bgsound br col embed frame hr img input keygen link meta param source track wbr',
)
/** Their end tags do not end what stands in them (HTML, section 13.2.4.3, "formatting"). */
export const formatting = words('a b big code em font i nobr s small strike strong tt u')
export const headings = words('h1 h2 h3 h4 h5 h6')
/** Before one of these begins, an open `p` ends. */
export const endsParagraph = words(
  'address article aside blockquote center dd details dialog dir div dl dt fieldset figcaption figure footer form ' +
    'h1 h2 h3 h4 h5 h6 header hgroup hr li listing main menu nav ol p plaintext pre search section summary table ul xmp',
)
/** No end tag reaches beyond one of these. */
export const markers = words('applet caption marquee object table td template th')
export const tableLevels = new Map([
  ...['caption', 'colgroup', 'tbody', 'thead', 'tfoot'].map(name => [name, 1] as const),
  ['tr', 2],
  ['td', 3],
  ['th', 3],
])
export const special = new Set([
  ...endsParagraph,
  ...markers,
  ...tableLevels.keys(),
  ...words('button iframe noembed noframes noscript script select style textarea title'),
])
export const foreign = words('svg math')
/** What ends the reach of some end tags besides the markers. */
export const buttons = words('button')
export const lists = words('ol ul')
