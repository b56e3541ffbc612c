/** Decodes a stranger's bytes to Unicode: by the declared charset if it is known and plausible, else by detection. */

/** Charset names in mail that the WHATWG Encoding Standard lacks, without punctuation. */
const aliases: ReadonlyMap<string, string> = new Map(
  Object.entries({
    utf8mb4: 'utf-8',
    utf8mb3: 'utf-8',
    unicode: 'utf-16',
    ucs2: 'utf-16',
    iso10646ucs2: 'utf-16',
    unicode11utf7: 'utf-7',
    xunicode20utf7: 'utf-7',
    csunicode11utf7: 'utf-7',
    latin1: 'windows-1252',
    isoir100: 'windows-1252',
    ksc56011987: 'euc-kr',
    ksc56011989: 'euc-kr',
    ksc5601: 'euc-kr',
    uhc: 'euc-kr',
    cp949: 'euc-kr',
    xwindows949: 'euc-kr',
    ms949: 'euc-kr',
    gb231280: 'gbk',
    euccn: 'gbk',
    cngb: 'gbk',
    cp936: 'gbk',
    ms936: 'gbk',
    windows936: 'gbk',
    cp932: 'shift_jis',
    mskanji: 'shift_jis',
    xmscp932: 'shift_jis',
    xsjiscp932: 'shift_jis',
    cp51932: 'euc-jp',
    eucjpms: 'euc-jp',
    ujis: 'euc-jp',
    cp950: 'big5',
    big5eten: 'big5',
    cp874: 'windows-874',
    macroman: 'macintosh',
    maccyrillic: 'x-mac-cyrillic',
    hebrew: 'iso-8859-8',
    hzgb2312: 'hz',
    hz: 'hz',
    hzgb: 'hz',
    iso2022kr: 'iso-2022-kr',
    csiso2022kr: 'iso-2022-kr',
  }),
)
/** Names that declare nothing: unknown charsets, and 7-bit text. */
const saysNothing =
  /^(?:|(?:us)?ascii|ansix341968|ansix341986|iso646(?:us|irv.*)?|csascii|cp367|ibm367|us|8bit|7bit|binary|unknown(?:8bit)?|xunknown|default(?:charset)?|charset|none|null|undefined|iso8859|xuserdefined)$/

/** Decodes text. @param charset As declared by the part; null when it declares none. */
export async function decodeText(bytes: Uint8Array, charset: string | null): Promise<string> {
  const name = nameOf(charset ?? '')
  if (saysNothing.test(name)) return guess(bytes)
  if (/^utf8/.test(name) || aliases.get(name) === 'utf-8') return utf8(bytes)
  const text = (await decodeAs(bytes, name, charset ?? '')) ?? guess(bytes)
  return text.toWellFormed()
}

