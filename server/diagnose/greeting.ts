/** Recognises what answers at a port by its first words. */

const looks: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/^\* (OK|PREAUTH|BYE)\b/i, 'an IMAP server'],
  [/^HTTP\/\d|^<(!doctype|html)/i, 'a web server (HTTP)'],
  [/^(\+OK|-ERR)\b/, 'a POP3 server'],
  [/^220[ -].*\bFTP\b/i, 'an FTP server'],
  [/^(220|421|554)[ -]/, 'an SMTP server'],
  [/^SSH-/, 'an SSH server'],
  [/^"IMPLEMENTATION"/i, 'a server for filters (ManageSieve)'],
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the records of TLS begin so
  [/^[\x15\x16]\x03/, 'a server that speaks TLS'],
]

/** Returns which kind of server begins like this; undefined if unknown. */
export function looksLike(text: string): string | undefined {
  return looks.find(([pattern]) => pattern.test(text))?.[1]
}

/** Returns the date in an SMTP greeting (RFC 5322), which Exim and others send. */
export function dateIn(greeting: string): Date | undefined {
  const written = /\b(\d{1,2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} (?:[+-]\d{4}|GMT|UTC))/.exec(greeting)?.[1]
  const time = Date.parse(written ?? '')
  return Number.isNaN(time) ? undefined : new Date(time)
}
