/**
 * HTML mails as text for models, on the real text worker: the sandbox's newsletters, and expensive mails of 1 MiB. For
 * each, what the caller gets, the CPU time of a job, and the peak heap of its thread. The peer is parse5 alone, which
 * builds the tree, and only for newsletters: it has no bounds, and did not finish 64 KiB of `<b id=1><p><b id=2><p>…`
 * in 60 s.
 */
import type { Worker } from 'node:worker_threads'
import { parse } from 'parse5'
import { newsletters } from '../sandbox/seed-newsletters.ts'
import { Random } from '../sandbox/seed-random.ts'
import { TextWorker, type TextWorkerOptions } from '../server/reading/text-worker.ts'
import { median, round } from './measure.ts'

const mebibyte = 2 ** 20
const warmRounds = 20
const rounds = { newsletters: 40, hostile: 3 }
const sampleMs = 10

const numbered = (make: (index: number) => string, length: number) => {
  const parts: string[] = []
  for (let index = 0, size = 0; size < length; index++) {
    const part = make(index)
    size += part.length
    parts.push(part)
  }
  return parts.join('')
}
const fill = (unit: string, begin = '', length = mebibyte) => begin + unit.repeat((length - begin.length) / unit.length)
const classes = (rule: (index: number) => string, names: string) =>
  fill(`<p class="${names}">x</p>`, `<style>${numbered(rule, 250_000)}</style>`)
const variables = numbered(index => `--${index}:var(--${index + 1}) var(--${index + 1});`, 600)

/** Builders, so that only one document is in memory. */
const hostile: [what: string, make: () => string][] = [
  ['250 KB of sheet, and classes', () => classes(index => `.c${index % 5000}{color:red}`, 'c1 c2 c3 c4 c5 c6 c7 c8')],
  ['one class in all rules', () => classes(index => `.a.b${index}{color:red}`, 'a')],
  [
    'descendants of descendants',
    () =>
      fill('<p class=a>x</p>', `<style>${fill('.a * * * .a{color:red}', '', 200_000)}</style>${'<div>'.repeat(200)}`),
  ],
  ['siblings', () => fill('<p>x</p>', '<style>p ~ p ~ p ~ i, p:nth-last-child(3n){color:red}</style>')],
  ['variables in variables', () => fill('<p style="color:var(--0)">x</p>', `<style>:root{${variables}}</style>`)],
  ['calculations', () => numbered(index => `<p style="opacity:calc(${index} * (1 - 1))">x</p>`, mebibyte)],
  [
    'colours',
    () => numbered(index => `<p style="color:rgb(${index % 255} ${index % 251} 1 / ${index % 99}%)">x</p>`, mebibyte),
  ],
  ['paragraphs', () => fill('<p>x')],
  ['links', () => fill('<a href=//b>c<br>')],
  ['open tags', () => fill('<a ')],
  ['attributes', () => fill('<b a b c d e f g h>x</b>')],
  ['elements in elements', () => fill('<b>')],
  ['formatting that never ends', () => numbered(index => `<b id=${index}><p>`, mebibyte)],
]

export async function htmlTextCost(): Promise<object> {
  const letters = newsletters(new Random(7), new Date('2026-11-01')).flatMap(({ mail }) =>
    'html' in mail && typeof mail.html === 'string' ? [mail.html] : [],
  )
  return {
    what: 'HTML as text on the text worker: 5 s and 192 MiB of heap a job',
    newsletters: await measureNewsletters(letters),
    hostile: await measureHostile(),
  }
}

async function measureNewsletters(letters: string[]): Promise<object> {
  const readers = readersOn({})
  const [ours, peer]: [number[], number[]] = [[], []]
  let first = 0
  try {
    for (let turn = 0; turn < warmRounds + rounds.newsletters; turn++) {
      const began = process.cpuUsage()
      for (const html of letters) await readers.read(html)
      const spent = spentSince(began)
      const peerBegan = process.cpuUsage()
      for (const html of letters) parse(html)
      if (turn === 0) first = spent
      if (turn < warmRounds) continue
      ours.push(spent)
      peer.push(spentSince(peerBegan))
    }
  } finally {
    await readers.stop()
  }
  const characters = letters.reduce((sum, { length }) => sum + length, 0)
  return {
    what: 'all newsletters of the sandbox, one job each; processor time of the process, messages to the thread included',
    mails: letters.length,
    characters,
    processor_ms: round(median(ours)),
    processor_ms_first: round(first),
    parse5_alone_ms: round(median(peer)),
  }
}

async function measureHostile(): Promise<object[]> {
  const measured: object[] = []
  for (const [what, make] of hostile) {
    const html = make()
    const times: number[] = []
    const outcomes = new Set<string>()
    let most = 0
    for (let turn = 0; turn < rounds.hostile; turn++) {
      // A new thread each, since a used one holds garbage of the job before.
      const readers = readersOn({})
      await readers.read('<p>x</p>')
      const began = process.cpuUsage()
      outcomes.add(await readers.read(html))
      times.push(spentSince(began))
      most = Math.max(most, readers.mostHeap())
      await readers.stop()
    }
    measured.push({
      what,
      outcomes: [...outcomes],
      processor_ms: round(median(times)),
      heap_mib_most: Math.round(most),
    })
    console.error(JSON.stringify(measured.at(-1)))
  }
  return measured
}

/** Creates a worker that returns what the caller would get, and whose heap is sampled while it works. */
function readersOn(options: TextWorkerOptions) {
  const worker = new TextWorker({ threads: 1, ...options })
  const threads: Worker[] = []
  const collect = (thread: Worker) => void threads.push(thread)
  process.on('worker', collect)
  let most = 0
  const look = async () => {
    const { used_heap_size: used } = (await threads.at(-1)?.getHeapStatistics()) ?? { used_heap_size: 0 }
    most = Math.max(most, used / mebibyte)
  }
  // A terminated worker has no heap to sample.
  const timer = setInterval(() => void look().catch(() => undefined), sampleMs)
  return {
    read: (html: string) =>
      worker.run('readParts', { text: null, html }, { key: 'bench' }).then(
        ({ shown }) => (shown?.includes('cut here') ? 'text, cut' : 'text'),
        (error: Error) => error.message,
      ),
    mostHeap: () => most,
    stop: async () => {
      clearInterval(timer)
      process.off('worker', collect)
      await worker.stop()
    },
  }
}

function spentSince(began: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(began)
  return (user + system) / 1000
}
