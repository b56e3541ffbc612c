/** The connect dialog in a real browser, while the discovery of servers answers. */
import { describe, expect, test } from 'vitest'
import { visit } from '../support/browser.ts'
import { browserDemo } from '../support/browser-demo.ts'
import { available } from '../support/require.ts'

/**
 * Types into a field between the page's processing of a discovery and its next render: rendering is a task of its own,
 * so microtasks run before it.
 */
const typesBeforeRender = `(() => {
  const read = Response.prototype.json
  Response.prototype.json = async function () {
    const body = await read.call(this)
    if (new URL(this.url).pathname.endsWith('/discoveries')) void type()
    return body
  }
  const type = async () => {
    for (let turn = 0; turn < 100; turn++) await undefined
    const field = document.querySelector('dialog input[type=password]')
    const { set } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')
    set.call(field, 'typed meanwhile')
    field.dispatchEvent(new Event('input', { bubbles: true }))
  }
})()`

describe.skipIf(!available('chromium'))('in Chromium', () => {
  const demo = browserDemo()

  test('servers that are found while a field is typed into are kept, and so is what was typed', async () => {
    const { page } = await visit(demo.browser, `${demo.run.url}/accounts?connect=1`, {
      storageState: demo.storageState,
    })
    const dialog = page.getByRole('dialog')
    const address = dialog.getByLabel('Address')
    await address.fill('anna@fastmail.com')
    await page.evaluate(typesBeforeRender)
    await address.blur()
    await dialog.getByText('Servers found', { exact: false }).waitFor()
    expect(await dialog.getByLabel('Password', { exact: true }).inputValue()).toBe('typed meanwhile')
    await dialog.getByRole('button', { name: 'Next' }).click()
    const imap = dialog.getByRole('group', { name: /IMAP/ })
    await imap.waitFor()
    const values = await Promise.all(['Host', 'User'].map(label => imap.getByLabel(label).inputValue()))
    expect(values).toEqual(['imap.fastmail.com', 'anna@fastmail.com'])
  })
})
