/**
 * Notifications in Chromium: the page asks for permission on a click, the service worker shows what the server pushed,
 * and a click on it opens the approval. Only the browser vendor's push service is replaced by ours.
 */
import type { Browser, Page } from 'playwright-core'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { accessApi } from '../../contract/access.ts'
import { approvalsApi } from '../../contract/approvals.ts'
import { draftsApi } from '../../contract/drafts.ts'
import { notifiersApi } from '../../contract/notifiers.ts'
import { outboxApi } from '../../contract/outbox.ts'
import { pushApi } from '../../contract/push.ts'
import { type ActingWorld, startActingWorld } from '../support/acting-world.ts'
import { expectAccessible, expectNothingClipped, keepPicture, setScheme, visit } from '../support/browser.ts'
import { launchBrowser } from '../support/browser-launch.ts'
import { patience } from '../support/patience.ts'
import { fingerprintOf, PushStandIn, type StandInBrowser } from '../support/push-stand-in.ts'
import { available } from '../support/require.ts'
import { type SignedIn, signIn } from '../support/signed-in.ts'
import { tempDir } from '../support/temp-dir.ts'
import { selfSignedIn } from '../support/tls.ts'

const hasAll = [available('chromium'), available('dovecot')].every(Boolean)

/** Replaces calls to the browser vendor. */
const standIn = ({ subscription }: StandInBrowser) => `
  const made = {
    ...${JSON.stringify(subscription)},
    options: {},
    toJSON: () => (${JSON.stringify(subscription)}),
    unsubscribe: async () => { localStorage.removeItem('made'); return true },
  }
  PushManager.prototype.subscribe = async options => {
    localStorage.setItem('made', JSON.stringify(options))
    return made
  }
  PushManager.prototype.getSubscription = async () => (localStorage.getItem('made') ? made : null)`

interface Shown {
  title: string
  body: string
  tag: string
}
const findShown = `navigator.serviceWorker.getRegistration('/').then(async registration =>
  (await registration.getNotifications()).map(({ title, body, tag }) => ({ title, body, tag })))`

