/** Writes what is not ASCII in the server's bundle as an escape: a source with one such character is kept in two bytes for each of all its characters. */
import type { Plugin } from 'vite'

/** V8 would keep Latin-1 in one byte, but Node hands it each source of more than a megabyte in two unless all of it is ASCII. */
const wideRe = /(\\*)([\u0080-\uffff])/g
/** There an escape would be six characters more. */
const rawRe = /String\.raw`[^`]*[\u0080-\uffff]/

/** @returns The same program; as it is where that would take more room. */
export function narrow(code: string): string {
  if (rawRe.test(code)) throw new Error('String.raw would show an escape: write what is not ASCII as one there')
  const narrowed = code.replaceAll(wideRe, (_, slashes: string, wide: string) => {
    const written = `u${wide.charCodeAt(0).toString(16).padStart(4, '0')}`
    // One that escaped it had said nothing else, and is that of the escape then.
    return slashes.length % 2 === 1 ? slashes + written : `${slashes}\\${written}`
  })
  return narrowed.length < 2 * code.length ? narrowed : code
}

/** Behind all that prints the program once more. */
export function narrowSources(): Plugin {
  return {
    name: 'narrow-sources',
    generateBundle(_, bundle) {
      for (const file of Object.values(bundle)) if (file.type === 'chunk') file.code = narrow(file.code)
    },
  }
}
