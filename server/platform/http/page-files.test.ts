/** The page is served at every address of its own, in the encoding that is asked for, and without a word on stderr. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { createLogger } from '../logger.ts'
import { createHttpServer } from './http-setup.ts'
import { servePage } from './page-files.ts'

const page = '<!doctype html><title>The page</title>'

async function servedPage(): Promise<string> {
  const dir = tempDir('page')
  onTestFinished(() => dir.remove())
  mkdirSync(join(dir.path, 'assets'))
  for (const file of ['index.html', 'assets/app-1.js']) {
    writeFileSync(join(dir.path, file), page)
    writeFileSync(join(dir.path, `${file}.gz`), gzipSync(page))
    writeFileSync(join(dir.path, `${file}.br`), brotliCompressSync(page))
  }
  const http = createHttpServer({
    logger: createLogger('silent'),
    authenticate: () => undefined,
    observe: () => undefined,
    origins: { publicUrl: undefined, allowed: [], isHttps: false },
    trustedProxies: [],
  })
  servePage(http, dir.path)
  onTestFinished(() => http.fastify.close())
  return http.fastify.listen({ host: '127.0.0.1', port: 0 })
}

test('the page and its files come whole, as often as they are asked for, and Node warns of nothing', async () => {
  const warnings: string[] = []
  const note = (warning: Error) => void warnings.push(warning.message)
  process.on('warning', note)
  onTestFinished(() => void process.off('warning', note))
  const url = await servedPage()
  for (const encoding of ['identity', 'gzip', 'br', 'gzip, br']) {
    const headers = { accept: 'text/html', 'accept-encoding': encoding }
    for (const path of ['/', '/users', '/accounts/one?tab=2', '/assets/app-1.js']) {
      const answer = await fetch(url + path, { headers })
      expect(answer.status, path).toBe(200)
      expect(await answer.text()).toBe(page)
    }
  }
  expect((await fetch(`${url}/users`, { headers: { accept: 'application/json' } })).status).toBe(404)
  expect((await fetch(`${url}/api/none`, { headers: { accept: 'text/html' } })).status).toBe(404)
  expect(warnings).toEqual([])
})

test('a Range is ignored, and HEAD answers where GET does', async () => {
  const url = await servedPage()
  for (const path of ['/', '/users', '/assets/app-1.js']) {
    for (const range of ['bytes=0-3', 'bytes=999999-', 'bytes=3-1', 'lines=1-2']) {
      const answer = await fetch(url + path, { headers: { accept: 'text/html', range } })
      expect([path, answer.status, answer.headers.get('content-range')]).toEqual([path, 200, null])
      expect(answer.headers.get('accept-ranges')).not.toBe('bytes')
      expect(await answer.text()).toBe(page)
    }
    const head = await fetch(url + path, { method: 'HEAD', headers: { accept: 'text/html' } })
    expect([path, head.status, await head.text()]).toEqual([path, 200, ''])
  }
})
