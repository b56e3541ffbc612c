/**
 * Escapes non-ASCII characters in the server's bundle: a source with one such character is kept at two bytes for each
 * of all its characters.
 */
import type { Plugin } from 'vite'

/**
 * V8 would keep Latin-1 in one byte, but Node passes it each source of more than a megabyte as two-byte unless all of
 * it is ASCII.
 */
const wideRe = /(\\*)([\u0080-\uffff])/g
/** In `String.raw` an escape would be six literal characters. */
const rawRe = /String\.raw`[^`]*[\u0080-\uffff]/

/** @returns The same program, unchanged if escaping would take more room. */
export function narrow(code: string): string {
  if (rawRe.test(code)) throw new Error('String.raw would show an escape: write what is not ASCII as one there')
  const narrowed = code.replaceAll(wideRe, (_, slashes: string, wide: string) => {
    const written = `u${wide.charCodeAt(0).toString(16).padStart(4, '0')}`
    // An odd number of backslashes means that the last one escaped the character; it becomes that of the escape.
    return slashes.length % 2 === 1 ? slashes + written : `${slashes}\\${written}`
  })
  return narrowed.length < 2 * code.length ? narrowed : code
}

/** Runs after every plugin that prints the program again. */
export function narrowSources(): Plugin {
  return {
    name: 'narrow-sources',
    generateBundle(_, bundle) {
      for (const file of Object.values(bundle)) if (file.type === 'chunk') file.code = narrow(file.code)
    },
  }
}
