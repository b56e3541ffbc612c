/** Text of any characters, for properties. */
import fc from 'fast-check'

const surrogates = { first: 0xd800, count: 0x800 }
const character = fc
  .integer({ min: 0, max: 0x10ffff - surrogates.count })
  .map(n => (n < surrogates.first ? n : n + surrogates.count))

/**
 * As `fc.string({ unit: 'binary' })`, with the names that mean something to JavaScript among it. That one keeps a map of all the 1.1 million
 * characters, for which the first use of it in a process takes two seconds, and each later collection of its memory longer.
 */
export function anyText(maxLength: number): fc.Arbitrary<string> {
  const any = fc.array(character, { maxLength }).map(points => String.fromCodePoint(...points))
  return fc.oneof({ weight: 7, arbitrary: any }, { weight: 1, arbitrary: fc.string({ maxLength }) })
}
