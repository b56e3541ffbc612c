/** Checks URLs in a stranger's HTML: which links may be followed, and which pictures shown. */

/** Maximum length of a URL; longer ones are dropped. `data:` pictures are bounded by the message only. */
const maxUrl = 8_192
const linkSchemes = new Set(['http:', 'https:', 'mailto:', 'tel:'])
const writtenPicture = /^data:image\/(?:png|jpe?g|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]*$/i

/**
 * Accepts absolute URLs only: a relative one would lead to our own server.
 * @returns Undefined when the link may not be followed.
 */
export function linkUrl(value: string): string | undefined {
  const url = parse(value)
  return url && linkSchemes.has(url.protocol) ? url.href : undefined
}

export interface PictureRules {
  /** True when the reader requested remote pictures. */
  remote: boolean
  /** Maps the Content-ID of an embedded picture to its replacement; undefined when it may not be shown. */
  carry(contentId: string): string | undefined
}

/** @returns Undefined when the picture may not be shown. */
export function pictureUrl(value: string, { remote, carry }: PictureRules): string | undefined {
  const trimmed = value.trim()
  if (/^cid:/i.test(trimmed)) return carry(trimmed.slice(4))
  if (/^data:/i.test(trimmed)) return writtenPicture.test(trimmed) ? trimmed.replaceAll(/\s/g, '') : undefined
  if (!remote) return undefined
  const url = parse(trimmed)
  return url?.protocol === 'https:' || url?.protocol === 'http:' ? url.href : undefined
}

function parse(value: string): URL | undefined {
  if (value.length > maxUrl) return undefined
  const trimmed = value.trim()
  return URL.parse(/^[/\\]{2}/.test(trimmed) ? `https:${trimmed}` : trimmed) ?? undefined
}
