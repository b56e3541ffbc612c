/** Famous phrases are found whatever stands between their words, and finding them costs a start nothing. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { joinPhrases } from './known-phrases.ts'

test.each([
  ['Correct-Horse  Battery_Staple!', 'correcthorsebatterystaple!'],
  ['x To be, or not TO BE / let it be y', 'x tobeornottobe / letitbe y'],
  ['The quick brown fox, jumps over the lazy dog', 'thequickbrownfox, jumpsoverthelazydog'],
  // As the expression folds case: the long s and the Kelvin sign.
  ['let it be, yellow \u017fubmarine', 'letitbe, yellow\u017fubmarine'],
  ['correct horse battery staple', 'correcthorsebatterystaple'],
  // Separators within a word are not ignored.
  ['l-e-t i-t b-e', 'l-e-t i-t b-e'],
  ['Nothing of Them', 'Nothing of Them'],
  ['', ''],
])('%s', (text, expected) => {
  expect(joinPhrases(text)).toBe(expected)
})

test('loading them and looking at a text takes no expression of all of them', () => {
  const file = join(import.meta.dirname, 'known-phrases.ts')
  const program = `
    import { getHeapStatistics } from 'node:v8'
    const { joinPhrases } = await import(${JSON.stringify(file)})
    console.log(joinPhrases('let it be'), getHeapStatistics().peak_malloced_memory)`
  const [text, peak] = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  }).split(' ')
  expect(text).toBe('letitbe')
  // V8's memory beside the heap: 5 MiB, of them most for the types that are stripped; 26 with one expression for all.
  expect(Number(peak)).toBeLessThan(12 * 2 ** 20)
})