describe.skipIf(!hasAll)('in Chromium, on Dovecot', () => {
  let world: ActingWorld
  let service: PushStandIn
  let browser: Browser
  let storageState: SignedIn

  beforeAll(async () => {
    const dir = tempDir('push')
    service = new PushStandIn(selfSignedIn(dir.path))
    const end = await service.start()
    world = await startActingWorld({ RUSTYMAIL_PUSH_SERVICES: service.host })
    browser = await launchBrowser({ isWhole: true })
    storageState = await signIn(browser, world.run.url)
    return async () => {
      await browser.close()
      await world.stop()
      await end()
      dir.remove()
    }
  })

  async function ask(content: string): Promise<string> {
    const { agent, accountId, messageRef } = world
    const params = { account_id: accountId }
    const body = { mode: 'reply', message: messageRef, body: { format: 'markdown', content } }
    const draft = await agent(draftsApi.createDraft, { params, body })
    const sent = await agent(outboxApi.sendDraft, {
      params: { ...params, draft_id: draft.id },
      body: { rev: draft.rev },
    })
    return sent.approval_id!
  }

  async function openAs(device: StandInBrowser, size: { width?: number; height?: number } = {}) {
    const { page, expectQuiet } = await visit(browser, world.run.url, { storageState, ...size })
    page.context().setDefaultTimeout(patience)
    await page.context().grantPermissions(['notifications'], { origin: world.run.url })
    await page.addInitScript(standIn(device))
    await page.goto(`${world.run.url}/profile`)
    return { page, expectQuiet }
  }

  /** Delivers as the vendor's push service does, once the browser knows the worker. */
  async function connect(page: Page) {
    const session = await page.context().newCDPSession(page)
    const found = Promise.withResolvers<string>()
    session.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      const [registration] = registrations.filter(({ isDeleted }) => !isDeleted)
      if (registration) found.resolve(registration.registrationId)
    })
    await session.send('ServiceWorker.enable')
    const registrationId = await found.promise
    const origin = new URL(world.run.url).origin
    return (content: unknown) =>
      session.send('ServiceWorker.deliverPushMessage', { origin, registrationId, data: JSON.stringify(content) })
  }

  const shown = (page: Page) => page.evaluate<Shown[]>(findShown)

  test('asked for on a click; what is pushed is shown, and opens the approval without deciding it', async () => {
    const phone = service.browser('phone')
    const { person, run } = world
    service.publicKey = (await person(pushApi.getPush)).public_key ?? undefined
    const { page, expectQuiet } = await openAs(phone)
    expect(await page.context().serviceWorkers()).toEqual([])
    await page.getByRole('button', { name: 'Notify this device' }).click()
    const devices = page.getByRole('list', { name: 'Devices that are notified' })
    await devices.getByText('This device').waitFor()
    expect(JSON.parse(await page.evaluate<string>("localStorage.getItem('made')"))).toEqual({
      userVisibleOnly: true,
      applicationServerKey: service.publicKey,
    })
    await expectAccessible(page, 'devices that are notified')
    await devices.getByRole('button', { name: /^Test/ }).click()
    // Sent twice if the first was not answered in time.
    await vi.waitFor(() => expect(service.contentsOf(phone).length).toBeGreaterThan(0))
    const deliver = await connect(page)
    await deliver(service.contentsOf(phone)[0])
    await expect
      .poll(() => shown(page))
      .toEqual([{ title: 'RustyMail', body: 'This device is notified.', tag: 'test' }])
    await devices.getByRole('checkbox').click()
    await expect.poll(async () => (await person(pushApi.getPush)).items[0]?.details).toBe('none')
    await devices.getByRole('checkbox').click()
    await expect.poll(async () => (await person(pushApi.getPush)).items[0]?.details).toBe('sender')

    const id = await ask('Is it noticed?')
    const content = await vi.waitFor(() => {
      const found = service.contentsOf(phone).find(({ kind }) => kind !== 'test')
      expect(found).toBeDefined()
      return found!
    })
    await deliver(content)
    // They are unordered in time.
    await expect
      .poll(async () => (await shown(page)).find(({ tag }) => tag === content.tag))
      .toEqual({
        ...{ title: 'A message waits for your approval', body: 'Support agent, for Alice', tag: content.tag },
      })
    // Another one replaces it.
    await deliver({ ...content, count: 3, total: 5 })
    await expect
      .poll(async () => (await shown(page)).filter(({ tag }) => tag === content.tag))
      .toMatchObject([{ title: '3 messages wait for your approval', body: 'Support agent, for Alice\n5 wait in all.' }])
    const [worker] = page.context().serviceWorkers()
    await worker!.evaluate(
      `registration.getNotifications({ tag: ${JSON.stringify(content.tag)} }).then(([notification]) => {
        const event = new NotificationEvent('notificationclick', { notification })
        // Only a click of a person may bring a window to the front, or keep the worker.
        event.waitUntil = promise => promise.catch(() => undefined)
        dispatchEvent(event)
      })`,
    )
    await page.waitForURL(`${run.url}/approvals?open=${id}`)
    await page.getByText('Is it noticed?').or(page.getByRole('article')).first().waitFor()
    const params = { approval_id: id }
    const { state, hash } = await person(approvalsApi.getApproval, { params })
    expect(state).toBe('waiting')
    // Decided elsewhere: its notification is closed.
    await deliver(content)
    const ofGroup = async () => (await shown(page)).filter(({ tag }) => tag === content.tag).length
    await expect.poll(ofGroup).toBe(1)
    await person(approvalsApi.deny, { params, body: { hash } })
    await expect.poll(ofGroup).toBe(0)
    // A notifier of alerts uses the same path.
    const { principal } = await person(accessApi.getSession)
    const target = { kind: 'web_push', user_ids: [principal.user_id!] }
    const body = { name: 'Phone', target } as never
    const { notifier } = await run.call(notifiersApi.createNotifier, { body })
    const tried = await run.call(notifiersApi.testNotifier, { params: { notifier_id: notifier.id } })
    expect(tried).toMatchObject({ outcome: 'delivered', said: '1 of 1 browsers accepted it.' })
    const alert = service.contentsOf(phone).find(({ kind }) => kind === 'alerts')!
    await deliver(alert)
    const words = 'This is a test of the notifier Phone. Alerts come this way.'
    await expect
      .poll(async () => (await shown(page)).find(({ tag }) => tag === alert.tag))
      .toEqual({ title: 'A test of RustyMail', body: words, tag: alert.tag })
    // Its scope is the whole page, and it has cached nothing.
    expect(await page.evaluate('navigator.serviceWorker.ready.then(({ scope }) => scope)')).toBe(`${run.url}/`)
    expect(await page.evaluate('caches.keys()')).toEqual([])
    expect(service.faults).toEqual([])
    expectQuiet()
  })

  test('what cannot be read is shown as something, and leads no further than the page', async () => {
    // While nothing waits, a page closes notifications of approvals as soon as it knows, which may be at any time here.
    const params = { approval_id: await ask('Does it stay?') }
    const { page } = await openAs(service.browser('odd'))
    await page.getByRole('button', { name: 'Notify this device' }).click()
    await page.getByRole('listitem').filter({ hasText: 'This device' }).waitFor()
    const deliver = await connect(page)
    await deliver({
      kind: 'approvals',
      count: 1,
      total: 1,
      tag: 'x',
      open: '../../evil?a=b',
      asks: null,
      account: null,
    })
    await expect
      .poll(() => shown(page))
      .toMatchObject([{ title: 'A message waits for your approval', body: '', tag: 'x' }])
    const href = `navigator.serviceWorker.getRegistration('/').then(async registration =>
      (await registration.getNotifications())[0].data.href)`
    expect(await page.evaluate(href)).toBe('/approvals')
    // A proposal counts as one, however many items it has.
    const proposal = { kind: 'approvals', count: 1, proposals: 1, total: 1, tag: 'x', open: 'p01k5r9w2m3c7x4aq' }
    await deliver({ ...proposal, asks: 'Agent', account: 'Alice' })
    await expect
      .poll(() => shown(page))
      .toMatchObject([{ title: 'A proposal waits for you', body: 'Agent, for Alice', tag: 'x' }])
    expect(await page.evaluate(href)).toBe('/approvals?open=p01k5r9w2m3c7x4aq')
    await deliver({ ...proposal, count: 5, total: 5 })
    await expect.poll(() => shown(page)).toMatchObject([{ title: '5 messages and proposals wait for you' }])
    const { hash } = await world.person(approvalsApi.getApproval, { params })
    await world.person(approvalsApi.deny, { params, body: { hash } })
  })

  test('turned off it is forgotten; signed in again, the same user is notified again, and nobody else', async () => {
    const phone = service.browser('again')
    const { person } = world
    const { page } = await openAs(phone)
    await page.getByRole('button', { name: 'Notify this device' }).click()
    const mine = page.getByRole('listitem').filter({ hasText: 'This device' })
    await mine.waitFor()
    const others = (await person(pushApi.getPush)).items.length - 1
    const { items } = await person(pushApi.getPush)
    const own = items.find(({ fingerprint }) => fingerprint === fingerprintOf(phone))
    await person(pushApi.unsubscribePush, { params: { subscription_id: own!.id } })
    expect((await person(pushApi.getPush)).items).toHaveLength(others)
    // As after a new sign-in: the page renews a subscription that the server has forgotten.
    await page.reload()
    await mine.waitFor()
    expect((await person(pushApi.getPush)).items).toHaveLength(others + 1)
    await mine.getByRole('button', { name: /^Turn off/ }).click()
    await page.getByRole('button', { name: 'Notify this device' }).waitFor()
    expect((await person(pushApi.getPush)).items).toHaveLength(others)
    await page.reload()
    await page.getByRole('button', { name: 'Notify this device' }).waitFor()
    expect((await person(pushApi.getPush)).items).toHaveLength(others)
  })

  test.each([
    [320, 'dark'],
    [390, 'light'],
  ] as const)('at %i px, %s, devices can be used with one thumb', async (width, scheme) => {
    const { page } = await openAs(service.browser(`phone-${width}`), { width, height: 700 })
    await setScheme(page, scheme)
    const button = page.getByRole('button', { name: 'Notify this device' })
    await button.scrollIntoViewIfNeeded()
    expect((await button.boundingBox())!.height).toBeGreaterThanOrEqual(44)
    await button.click()
    const mine = page.getByRole('listitem').filter({ hasText: 'This device' })
    await mine.waitFor()
    for (const name of [/^Test/, /^Turn off/]) {
      expect((await mine.getByRole('button', { name }).boundingBox())!.height).toBeGreaterThanOrEqual(44)
    }
    await expectNothingClipped(page, `devices, ${width}`)
    await expectAccessible(page, `devices, ${width}`)
    await mine.scrollIntoViewIfNeeded()
    await keepPicture(page, `push-${scheme}-${width}`)
  })
})
