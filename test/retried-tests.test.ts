/** A test that passes on retry is named at the end, and fails the run if that happened before. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { tempDir } from './support/temp-dir.ts'

const root = join(import.meta.dirname, '..')

const lucky = (name: string) => `let tries${name} = 0\ntest('${name} line', () => expect(++tries${name}).toBe(2))\n`

test('they are named and kept, and one that is kept already fails the run; what passes at once is neither', async () => {
  const { path, remove } = tempDir('retried')
  onTestFinished(remove)
  symlinkSync(join(root, 'node_modules'), join(path, 'node_modules'))
  const file = (name: string, text: string) => writeFileSync(join(path, name), text)
  const head = "import { expect, test } from 'vitest'\n"
  file('some.test.ts', `${head}${lucky('One')}${lucky('Two')}test('sure', () => expect(1).toBe(1))\n`)
  file('more.test.ts', `${head}test('sure', () => expect(1).toBe(1))\n`)
  file(
    'vitest.config.ts',
    `import { RetriedTests } from '${join(root, 'test/support/retried-tests.ts')}'
    const reporter = new RetriedTests('${join(path, 'record.txt')}', '${path}')
    export default { test: { retry: 1, reporters: ['default', reporter] } }`,
  )
  const run = async () => {
    const words = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--root', path]
    const child = execFile(process.execPath, words, { env: { PATH: process.env.PATH, HOME: process.env.HOME } })
    let said = ''
    child.stdout?.on('data', chunk => {
      said += chunk
    })
    const [code] = await once(child, 'close')
    return { code, said }
  }
  const first = await run()
  expect(first).toMatchObject({
    code: 0,
    said: expect.stringMatching(/second try.*\n {2}some.*One line\n {2}some.*Two/),
  })
  const kept = readFileSync(join(path, 'record.txt'), 'utf8')
  const names = ['some.test.ts > One line', 'some.test.ts > Two line']
  expect(kept.split('\n').filter(line => line && !line.startsWith('#'))).toEqual(names)

  file('record.txt', kept.replace(`${names[1]}\n`, ''))
  const second = await run()
  expect(second.code).toBe(1)
  expect(second.said).toMatch(/kept in record\.txt.*\n {2}some\.test\.ts > Two line\n/)
  expect(second.said).toMatch(/again \(record\.txt\): the run has failed\.\n {2}some\.test\.ts > One line\n/)
  expect(readFileSync(join(path, 'record.txt'), 'utf8')).toBe(kept)
})
