/**
 * Synthetic mail for the index: sentences of the documents in this repository and node_modules, with generated names,
 * numbers and links.
 */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Random } from '../sandbox/seed-random.ts'

export interface CorpusMessage {
  subject: string
  from: { name: string; email: string }
  to: { name: string; email: string }[]
  names: string[]
  date: number
  sizeBytes: number
  body: string
}

const root = join(import.meta.dirname, '..')
const syllables = 'an ber cor da el fin gar ho in jo ka lu mar ne os pe qui ra sol ta ur vi wen xa yo zi'.split(' ')
const japanese =
  '会議の資料を送ります。明日の東京での打ち合わせは三時からです。請求書を確認してください。新しい製品について'
const chinese = '请查收附件中的报告。明天下午三点在北京开会。我们的新产品已经发布。谢谢您的支持和合作'

/** Returns sentences of prose; code and tables are left out. */
export function sentences(): string[] {
  const files = globSync(
    ['docs/**/*.md', 'node_modules/*/{README,CHANGELOG,History}.md', 'node_modules/@*/*/README.md'],
    {
      cwd: root,
    },
  ).sort()
  const all = new Set<string>()
  for (const file of files) {
    const text = readFileSync(join(root, file), 'utf8').replaceAll(/```[\s\S]*?```/g, '')
    for (const line of text.split(/\n\s*\n|(?<=[.!?])\s+/)) {
      const words = line.replaceAll(/\s+/g, ' ').trim()
      if (words.length >= 20 && words.length <= 300 && !words.includes('|')) all.add(words)
    }
  }
  return [...all]
}

/**
 * `usual` has some 1,300 bytes of text per message, `short` some 550. `made_up` is as long as `short`, from 4,000
 * meaningless words, from 500 people to one, within two years.
 */
export type MailKind = 'usual' | 'short' | 'made_up'

/** Mean and standard deviation of the logarithm of their lengths. */
const lengths: Record<'usual' | 'short', readonly [number, number]> = { usual: [6.4, 1.1], short: [5.9, 0.6] }

/** Generates the same messages for the same seed. */
export function* corpus(count: number, kind: MailKind = 'usual', seed = 12): Generator<CorpusMessage> {
  if (kind === 'made_up') return yield* madeUp(count, seed)
  const [mean, spread] = lengths[kind]
  const random = new Random(seed)
  const known = sentences()
  const sentence = () => pick(known)
  const pick = (all: readonly string[]) => all[whole(all.length)]!
  const whole = (most: number) => Math.floor(random.next() * most)
  const name = () => {
    const word = Array.from({ length: 2 + whole(2) }, () => pick(syllables)).join('')
    return word[0]!.toUpperCase() + word.slice(1)
  }
  const people = Array.from({ length: 2_000 }, () => {
    const [first, last] = [name(), name()]
    return { name: `${first} ${last}`, email: `${first}.${last}@${name()}.example`.toLowerCase() }
  })
  /** Few people write most of the mail. */
  const person = () => people[Math.floor(people.length * random.next() ** 3)]!
  let date = Date.UTC(2010, 0, 1)
  // Spreads any number of messages over about 16 years.
  const mostBetween = Math.min(9_000_000, 1e12 / count)
  for (let number = 0; number < count; number++) {
    date += 1000 + whole(mostBetween)
    const length = Math.min(40_000, Math.exp(mean + spread * normal(random)))
    const lines: string[] = [`Hi ${person().name.split(' ')[0]},`, '']
    let size = 0
    while (size < length) {
      const line =
        number % 25 === 0
          ? pick([japanese, chinese]).slice(whole(20))
          : random.next() < 0.06
            ? `https://${name().toLowerCase()}.example/${whole(1e9).toString(36)} order ${whole(1e7)}`
            : sentence()
      lines.push(line)
      size += line.length + 1
    }
    const from = person()
    lines.push('', 'Best regards', from.name, from.email)
    yield {
      subject: `${random.next() < 0.4 ? 'Re: ' : ''}${sentence().slice(0, 20 + whole(50))}`,
      from,
      to: Array.from({ length: 1 + whole(3) }, person),
      names: random.next() < 0.15 ? [`${name()}-${whole(100)}.pdf`] : [],
      date,
      sizeBytes: size + 2_000,
      body: lines.join('\n'),
    }
  }
}

/** Generates text in which few words are most of it. */
function* madeUp(count: number, seed: number): Generator<CorpusMessage> {
  const random = new Random(seed)
  const whole = (most: number) => Math.floor(random.next() * most)
  const word = (parts: number) => Array.from({ length: parts }, () => syllables[whole(syllables.length)]).join('')
  const words = [...new Set(Array.from({ length: 4_000 }, () => word(2 + whole(3))))]
  // A word's frequency is proportional to 1 / (5 + its number).
  const most = Math.log((words.length + 5) / 5)
  const text = (length: number) =>
    Array.from(
      { length },
      () => words[Math.min(words.length - 1, Math.floor(5 * Math.exp(random.next() * most) - 5))],
    ).join(' ')
  const people = Array.from({ length: 500 }, (_, number) => {
    return { name: `${word(2)} ${word(3)}`, email: `p${number}@example${number % 40}.net` }
  })
  for (let number = 0; number < count; number++) {
    const body = Array.from({ length: 1 + whole(3) }, () => text(15 + whole(46))).join('\n\n')
    yield {
      subject: text(2 + whole(6)),
      from: people[whole(people.length)]!,
      to: [{ name: 'Big Box', email: 'big@example.org' }],
      names: number % 100 === 0 ? [`file${number}.pdf`] : [],
      date: Date.UTC(2023, 10, 14) + number * Math.min(600_000, 6e10 / count),
      sizeBytes: body.length + 500,
      body,
    }
  }
}

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next())
}
