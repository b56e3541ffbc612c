/** What is easy to guess is refused with advice; what people and password managers make up is taken. */
import { expect, test } from 'vitest'
import { checkPasswordStrength } from './password-strength.ts'

const ann = ['ann.miller@example.com', 'Ann Miller']

test.each([
  'password1234',
  'P@ssw0rd1234',
  'qwertyuiop12',
  'aaaaaaaaaaaa',
  '123456789012',
  'abcabcabcabc',
  '1q2w3e4r5t6y',
  'rustymail123',
  'annmiller123',
  'ann.miller@example.com',
  'example.com1',
  'correcthorsebatterystaple',
  'correct horse battery staple',
  'Correct-Horse-Battery-Staple!',
  'CorrectHorseBatteryStaple2024!',
  'c0rrecth0rsebatterystaple',
  'thequickbrownfox',
  'The quick brown fox jumps over the lazy dog',
  'to be or not to be, that is the question',
  'tobeornottobe99',
  'maytheforcebewithyou',
  'May the Force be with you 1977',
  'ichliebedich',
  'Ich liebe dich 123',
  "je t'aime, mon amour",
  '1234ichliebedich!!',
  'ichliebedichichliebedich',
  '!QAZ2wsx#EDC',
  'plokmijnuhb1',
  // Hashed as password1234.
  'ｐａｓｓｗｏｒｄ１２３４',
])('%s is refused', async password => {
  const refused = { code: 'password_too_common', message: expect.stringContaining('four or more words') }
  await expect(checkPasswordStrength(password, ann)).rejects.toMatchObject(refused)
})

test.each([
  'a quiet place for letters',
  'four lamps and no horse',
  'k7#Vq9!mZx2w',
  'zinnober-kessel-mond',
  'ёлка весной и хлеб',
  // A famous phrase in it counts for little, and the rest for what it is.
  'may the force be with you k7#Vq9!mZx2w',
  'hello world of quiet green lamps',
])('%s is taken', async password => {
  await checkPasswordStrength(password, ann)
})

test('the longest that is allowed takes little of the processor', async () => {
  await checkPasswordStrength('x', ann).catch(() => undefined)
  const before = process.cpuUsage()
  const hard = Array.from({ length: 256 }, (_, index) => '4@8({[<3€69&#1!|0$5+72%'[index % 23]).join('')
  await checkPasswordStrength(hard, ann).catch(() => undefined)
  const { user, system } = process.cpuUsage(before)
  expect((user + system) / 1_000).toBeLessThan(1_000)
})
