/** Keeps the worst of translated English out of comments, names, texts and documents; CONTRIBUTING.md says what to write instead. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'vitest'

/** Each pattern with the words to write instead: a reader greps for the word that the field uses. */
const patterns: [RegExp, string][] = [
  [/\b(for|of|to|from|by|with|than) who\b/i, 'name the subject: "for callers that …", "requires X"'],
  [/\bwho is nobody\b/i, '"anonymous callers"'],
  [/\bnobody['’]s\b/i, '"anonymous", "not an error", "no-op"'],
  [/\banew\b/i, '"again"'],
  [/\bmend(s|ed|ing)?\b/i, '"fix", "repair"'],
  [/\bworth nothing any ?more\b/i, '"no longer valid"'],
  [/\btold to whom\b/i, '"visible to"'],
  [/\bit did not work\b/i, '"Failed: …"'],
  [/\bwhoever\b/i, '"the caller", "callers that …", "anyone who …"'],
  [/\b(?:holds?|takes? effect) at once\b/i, '"takes effect immediately"'],
  [/\b(?:is|are|be) out of date\b/i, '"stale"'],
  [/\bfor ever\b/i, '"forever"'],
  [/\boldest goes\b/i, '"the oldest is evicted", "closed", "ended"'],
  [/\bthr(?:ow|ows|ew|own) away\b/i, '"discard"'],
  [/(?:^|[^?] )Whom\b/, 'name the subject: "the users that …"'],
  [/(?:\/\*\*|\/\/|^\s*\*) (?:In a row|Told|Heard|So (?:many|few|long|soon))\b/, 'a noun phrase: "Messages per batch"'],
  [/(?:\/\*\*|\/\/|^\s*\*) Of\b/, 'name the subject: "Ids of …"'],
  [/\btold to (?:nobody|somebody|everybody)\b/i, '"published", "sent", "visible to"'],
  [/\bso (?:manieth|many of them)\b/i, '"every tenth", "messages per batch"'],
]
/** Files in which the words themselves appear. */
const exempt = ['CONTRIBUTING.md', 'test/words.test.ts']

test('no line says what the field has a word for', () => {
  const files = globSync(
    '{{contract,server,web,sandbox,bench,scripts,test,bin}/**/*.{ts,tsx,js,mjs},docs/**/*.md,*.md,*.ts}',
  )
  assert.ok(files.length > 500, 'the files were not found')
  const found = files
    .filter(file => !exempt.includes(file))
    .flatMap(file =>
      readFileSync(file, 'utf8')
        .split('\n')
        .flatMap((line, index) =>
          patterns
            .filter(([pattern]) => pattern.test(line))
            .map(([, better]) => `${file}:${index + 1} write ${better}: ${line.trim()}`),
        ),
    )
  assert.deepEqual(found, [])
})

test.each([
  'told to who holds the key',
  'for who may not see it',
  'Who is nobody is no client.',
  'it is read anew',
  'that mends it',
  "nobody's business",
  'Whoever asks is told.',
  '/** Whom it invited. */',
  'it waits for ever',
  'It holds at once.',
  'what is shown may be out of date',
  'Past it the oldest goes.',
  'the rest is thrown away',
  '// So long after a freeze nothing may leave.',
  '/** Told of a state is a moment after it can be read. */',
  'What is `sent` and was told to nobody.',
  'each so manieth request',
  '/** Of an account, that are not finished. */',
  ' * Of each caller the newest are kept.',
])('the check finds "%s"', line => assert.ok(patterns.some(([pattern]) => pattern.test(line))))

test.each([
  'for whom it is meant',
  'persons to whom the Software is furnished',
  'the user who asked',
  'amended',
  'recommend',
  'Nobody else has it.',
  'as told to the operator',
  'for as many of them as fit',
  '/** Ids of the accounts. Of these the first is the default. */',
  'Of the ten, two are left.',
])('the check leaves "%s" alone', line => assert.ok(!patterns.some(([pattern]) => pattern.test(line))))
