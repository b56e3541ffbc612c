/** Addresses in a stranger's HTML: which links may be followed, and which pictures may be shown. */

/** Longer addresses are dropped; those of pictures written into them (`data:`) are as long as the message allows. */
const maxUrl = 8_192
const linkSchemes = new Set(['http:', 'https:', 'mailto:', 'tel:'])
const writtenPicture = /^data:image\/(?:png|jpe?g|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]*$/i

/**
 * Only whole addresses: a relative one would lead to our own server, as an address of the page.
 * @returns Undefined when the link may not be followed.
 */
export function linkUrl(value: string): string | undefined {
  const url = parse(value)
  return url && linkSchemes.has(url.protocol) ? url.href : undefined
}

export interface PictureRules {
  /** Whether the reader asked for pictures from outside. */
  remote: boolean
  /** Takes the Content-ID of a picture that the message carries; answers what stands for it, or undefined where it may not be shown. */
  carry(contentId: string): string | undefined
}

/** @returns Undefined when there is nothing that may be shown. */
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
