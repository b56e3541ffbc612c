/** What goes to the worker of two parts, and what is answered of them. */
import { expect, onTestFinished, test } from 'vitest'
import { partsReader } from '../../test/support/parts-reader.ts'
import { PartsReader } from './parts-reader.ts'
import { TextWorker } from './text-worker.ts'

const asker = { key: 'ann', signal: new AbortController().signal }

test('all HTML and long texts go to the worker; short texts, and what there is nothing to compare of, do not', async () => {
  let jobs = 0
  const reader = partsReader(() => jobs++)
  const jobsOf = async (work: () => Promise<unknown>) => {
    const before = jobs
    await work()
    return jobs - before
  }
  expect(await jobsOf(() => reader.read({ text: 'x'.repeat(64 * 1024), html: null }, asker))).toBe(0)
  expect(await jobsOf(() => reader.read({ text: 'x'.repeat(64 * 1024 + 1), html: null }, asker))).toBe(1)
  expect(await jobsOf(() => reader.read({ text: null, html: '<p>x' }, asker))).toBe(1)
  expect(await jobsOf(() => reader.read({ text: '<p>x', html: '' }, asker))).toBe(1)
  const text = 'Send the money to eve@evil.example.'
  expect(await reader.read({ text, html: '<p>Hello' }, asker)).toMatchObject({ differ: true })
  expect(await reader.read({ text, html: `<p>${text}` }, asker)).toMatchObject({ differ: false })
  expect(await reader.read({ text, html: '<img>' }, asker)).toMatchObject({ differ: true })
})

test('the real thread reads both parts', async () => {
  const worker = new TextWorker()
  onTestFinished(() => worker.stop())
  const reader = new PartsReader(worker)
  const text = 'Dear Ann,\nsend the money to eve@evil.example.'
  expect(await reader.read({ text, html: '<p>Yes.</p><blockquote type=cite>No?</blockquote>' }, asker)).toEqual({
    plain: text,
    shown: 'Yes.\n\n> No?',
    fresh: 'Yes.\n\n[1 lines of quotation left out]',
    readFrom: 'html_instead',
    differ: true,
    told: null,
  })
  const html = `<p>${text.replace('\n', '<br>')}`
  const same = { plain: text, shown: null, fresh: text, readFrom: 'text', differ: false, told: null }
  expect(await reader.read({ text, html }, asker)).toEqual(same)
})
