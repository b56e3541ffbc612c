/**
 * Closed lists for outgoing HTML: what stands in places that nobody reads (names of fonts, keywords, languages, titles)
 * is one of these or is not sent. Otherwise any words could leave there after a person approved the visible ones.
 */
import { StyleBudget } from './style-budget.ts'
import { StyleColors } from './style-color.ts'

const set = (list: string, by = ' ') => new Set(list.split(by))

/** Keywords of the properties that are sent, as far as authors of mail use them. */
const keywords = set(
  'inherit initial unset revert auto none normal all both left right center justify start end top middle bottom baseline ' +
    'sub super text-top text-bottom solid dashed dotted double groove ridge inset outset hidden thin medium thick ' +
    'block inline inline-block flex inline-flex grid inline-grid table inline-table table-cell table-row table-column ' +
    'table-row-group table-header-group table-footer-group table-column-group table-caption list-item contents flow-root ' +
    'visible collapse separate scroll clip ellipsis wrap nowrap wrap-reverse row column row-reverse column-reverse ' +
    'flex-start flex-end space-between space-around space-evenly stretch border-box content-box padding-box text ' +
    'repeat no-repeat repeat-x repeat-y round space cover contain fixed local fill scale-down bold bolder lighter italic ' +
    'oblique small-caps larger smaller xx-small x-small small large x-large xx-large underline overline line-through ' +
    'wavy blink uppercase lowercase capitalize pre pre-wrap pre-line break-spaces break-word break-all keep-all anywhere ' +
    'manual ltr rtl embed bidi-override isolate isolate-override plaintext horizontal-tb vertical-rl vertical-lr ' +
    'disc circle square decimal decimal-leading-zero lower-alpha upper-alpha lower-latin upper-latin lower-roman ' +
    'upper-roman lower-greek inside outside show hide default pointer help avoid always page avoid-page min-content ' +
    'max-content fit-content dense light dark only from to at in deg srgb closest-side farthest-corner ellipse ' +
    'multiply screen overlay fill-box antialiased subpixel-antialiased important px under above below',
)

/** Fonts that computers of recipients have; any other is not shown there anyway. */
const fonts = set(
  'serif,sans-serif,monospace,cursive,fantasy,system-ui,ui-serif,ui-sans-serif,ui-monospace,ui-rounded,emoji,math,inherit,' +
    'initial,unset,-apple-system,blinkmacsystemfont,apple color emoji,segoe ui emoji,segoe ui symbol,noto color emoji,arial,' +
    'arial black,arial narrow,arial unicode ms,helvetica,helvetica neue,verdana,tahoma,geneva,trebuchet ms,lucida sans,' +
    'lucida sans unicode,lucida grande,lucida console,segoe ui,calibri,candara,corbel,cambria,constantia,consolas,aptos,' +
    'franklin gothic medium,century gothic,gill sans,optima,futura,avenir,avenir next,impact,times,times new roman,georgia,' +
    'garamond,palatino,palatino linotype,book antiqua,baskerville,bookman old style,didot,courier,courier new,monaco,menlo,' +
    'sf pro text,sf pro display,sf mono,comic sans ms,brush script mt,symbol,wingdings,ubuntu,cantarell,oxygen,roboto,' +
    'roboto mono,roboto slab,open sans,lato,montserrat,inter,nunito,nunito sans,poppins,raleway,merriweather,playfair display,' +
    'source sans pro,source code pro,noto sans,noto serif,noto sans mono,pt sans,pt serif,fira sans,fira code,dejavu sans,' +
    'dejavu serif,dejavu sans mono,liberation sans,liberation serif,liberation mono,work sans,ms gothic,ms mincho,meiryo,' +
    'yu gothic,simsun,simhei,microsoft yahei,microsoft jhenghei,pingfang sc,pingfang tc,hiragino sans,malgun gothic',
  ',',
)

const units = set('px pt pc in cm mm q em rem ex ch vw vh vmin vmax fr deg s ms')
const colors = new StyleColors(new StyleBudget(), false)
const hex = /^#?(?:[\da-f]{3,4}|[\da-f]{6}|[\da-f]{8})$/i

export function isKeyword(word: string): boolean {
  const name = word.toLowerCase()
  return keywords.has(name) || colors.isColor(name)
}

export function isUnit(unit: string): boolean {
  return units.has(unit.toLowerCase())
}

export function isHexColor(text: string): boolean {
  return hex.test(text)
}

/** Returns the known fonts of a list such as `"Segoe UI", Arial`; empty if there are none. */
export function knownFonts(list: string): string {
  const names = list.split(',').map(name => name.trim().replaceAll(/^["']|["']$/g, ''))
  const known = names.filter(name => fonts.has(name.toLowerCase()))
  return known.map(name => (/^[\w-]+$/.test(name) ? name : `'${name}'`)).join(',')
}

const one = (list: string) => new RegExp(`^(?:${list})$`, 'i')
const languages = new Intl.DisplayNames(['en'], { type: 'language', fallback: 'none' })
const regions = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'none' })
/** Values of attributes that are words; a flag has none. */
const values: Readonly<Record<string, RegExp>> = {
  dir: one('ltr|rtl|auto'),
  role: one('presentation|none|article|heading|list|listitem|img|main|banner|contentinfo|separator|region'),
  'aria-hidden': one('true|false'),
  align: one('left|right|center|justify|char|top|middle|bottom|absmiddle|baseline|texttop'),
  valign: one('top|middle|bottom|baseline|center'),
  scope: one('row|col|rowgroup|colgroup'),
  type: one('[1ai]|disc|circle|square'),
  clear: one('all|left|right|none|both'),
  frame: one('void|above|below|hsides|lhs|rhs|vsides|box|border'),
  rules: one('none|groups|rows|cols|all'),
}
const flags = set('hidden open noshade reversed compact')
const dropped = set('title aria-label summary abbr datetime headers name usemap shape coords')
const colored = set('bgcolor color text link vlink alink')

/** @param value As allowed for any HTML. @returns What is sent of it; undefined to send nothing. */
export function outgoingValue(name: string, value: string): string | undefined {
  if (dropped.has(name)) return undefined
  if (flags.has(name)) return ''
  if (name === 'lang') return isLanguage(value) ? value : undefined
  if (name === 'face') return knownFonts(value) || undefined
  if (colored.has(name)) return isHexColor(value.trim()) || isKeyword(value.trim()) ? value : undefined
  return values[name]?.test(value.trim()) === false ? undefined : value
}

function isLanguage(tag: string): boolean {
  const [language = '', region = 'US', ...others] = tag.split('-')
  if (others.length > 0 || !/^[a-z]{2}$/i.test(language) || !/^[a-z]{2}$/i.test(region)) return false
  return languages.of(language) !== undefined && regions.of(region.toUpperCase()) !== undefined
}
