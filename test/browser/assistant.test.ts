/** The assistant on its page and beside others, against the real server, real mail and providers on loopback that speak the wire format of OpenAI. */
import { readFileSync } from 'node:fs'
import type { Browser, Page } from 'playwright-core'
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { expectAccessible, expectNothingClipped, keepPicture, setScheme, visit } from '../support/browser.ts'
import { startBrowserDemo } from '../support/browser-demo.ts'
import { ModelStandIn, type Play } from '../support/model-stand-in.ts'
import { calls, findsAndMoves, messagesIn, questionIn, says, stepIn } from '../support/played-models.ts'
import { available } from '../support/require.ts'
import type { Served } from '../support/rustymail.ts'
import type { SignedIn } from '../support/signed-in.ts'
import { startRelay } from '../support/tcp-relay.ts'

const markdown = `## What I found

Two **open** questions of _Ada_, <b>as text</b>:

1. the offer, see [the thread](/mail?account=a)
2. [the price](https://evil.example/?q=secret)

| day | requests |
|-----|---------:|
| Mon | 12 |

\`\`\`sh
curl -s localhost
\`\`\`

![pixel](https://evil.example/p.png)
`

describe.skipIf(!available('chromium'))('in Chromium', () => {
  let browser: Browser
  let storageState: SignedIn
  let run: Served
  let first: ModelStandIn
  let second: ModelStandIn
  let dead: string

  beforeAll(async () => {
    const demo = await startBrowserDemo()
    ;({ browser, storageState, run } = demo)
    first = await ModelStandIn.start('openai')
    second = await ModelStandIn.start('openai', { does: 'answer', pieces: ['From the ', 'second.'] })
    const gone = await ModelStandIn.start('openai')
    const goneUrl = gone.url
    await gone.close()
    const add = async (name: string, base_url: string, price: number | null) => {
      const body = {
        kind: 'openai_compatible',
        name,
        base_url,
        model: `${name}-1`,
        mail: 'text',
        price_input: price,
        price_output: price,
      } as const
      return (await run.call(api.assistantSettings.createProvider, { body })).id
    }
    await add('first', first.url, 100)
    await add('second', second.url, null)
    dead = await add('dead', goneUrl, null)
    return async () => {
      await Promise.all([first.close(), second.close()])
      await demo.stop()
    }
  })
  beforeEach(() => first.behave({ does: 'answer', pieces: ['An ', 'answer.'] }))

  const plays = (script: Play) => first.behave({ does: 'play', script })
  const open = async (path: string, look = {}) => {
    const visited = await visit(browser, run.url + path, { ...look, storageState })
    await visited.page.locator('#content h1').first().waitFor()
    return visited
  }
  const question = (page: Page) => page.getByRole('textbox', { name: 'Your question' })
  const ask = async (page: Page, words: string) => {
    await question(page).fill(words)
    await page.keyboard.press('Enter')
  }
  /** What is read there, not what is told to those who hear the page. */
  const said = (page: Page, words: string | RegExp) =>
    page.getByRole('region', { name: 'Questions and answers' }).getByText(words)
  const idOf = (page: Page) => new URL(page.url()).pathname.split('/')[2]

  test('Markdown streams as elements of ours: no HTML, no picture, and outside only after a question', async () => {
    const go = Promise.withResolvers<void>()
    plays(async function* () {
      for (let at = 0; at < 40; at += 5) yield says(markdown.slice(at, at + 5))
      await go.promise
      for (let at = 40; at < markdown.length; at += 5) yield says(markdown.slice(at, at + 5))
    })
    const { page, expectQuiet } = await open('/assistant')
    await page.getByText('Ask about your mail or this server').waitFor()
    await page.getByRole('list', { name: 'Suggestions' }).getByRole('button').first().waitFor()
    await expectAccessible(page, 'before the first question')
    await ask(page, 'What is open?')
    await page.getByRole('heading', { level: 3, name: 'What I found' }).waitFor()
    await page.getByText('Writing').waitFor()
    await page.getByRole('status').filter({ hasText: 'The assistant is answering.' }).waitFor()
    await page.waitForURL(/\/assistant\/[\w-]+$/)
    // In the middle: what comes is heard by a page that was loaded again, too.
    await page.reload()
    await page.getByRole('heading', { level: 3, name: 'What I found' }).waitFor()
    go.resolve()
    await page.getByRole('table').getByText('Mon').waitFor()
    // The server took its teeth out.
    await said(page, /‹b>as text‹\/b>/).waitFor()
    expect(await page.getByRole('region', { name: 'Questions and answers' }).locator('img').count()).toBe(0)
    expect(await page.getByRole('link', { name: 'the thread' }).getAttribute('href')).toBe('/mail?account=a')
    expect(await page.getByRole('link', { name: 'the price' }).count()).toBe(0)
    await said(page, /\[the price\] \(/).waitFor()
    await page.getByText('first, first-1 · 11 tokens in, 7 out · $0.0018').waitFor()
    await page.getByRole('status').filter({ hasText: 'The answer is complete.' }).waitFor({ state: 'attached' })
    expectQuiet()
  })

  test('tools look at real mail; a call that changes it waits for a person, who sees its input; Enter in the composer decides nothing', async () => {
    plays(findsAndMoves)
    const { page, expectQuiet } = await open('/assistant')
    await ask(page, 'Archive the newest mail')
    const waiting = page.getByRole('region', { name: 'Move: allow it?' })
    await waiting.getByText(/^Expires in/).waitFor()
    // Which one it is, not only how many.
    expect(await waiting.getByRole('list', { name: 'Concerns' }).getByRole('link').count()).toBe(1)
    await page.getByRole('status').filter({ hasText: 'waits for your decision: Move' }).waitFor()
    const asked = first.requests.length
    await question(page).fill('yes')
    await page.keyboard.press('Enter')
    expect(await page.evaluate('document.activeElement.tagName')).toBe('TEXTAREA')
    // Another window sees that it waits, and goes on with it.
    const { page: other } = await open(`/assistant/${idOf(page)}`)
    await other.getByRole('region', { name: 'Move: allow it?' }).waitFor()
    await expectAccessible(page, 'a call that waits')
    for (const width of [360, 1280]) {
      await page.setViewportSize({ width, height: 900 })
      await expectNothingClipped(page, `a call that waits, ${width}`)
      await keepPicture(page, `assistant-waiting-${width}`)
    }
    expect(first.requests.length).toBe(asked)
    await waiting.getByRole('button', { name: 'Allow' }).focus()
    await page.keyboard.press('Enter')
    await said(page, 'Moved.').waitFor()
    await said(other, 'Moved.').waitFor()
    const call = page.getByRole('group').filter({ hasText: 'Search' })
    await call.getByText('in:inbox', { exact: true }).waitFor()
    await call.getByText('Search', { exact: true }).click()
    await call.getByText('"q": "in:inbox"').waitFor()
    await keepPicture(page, 'assistant-tool-open')
    // What it found is a click away.
    const source = page.getByRole('list', { name: 'Sources' }).getByRole('link').nth(1)
    const subject = await source.innerText()
    await source.click()
    await page.getByRole('article', { name: 'The open message' }).getByText(subject).first().waitFor()
    expectQuiet()
  })

  test('what a person declines is not done, in any window; one that comes too late decides nothing; what is asked in one window is read in the other', async () => {
    plays(findsAndMoves)
    const { page } = await open('/assistant')
    await ask(page, 'Archive one more')
    await page.getByRole('region', { name: 'Move: allow it?' }).waitFor()
    const { page: other } = await open(`/assistant/${idOf(page)}`)
    const { page: late, context } = await open('/assistant')
    await context.route(/\/conversations\/[^/]+$/, async route => {
      const response = await route.fetch()
      const text = (await response.text()).replaceAll(/"expires_at":"[^"]+"/g, '"expires_at":"2020-01-01T00:00:00Z"')
      await route.fulfill({ response, body: text })
    })
    await late.goto(page.url())
    await late.getByText('Expired: not run').waitFor()
    expect(await late.getByRole('button', { name: 'Allow' }).isDisabled()).toBe(true)
    await late.close()
    await other.getByRole('button', { name: 'Decline' }).click()
    await said(other, 'Left where it was.').waitFor()
    await said(page, 'Left where it was.').waitFor()
    await page.getByText('Declined').waitFor()
    first.behave({ does: 'answer', pieces: ['You are ', 'welcome.'] })
    await ask(page, 'Thank you')
    await said(other, 'You are welcome.').waitFor()
  })

  test('it stops, is asked again from another provider, and says which of them did not answer', async () => {
    plays(async function* (_body, signal) {
      yield says('One. ')
      await new Promise(resolve => signal.addEventListener('abort', resolve))
    })
    const { page } = await open('/assistant')
    await ask(page, 'Count')
    await said(page, 'One.').waitFor()
    await page.getByRole('button', { name: 'Stop', exact: true }).click()
    await page.getByText('Stopped', { exact: true }).waitFor()
    await expect.poll(() => first.abandoned).toBeGreaterThan(0)
    await page.getByRole('button', { name: 'with … another provider' }).click()
    await page.getByRole('button', { name: 'second second-1' }).click()
    await said(page, 'From the second.').waitFor()
    expect(await said(page, 'One.').count()).toBe(0)
    first.behave({ does: 'answer', pieces: ['From the first.'] })
    await page.getByRole('button', { name: 'with … another provider' }).click()
    await page.getByRole('button', { name: 'dead dead-1' }).click()
    await said(page, 'From the first.').waitFor()
    await page.getByText('1 provider did not answer').click()
    await said(page, /cannot be reached \(ECONNREFUSED\)/).waitFor()
    expect(dead).toMatch(/^compatible-/)
  })

  test('a page that loses the network in the middle of an answer says so, and has all of it once when it is back', async () => {
    const go = [1, 2].map(() => Promise.withResolvers<void>())
    plays(async function* () {
      yield says('One. ')
      await go[0]!.promise
      yield says('Two. ')
      await go[1]!.promise
      yield says('Three.')
    })
    const port = Number(new URL(run.url).port)
    const way = await startRelay(port)
    const { page } = await visit(browser, `http://127.0.0.1:${way.port}/assistant`, { storageState })
    await ask(page, 'Count')
    await said(page, 'One.').waitFor()
    await page.waitForURL(/\/assistant\/[\w-]+$/)
    const followed: string[] = []
    page.on('request', request => request.url().includes('/parts') && followed.push(request.url()))
    await way.stop()
    await said(page, 'Disconnected: the answer continues on the server').waitFor()
    await page.getByText('The server cannot be reached. The answer continues there.').waitFor()
    await keepPicture(page, 'assistant-offline')
    go[0]!.resolve()
    const cookie = storageState.cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
    const path = `/api/dashboard/chatbot/conversations/${idOf(page)}`
    const atServer = async () => (await fetch(run.url + path, { headers: { cookie } })).text()
    await expect.poll(atServer).toContain('One. Two. ')
    expect(await said(page, /Two/).count()).toBe(0)
    const back = await startRelay(port, {}, way.port)
    onTestFinished(back.stop)
    await said(page, /Two/).waitFor()
    expect(await said(page, /One|Two/).allInnerTexts()).toEqual(['One. Two.'])
    await page.getByText('Writing').waitFor()
    go[1]!.resolve()
    await page.getByRole('button', { name: 'Retry', exact: true }).waitFor()
    expect(await said(page, /One|Two|Three/).allInnerTexts()).toEqual(['One. Two. Three.'])
    // From the part that it had, not from the first.
    expect(new URL(followed.at(-1)!).searchParams.get('after')).toMatch(/^[1-9]/)
  })

  test('conversations are searched, renamed, exported and deleted after a question', async () => {
    const { page, expectQuiet } = await open('/assistant')
    await ask(page, 'About invoices')
    await said(page, 'An answer.').waitFor()
    await page.waitForURL(/\/assistant\/[\w-]+$/)
    await page.getByRole('searchbox', { name: 'Search conversations' }).fill('invoice')
    const list = page.getByRole('list', { name: 'Conversations' })
    await expect.poll(() => list.getByRole('link').allInnerTexts()).toEqual(['About invoices'])
    await list.getByRole('button', { name: 'More: About invoices' }).click()
    await page.getByRole('button', { name: 'Rename' }).click()
    await page.getByRole('textbox', { name: 'Title' }).fill('Invoices of May')
    await page.keyboard.press('Enter')
    await list.getByRole('link', { name: 'Invoices of May' }).waitFor()
    await page.getByRole('button', { name: 'More: Invoices of May' }).click()
    const saved = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Export as Markdown' }).click()
    expect(readFileSync(await (await saved).path(), 'utf8')).toContain('# Invoices of May')
    await page.getByRole('button', { name: 'More: Invoices of May' }).click()
    await page.getByRole('button', { name: 'Delete' }).click()
    // What is deleted is left at once, before the list comes: else it would be asked for again, and not be found.
    const held = Promise.withResolvers<void>()
    await page.route(/\/conversations\?/, async route => {
      await held.promise
      await route.continue()
    })
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await page.waitForURL(/\/assistant$/)
    held.resolve()
    await page.getByText('No matching conversation.').waitFor()
    expectQuiet()
  })

  test('Ctrl+J opens it beside any page with what is there, and what is typed before it is loaded is kept', async () => {
    const { page, context } = await open('/accounts')
    const gates = { palette: Promise.withResolvers<void>(), 'assistant-panel': Promise.withResolvers<void>() }
    for (const [name, { promise }] of Object.entries(gates)) {
      await context.route(new RegExp(`/assets/${name}-.*\\.js$`), async route => {
        await promise
        await route.continue()
      })
    }
    await page.reload()
    await page.locator('#content a[href^="/accounts/"]').first().click()
    const diagnose = page.getByRole('link', { name: /^Diagnose/ })
    await diagnose.focus()
    await page.keyboard.press('Control+k')
    await page.keyboard.type('over')
    gates.palette.resolve()
    await page.getByRole('option', { name: /Overview/, selected: true }).waitFor()
    await page.keyboard.type('view')
    expect(await page.getByRole('dialog').getByRole('combobox').inputValue()).toBe('overview')
    await page.keyboard.press('Escape')
    await expect.poll(() => page.evaluate('document.activeElement.innerText')).toMatch(/^Diagnose/)
    await page.keyboard.press('Control+j')
    await page.keyboard.type('Why is it ')
    gates['assistant-panel'].resolve()
    const panel = page.getByRole('complementary', { name: 'Assistant' })
    await panel.getByText('This account', { exact: true }).waitFor()
    await page.keyboard.type('slow?')
    expect(await question(page).inputValue()).toBe('Why is it slow?')
    await panel.getByRole('button', { name: 'Why is this account slow?' }).waitFor()
    await expectAccessible(page, 'the assistant beside a page')
    await page.keyboard.press('Enter')
    await said(page, 'An answer.').waitFor()
    const account = new URL(page.url()).pathname.split('/')[2]
    expect(questionIn(first.requests.at(-1)!.body)).toBe(
      `Why is it slow?\n\n[Asked from: page /accounts/${account}; account ${account}]`,
    )
    await panel.getByRole('button', { name: 'Ask without it' }).click()
    await ask(page, 'And in general?')
    await expect.poll(() => questionIn(first.requests.at(-1)!.body)).toBe('And in general?')
    expect(messagesIn(first.requests.at(-1)!.body).filter(({ role }) => role === 'user')).toHaveLength(2)
    await question(page).focus()
    await page.keyboard.press('Escape')
    await panel.waitFor({ state: 'hidden' })
    expect(await page.evaluate('document.activeElement.innerText')).toMatch(/^Diagnose/)
    await page.keyboard.press('?')
    await page.getByRole('dialog').getByText('Ask the assistant about this page, or close it').waitFor()
    await page.keyboard.press('Escape')
  })

  test('what is entered beside a page before the assistant is loaded is asked', async () => {
    const { page, context } = await open('/accounts')
    const gate = Promise.withResolvers<void>()
    await context.route(/\/assets\/assistant-panel-.*\.js$/, async route => {
      await gate.promise
      await route.continue()
    })
    await page.reload()
    // Of the page: until it is known who is signed in, there is a heading too, and nobody hears keys.
    await page.locator('#content h1').first().waitFor()
    await page.keyboard.press('Control+j')
    await page.keyboard.type('Which is slow?')
    await page.keyboard.press('Enter')
    gate.resolve()
    await said(page, 'An answer.').waitFor()
    expect(questionIn(first.requests.at(-1)!.body)).toMatch(/^Which is slow\?\n/)
    expect(await question(page).inputValue()).toBe('')
  })

  test('an old conversation in light and dark, narrow and wide', async () => {
    plays(async function* (body) {
      if (stepIn(body) === 0)
        yield calls('metrics_history', {
          series: 'response_time',
          from: new Date(Date.now() - 3_600_000).toISOString(),
        })
      else yield says(markdown.repeat(3))
    })
    const { page, expectQuiet } = await open('/assistant', { width: 360 })
    await ask(
      page,
      'Why is Gmail slow since noon? I have asked this before, and it was said that it would be looked at.',
    )
    await page.getByText('22 tokens in').waitFor()
    for (const scheme of ['light', 'dark'] as const) {
      await setScheme(page, scheme)
      for (const width of [360, 768, 1280, 1920]) {
        await page.setViewportSize({ width, height: 900 })
        await expectNothingClipped(page, `a conversation, ${width} ${scheme}`)
        if (width === 360 || width === 1280) await expectAccessible(page, `a conversation, ${width} ${scheme}`)
        await keepPicture(page, `assistant-conversation-${scheme}-${width}`)
      }
    }
    await page.setViewportSize({ width: 360, height: 800 })
    await page.getByRole('button', { name: 'Conversations' }).click()
    await page.getByRole('searchbox', { name: 'Search conversations' }).waitFor()
    await keepPicture(page, 'assistant-list-360')
    await expectAccessible(page, 'the list over a conversation')
    await page.setViewportSize({ width: 1440, height: 900 })
    await page.getByRole('link', { name: 'Mail', exact: true }).click()
    await page.locator('a[data-ref]').first().click()
    await page.getByRole('article', { name: 'The open message' }).waitFor()
    await page.keyboard.press('Control+j')
    await page.getByRole('button', { name: 'Draft a reply' }).waitFor()
    const box = (name: string, role: 'article' | 'complementary' = 'article') =>
      page
        .getByRole(role, { name })
        .boundingBox()
        .then(found => found!)
    for (const width of [1920, 1440, 1280, 1024, 390]) {
      await page.setViewportSize({ width, height: 900 })
      await expectNothingClipped(page, `the assistant beside mail, ${width}`)
      // From 1280 on the page gives way; below it is covered.
      const [message, panel] = [await box('The open message'), await box('Assistant', 'complementary')]
      if (width >= 1280) expect(message.x + message.width).toBeLessThanOrEqual(panel.x)
      for (const scheme of ['dark', 'light'] as const) {
        await setScheme(page, scheme)
        await keepPicture(page, `assistant-panel-${scheme}-${width}`)
      }
    }
    expectQuiet()
  })
})
