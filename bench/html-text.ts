/** HTML of mails as text for models: the sandbox's newsletters, and mails that are made to cost. The peer is parse5 alone, which builds the tree. */
import { parse } from 'parse5'
import { newsletters } from '../sandbox/seed-newsletters.ts'
import { Random } from '../sandbox/seed-random.ts'
import { htmlText } from '../server/reading/html-text.ts'
import { median, round } from './measure.ts'

const mebibyte = 2 ** 20
const rounds = 15

const fill = (unit: string, begin = '', length = mebibyte) => begin + unit.repeat((length - begin.length) / unit.length)
const numbered = (make: (index: number) => string, length: number) => {
  const parts: string[] = []
  for (let index = 0, size = 0; size < length; index++) {
    const part = make(index)
    size += part.length
    parts.push(part)
  }
  return parts.join('')
}

const hostile: [string, string][] = [
  ['256 KiB of sheet, and classes', classes(index => `.c${index % 5000}{color:red}`, 'c1 c2 c3 c4 c5 c6 c7 c8')],
  ['one class in all rules', classes(index => `.a.b${index}{color:red}`, 'a')],
  [
    'descendants of descendants',
    fill('<p class=a>x</p>', `<style>${fill('.a * * * .a{color:red}', '', 200_000)}</style>${'<div>'.repeat(200)}`),
  ],
  ['siblings', fill('<p>x</p>', '<style>p ~ p ~ p ~ i, p:nth-last-child(3n){color:red}</style>')],
  [
    'variables in variables',
    fill(
      '<p style="color:var(--a)">x</p>',
      `<style>:root{${numbered(i => `--${'abcdefghijklmnopqrst'[i] ?? 'z'}:var(--${'bcdefghijklmnopqrstu'[i] ?? 'z'}) var(--${'bcdefghijklmnopqrstu'[i] ?? 'z'});`, 600)}}</style>`,
    ),
  ],
  ['calculations', numbered(index => `<p style="opacity:calc(${index} * (1 - 1))">x</p>`, mebibyte)],
  [
    'colours',
    numbered(index => `<p style="color:rgb(${index % 255} ${index % 251} 1 / ${index % 99}%)">x</p>`, mebibyte),
  ],
  ['open tags', fill('<a ')],
  ['elements in elements', fill('<b>')],
  ['formatting that never ends', numbered(index => `<b id=${index}><p>`, mebibyte)],
]

function classes(rule: (index: number) => string, names: string): string {
  const begin = `<style>${numbered(rule, 250_000)}</style>`
  return fill(`<p class="${names}">x</p>`, begin)
}

export async function htmlTextCost(): Promise<object> {
  const letters = newsletters(new Random(7), new Date('2026-11-01')).flatMap(({ mail }) =>
    'html' in mail && typeof mail.html === 'string' ? [mail.html] : [],
  )
  const ordinary: [string, string][] = [['all newsletters of the sandbox', letters.join('\0')]]
  const all = [...ordinary, ...hostile].map(([what, html]) => {
    const work = what === ordinary[0]![0] ? letters : [html]
    const [ours, peer]: number[][] = [[], []]
    let text = ''
    for (let turn = 0; turn < (work.length > 1 ? rounds : 3); turn++) {
      ours!.push(
        cpuOf(() => {
          for (const one of work) text = htmlText(one)
        }),
      )
      peer!.push(
        cpuOf(() => {
          for (const one of work) parse(one)
        }),
      )
    }
    return {
      what,
      mails: work.length,
      cpu_ms: round(median(ours!)),
      parse5_alone_ms: round(median(peer!)),
      characters: text.length,
    }
  })
  return { what: 'processor time of one thread, median', inputs: all }
}

function cpuOf(work: () => void): number {
  const before = process.threadCpuUsage()
  work()
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1000
}