/** Decodes HTML, which may declare its charset in a `<meta>` (HTML Standard, section 13.2.3.2, simplified). */
export async function decodeHtml(bytes: Uint8Array, charset: string | null): Promise<string> {
  if (!saysNothing.test(nameOf(charset ?? '')) && (await isKnown(charset ?? ''))) return decodeText(bytes, charset)
  const head = Buffer.from(bytes.subarray(0, 2048)).toString('latin1')
  const [, said] = /<meta\b[^>]{0,300}?charset\s{0,10}=\s{0,10}["']?\s{0,10}([\w.:-]{2,40})/i.exec(head) ?? []
  // A UTF-16 document could not have been read this way.
  return decodeText(bytes, said === undefined || /^utf-?16/i.test(said) ? null : said)
}

function nameOf(charset: string): string {
  return charset.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
}

async function isKnown(charset: string): Promise<boolean> {
  return (await decodeAs(new Uint8Array(), nameOf(charset), charset)) !== undefined
}

/** Undefined for an unknown charset. */
async function decodeAs(bytes: Uint8Array, name: string, charset: string): Promise<string | undefined> {
  const label = aliases.get(name) ?? charset.trim().replaceAll(/^["']|["']$/g, '')
  if (/^utf-?16$/i.test(label)) return utf16(bytes)
  if (label === 'hz') return simple('gbk')?.decode(fromHz(bytes))
  if (label === 'iso-2022-kr') return simple('euc-kr')?.decode(from2022Kr(bytes))
  if (/^iso2022jp|^cp5022[012]|^jis$/.test(name)) return simple('iso-2022-jp')?.decode(bytes)
  const decoder = simple(label) ?? simple(name.replace(/^x(?=mac)/, 'x-mac-')) ?? simple(spelled(name))
  if (decoder) return decoder.decode(bytes)
  // DOS, Macintosh and other tables, loaded on first use.
  const { default: iconv } = await import('iconv-lite')
  const known = [label, name.replace(/^x(?=mac|cp|viscii)/, '')].find(each => iconv.encodingExists(each))
  return known === undefined ? undefined : iconv.decode(Buffer.from(bytes), known)
}

/** Normalises `iso88591`, `windows1252`, `win1251`, `cp1250` to the standard's spelling. */
function spelled(name: string): string {
  const [, number] = /^(?:windows|win|cp|ms|xcp)(125\d)$/.exec(name) ?? []
  if (number !== undefined) return `windows-${number}`
  return name.replace(
    /^iso8859(\d{1,2})(e|i)?$/,
    (_, part: string, kind = '') => `iso-8859-${part}${kind && `-${kind}`}`,
  )
}

function simple(label: string): InstanceType<typeof TextDecoder> | undefined {
  try {
    return new TextDecoder(label)
  } catch {
    return undefined
  }
}

/** Text declared as UTF-8 without any multi-byte sequence is mislabelled. */
function utf8(bytes: Uint8Array): string {
  return isUtf8(bytes) || hasUtf8(bytes) ? new TextDecoder().decode(bytes) : western(bytes)
}

function guess(bytes: Uint8Array): string {
  const isJis = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes('\u001b$')
  if (isJis && !bytes.some(byte => byte > 0x7f)) return new TextDecoder('iso-2022-jp').decode(bytes)
  return isUtf8(bytes) ? new TextDecoder().decode(bytes) : western(bytes)
}

function western(bytes: Uint8Array): string {
  return new TextDecoder('windows-1252').decode(bytes)
}

/** A character cut off at the end is accepted if the text has other multi-byte characters. */
function isUtf8(bytes: Uint8Array): boolean {
  return isValid(bytes, false) || (isValid(bytes, true) && hasUtf8(bytes))
}

function isValid(bytes: Uint8Array, stream: boolean): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream })
    return true
  } catch {
    return false
  }
}

/** True when the bytes contain a multi-byte character. */
function hasUtf8(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length - 1; at++) {
    const byte = bytes[at]!
    const more = byte >= 0xf0 && byte < 0xf5 ? 3 : byte >= 0xe0 ? 2 : byte >= 0xc2 ? 1 : 0
    if (more === 0 || byte >= 0xf5) continue
    const rest = bytes.subarray(at + 1, at + 1 + more)
    if (rest.length === more && rest.every(next => next >> 6 === 2)) return true
  }
  return false
}

/** Decodes by byte order mark, or else by the positions of zero bytes. */
function utf16(bytes: Uint8Array): string {
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes)
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes)
  const zeros = [0, 0]
  for (const [at, byte] of bytes.subarray(0, 1024).entries()) if (byte === 0) zeros[at % 2]!++
  return new TextDecoder(zeros[0]! >= zeros[1]! ? 'utf-16be' : 'utf-16le').decode(bytes)
}

/** Decodes HZ (RFC 1843): between `~{` and `~}` are GB 2312 characters without their eighth bits. */
function fromHz(bytes: Uint8Array): Uint8Array {
  const [tilde, open, close, lf] = [0x7e, 0x7b, 0x7d, 0x0a]
  const out: number[] = []
  let isChinese = false
  for (let at = 0; at < bytes.length; at++) {
    const [byte, next] = [bytes[at]!, bytes[at + 1]]
    if (byte === tilde && next === open) [isChinese, at] = [true, at + 1]
    else if (byte === tilde && next === close) [isChinese, at] = [false, at + 1]
    else if (byte === tilde && (next === tilde || next === lf)) {
      if (next === tilde) out.push(tilde)
      at++
    } else {
      if (byte === lf) isChinese = false
      out.push(isChinese ? byte | 0x80 : byte)
    }
  }
  return Uint8Array.from(out)
}

/**
 * Decodes ISO-2022-KR (RFC 1557): between SO and SI are KS X 1001 characters without their eighth bits; the designator
 * is skipped.
 */
function from2022Kr(bytes: Uint8Array): Uint8Array {
  const [esc, so, si] = [0x1b, 0x0e, 0x0f]
  const out: number[] = []
  let isKorean = false
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!
    if (byte === esc && bytes[at + 1] === 0x24) at += 3
    else if (byte === so || byte === si) isKorean = byte === so
    else out.push(isKorean && byte > 0x20 ? byte | 0x80 : byte)
  }
  return Uint8Array.from(out)
}
