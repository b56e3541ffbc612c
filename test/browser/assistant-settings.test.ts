/** Settings of the assistant: from no model to the first answer with nothing but the page, and what each trial of a provider says. */
import type { Browser, Page } from 'playwright-core'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { expectAccessible, expectNothingClipped, keepPicture, setScheme, visit } from '../support/browser.ts'
import { startBrowserDemo } from '../support/browser-demo.ts'
import { ModelStandIn } from '../support/model-stand-in.ts'
import { available } from '../support/require.ts'
import type { Served } from '../support/rustymail.ts'
import type { SignedIn } from '../support/signed-in.ts'

const key = 'sk-a-key-that-nobody-sees-again'

describe.skipIf(!available('chromium'))('in Chromium', () => {
  let browser: Browser
  let storageState: SignedIn
  let run: Served
  let model: ModelStandIn

  beforeAll(async () => {
    const demo = await startBrowserDemo({ RUSTYMAIL_PRIVATE_NETWORKS: '' })
    ;({ browser, storageState, run } = demo)
    model = await ModelStandIn.start('openai')
    return async () => {
      await model.close()
      await demo.stop()
    }
  })
  beforeEach(() => model.behave({ does: 'answer', pieces: ['ready'] }))

  const open = async (path: string) => {
    const visited = await visit(browser, run.url + path, { storageState })
    await visited.page.locator('#content h1').first().waitFor()
    return visited
  }
  const settings = () => run.call(api.assistantSettings.getAssistantSettings)
  const ask = async (page: Page, words: string) => {
    await page.getByRole('textbox', { name: 'Your question' }).fill(words)
    await page.keyboard.press('Enter')
  }
  const row = (page: Page, name: string) =>
    page
      .getByRole('list', { name: 'Providers, in the order in which they are used' })
      .getByRole('listitem')
      .filter({ hasText: name })

  test('from no model to the first answer, on an address that is opened there; what it may not be sent is said, with the way to change it', async () => {
    const { page } = await open('/assistant')
    await page.getByRole('link', { name: 'Choose a model' }).click()
    const dialog = page.getByRole('dialog', { name: 'Add a provider' })
    await dialog.getByLabel('Kind').selectOption('openai_compatible')
    await dialog.getByLabel('Name', { exact: true }).fill('Ours')
    await dialog.getByLabel('Base URL').fill(model.url)
    await dialog.getByRole('button', { name: 'List models' }).click()
    await dialog
      .getByText(/127\.0\.0\.1 is this machine\. RustyMail connects there only when an administrator allows it/)
      .waitFor()
    await expectAccessible(page, 'an address that is closed')
    await keepPicture(page, 'assistant-settings-closed')
    await dialog.getByRole('button', { name: 'Allow 127.0.0.1 and try again' }).click()
    await dialog.getByText('2 to choose from in the field above.').waitFor()
    await dialog.getByRole('combobox', { name: 'Model' }).fill('stand-in-1')
    await dialog.getByRole('button', { name: 'Test' }).click()
    await dialog.getByText('The test passed.').waitFor()
    await dialog.getByText('It called no tool').waitFor()
    await dialog.getByRole('button', { name: 'Save' }).click()
    await row(page, 'Ours').getByText('Ready').waitFor()
    await page.getByRole('link', { name: 'Ask the assistant' }).click()
    const calls = [{ id: 'c1', name: 'mail_search', input: '{"q":"in:inbox","limit":2}' }]
    const looks = () =>
      model.behave({
        does: 'play',
        script: async function* ({ messages }) {
          const told = (messages as { role: string; content: string }[]).at(-1)!
          yield told.role === 'tool' ? { pieces: [`I was told: ${told.content.slice(0, 60)}`] } : { calls }
        },
      })
    looks()
    await ask(page, 'What is new?')
    await page
      .getByText(/^I was told: Mail of the account .* is not shared/)
      .first()
      .waitFor()
    await page.getByText('The model did not see this: its provider may not be sent this mail.').waitFor()
    await expectAccessible(page, 'what is withheld')
    await keepPicture(page, 'assistant-withheld')
    await page.getByRole('link', { name: 'Change what it may be sent' }).click()
    await page
      .getByLabel(/^What Ours may be sent of/)
      .first()
      .selectOption('headers')
    await expect.poll(async () => (await settings()).shares.map(({ share }) => share)).toEqual(['headers'])
    await page.goBack()
    await ask(page, 'And now?')
    await page.getByText('The model saw only part of this').waitFor()
    // It opened nothing for mail servers.
    const { allowed } = await run.call(api.settings.listPrivateNetworks)
    expect(allowed.map(({ network, servers }) => [network, servers])).toEqual([['127.0.0.1/32', 'models']])
  })

  test('a trial says which step failed; the key is never shown again', async () => {
    const gone = await ModelStandIn.start('openai')
    const goneUrl = gone.url
    await gone.close()
    const { page } = await open('/settings/assistant')
    await page.getByRole('button', { name: 'Add a provider' }).first().click()
    const dialog = page.getByRole('dialog', { name: 'Add a provider' })
    await dialog.locator('select:focus').waitFor()
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.locator('input[aria-invalid="true"]:focus').waitFor()
    await dialog.getByLabel('Name', { exact: true }).fill('Spare')
    await dialog.getByLabel('Base URL').fill(model.url)
    await dialog.getByLabel('API key').fill(key)
    await dialog.getByRole('combobox', { name: 'Model' }).fill('nope')
    const tried = async (words: string | RegExp) => {
      await dialog.getByRole('button', { name: 'Test' }).click()
      await dialog.getByText(words).waitFor()
    }
    await tried('nope is not among the 2 models that it lists.')
    model.behave({ does: 'refuse', status: 401, words: `Incorrect API key provided: ${key}` })
    await tried('The key is refused')
    expect(await dialog.innerText()).not.toContain(key)
    await keepPicture(page, 'assistant-settings-trial')
    await dialog.getByLabel('Base URL').fill(goneUrl)
    await tried(/cannot be reached \(ECONNREFUSED\)/)
    await dialog.getByLabel('Base URL').fill(model.url)
    await dialog.getByRole('combobox', { name: 'Model' }).fill('stand-in-2')
    model.behave({ does: 'answer', pieces: ['ready'] })
    await tried('The test passed.')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await row(page, 'Spare').getByText('Ready').waitFor()
    await page.getByRole('button', { name: 'Edit: Spare' }).click()
    const edit = page.getByRole('dialog', { name: 'Edit Spare' })
    await edit.getByText('Stored encrypted. Leave empty to keep it.').waitFor()
    expect(await edit.getByLabel('API key').inputValue()).toBe('')
    await edit.getByLabel('Name', { exact: true }).fill('Renamed')
    await edit.getByRole('button', { name: 'Save' }).click()
    await row(page, 'Renamed').waitFor()
    expect(JSON.stringify(await settings()) + (await page.content())).not.toContain(key)
    model.behave({ does: 'answer', pieces: ['kept'] })
    const { id } = (await settings()).providers.find(({ name }) => name === 'Renamed')!
    await run.call(api.assistantSettings.testProvider, { body: { provider_id: id } })
    expect(model.requests.at(-1)?.headers.authorization).toBe(`Bearer ${key}`)
  })

  test('providers change places by keyboard, limits are checked, and what is removed is gone', async () => {
    const { page, expectQuiet } = await open('/settings/assistant')
    const names = async () => (await settings()).providers.map(({ name }) => name)
    expect(await names()).toEqual(['Ours', 'Renamed'])
    await page.getByRole('button', { name: 'Ask later: Ours' }).focus()
    await page.keyboard.press('Enter')
    await page.getByText('Ours is now number 2 of 2.').waitFor({ state: 'attached' })
    await expect.poll(names).toEqual(['Renamed', 'Ours'])
    for (const scheme of ['light', 'dark'] as const) {
      await setScheme(page, scheme)
      for (const width of [360, 768, 1280, 1920]) {
        await page.setViewportSize({ width, height: 900 })
        await expectNothingClipped(page, `settings, ${width} ${scheme}`)
        if (width === 360 || width === 1280) await expectAccessible(page, `settings, ${width} ${scheme}`)
        await keepPicture(page, `assistant-settings-${scheme}-${width}`, { fullPage: true })
      }
    }
    expectQuiet()
    const steps = page.getByRole('textbox', { name: 'Steps per answer' })
    await steps.fill('0')
    await page.getByRole('button', { name: 'Save limits' }).click()
    await expect.poll(() => steps.getAttribute('aria-invalid')).toBe('true')
    await steps.fill('5')
    await page.getByRole('button', { name: 'Save limits' }).click()
    await page.getByText('Limits saved').waitFor()
    expect((await settings()).limits.max_steps).toBe(5)
    await page.getByRole('button', { name: 'Remove: Renamed' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
    await expect.poll(names).toEqual(['Ours'])
  })

  test('a provider that was removed under an open answer is said, and asking again asks the others', async () => {
    const { page } = await open('/assistant')
    const old = [{ id: 'gone', provider: 'Gone', model: 'g-1' }, ...(await run.call(api.assistant.listProviders)).items]
    await page.route('**/api/dashboard/chatbot/providers', route =>
      route.fulfill({ json: { items: old.map(each => ({ is_local: false, ...each })) } }),
    )
    await page.reload()
    await ask(page, 'Who?')
    await page.getByText('ready', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'with … another provider' }).click()
    await page.getByRole('button', { name: 'Gone g-1' }).click()
    await page.getByText(/There is no provider gone/).waitFor()
    model.behave({ does: 'answer', pieces: ['ready again'] })
    await page.getByRole('button', { name: 'Ask again' }).click()
    await page.getByText('ready again', { exact: true }).waitFor()
    expect(await page.getByText('ready', { exact: true }).count()).toBe(0)
  })
})
