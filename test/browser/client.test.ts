/** `rustymail/client` in Chromium: a module in a blank page of another origin that RUSTYMAIL_ALLOWED_ORIGINS names. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { launchBrowser } from '../support/browser.ts'
import { builtClient } from '../support/built-client.ts'
import { clientOutcome } from '../support/client-outcome.ts'
import { available } from '../support/require.ts'
import { apiKey, startHere } from '../support/rustymail.ts'

const scenarioFile = join(import.meta.dirname, '../support/client-scenario.js')

/** Serves a blank page with the two modules beside it. */
async function startPage(modules: Record<string, string>): Promise<string> {
  const server = createServer((request, response) => {
    const module = modules[request.url ?? '']
    response.writeHead(200, { 'content-type': module === undefined ? 'text/html' : 'text/javascript' })
    response.end(module ?? '<!doctype html><title>A page of others</title>')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close().closeAllConnections())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe.skipIf(!available('chromium'))('in Chromium', () => {
  test('a page of a named origin calls, pages, is refused and listens; nothing but the token says who it is', async () => {
    const built = await builtClient()
    onTestFinished(() => built.remove())
    const modules = {
      '/client.js': readFileSync(built.module, 'utf8'),
      '/scenario.js': readFileSync(scenarioFile, 'utf8'),
    }
    const origin = await startPage(modules)
    const served = await startHere({ args: ['--demo'], environment: { RUSTYMAIL_ALLOWED_ORIGINS: origin } })
    const browser = await launchBrowser()
    onTestFinished(() => browser.close())
    const page = await browser.newPage()
    await page.goto(origin)
    // As text, since Vitest would rewrite the imports of a function.
    const outcome = await page.evaluate(`(async () => {
      const { createClient, ProblemError } = await import('/client.js')
      const { scenario } = await import('/scenario.js')
      return scenario({ createClient, ProblemError, url: '${served.url}', token: '${apiKey}' })
    })()`)
    expect(outcome).toEqual(clientOutcome)
  })
})
