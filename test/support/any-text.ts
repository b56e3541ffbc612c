/** Arbitrary text for property tests. */
import fc from 'fast-check'

const surrogates = { first: 0xd800, count: 0x800 }
const character = fc
  .integer({ min: 0, max: 0x10ffff - surrogates.count })
  .map(n => (n < surrogates.first ? n : n + surrogates.count))

/**
 * Generates text like `fc.string({ unit: 'binary' })`, mixed with names that are special to JavaScript. That arbitrary
 * builds a map of all 1.1 million code points, whose first use in a process takes two seconds and slows each later
 * garbage collection.
 */
export function anyText(maxLength: number): fc.Arbitrary<string> {
  const any = fc.array(character, { maxLength }).map(points => String.fromCodePoint(...points))
  return fc.oneof({ weight: 7, arbitrary: any }, { weight: 1, arbitrary: fc.string({ maxLength }) })
}
