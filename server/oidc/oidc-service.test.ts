/** Sign-in through a real provider, over HTTP as a browser goes: who gets in, as what, and who does not. */
import { expect, test, vi } from 'vitest'
import type { OidcPerson } from '../../test/support/oidc-provider.ts'
import { start } from '../../test/support/oidc-world.ts'
import { PlainBrowser } from '../../test/support/plain-browser.ts'
import { everyScope, type Principal } from '../platform/principal.ts'
import { callbackPath, startPath } from './oidc-service.ts'

const admin: Principal = {
  id: 'api-key',
  name: 'API key',
  kind: 'api_key',
  userId: null,
  scopes: everyScope,
  accounts: 'all',
}
const ann = { email: 'ann@example.com', email_verified: true, name: 'Ann' }

test('a first sign-in creates a user with the highest role that their groups give', async () => {
  const { put, signIn, getUser, facts } = await start()
  put('sub-1', { ...ann, groups: ['crew', 'staff', 'chess'] })
  const { end, principal, browser } = await signIn('sub-1', { startAt: `${startPath}?return=/mail?folder=INBOX` })
  expect(end).toBe('/mail?folder=INBOX')
  expect(principal).toMatchObject({ kind: 'session', name: 'Ann', accounts: new Set() })
  expect(principal?.scopes.has('dashboard:operate')).toBe(true)
  const user = await getUser('ann@example.com')
  expect(user).toMatchObject({ role: 'operator', accounts: '[]', password_hash: null, oidc_subject: 'sub-1' })
  expect(facts().at(-1)).toMatchObject({ type: 'user_added', data: { user_id: user.id, role: 'operator' } })
  expect([...browser.cookies.keys()]).not.toContain('rustymail_oidc')
})

test('newcomers see all accounts where it is set so', async () => {
  const { put, signIn } = await start({ accounts: 'all' })
  put('sub-1', { ...ann, groups: ['crew'] })
  expect((await signIn('sub-1')).principal).toMatchObject({ accounts: 'all' })
  // So do administrators who become users like others.
  const bob = { email: 'bob@example.com', email_verified: true }
  put('sub-2', { ...bob, groups: ['admins'] })
  await signIn('sub-2')
  put('sub-2', { ...bob, groups: ['crew'] })
  const { principal } = await signIn('sub-2')
  expect(principal).toMatchObject({ accounts: 'all', scopes: new Set(['dashboard:read']) })
})

test('the role follows the groups at each sign-in, in sessions that are open too', async () => {
  const { put, signIn, getUser, sessions } = await start()
  put('sub-1', { ...ann, groups: ['admins'] })
  const first = await signIn('sub-1')
  expect(first.principal?.scopes.has('dashboard:admin')).toBe(true)
  put('sub-1', { ...ann, groups: 'crew' as never })
  const second = await signIn('sub-1')
  expect(second.principal?.userId).toBe(first.principal?.userId)
  expect([...second.principal!.scopes]).toEqual(['dashboard:read'])
  const still = await sessions.authenticate(first.browser.cookies.get('rustymail_session')!)
  expect([...still!.scopes]).toEqual(['dashboard:read'])
  expect(await getUser('ann@example.com')).toMatchObject({ role: 'viewer', accounts: '[]' })
})

test('the last administrator stays one, whatever the provider says', async () => {
  const { put, signIn, userService, getUser } = await start()
  put('sub-1', { ...ann, groups: ['admins'] })
  await signIn('sub-1')
  await userService.delete(admin, (await getUser('boss@example.com')).id)
  put('sub-1', { ...ann, groups: ['crew'] })
  expect((await signIn('sub-1')).principal?.scopes.has('dashboard:admin')).toBe(true)
  expect(await getUser('ann@example.com')).toMatchObject({ role: 'administrator' })
})

test('a user without a group that gives a role cannot sign in, and open sessions end', async () => {
  const { put, signIn, sessions, users } = await start()
  put('sub-2', { email: 'eve@example.com', email_verified: true, groups: ['chess'] })
  expect(await signIn('sub-2')).toMatchObject({ end: '/?sign_in_error=not_allowed', principal: undefined })
  expect(await users.findByEmail('eve@example.com')).toBeUndefined()

  put('sub-1', { ...ann, groups: ['staff'] })
  const { browser } = await signIn('sub-1')
  put('sub-1', ann)
  expect((await signIn('sub-1')).end).toBe('/?sign_in_error=not_allowed')
  expect(await sessions.authenticate(browser.cookies.get('rustymail_session')!)).toBeUndefined()
})

test('a verified email is linked to the user who has it, and the invitation is used up', async () => {
  const { put, signIn, userService, getUser, facts } = await start()
  const invited = { email: 'ann@example.com', name: 'Ann B.', role: 'operator', accounts: ['a1'] } as const
  const { user, link } = await userService.invite(admin, { ...invited, accounts: ['a1'] })
  put('sub-1', { ...ann, email: 'Ann@Example.com', groups: ['crew'] })
  const { principal } = await signIn('sub-1')
  expect(principal).toMatchObject({ userId: user.id, name: 'Ann B.', accounts: new Set(['a1']) })
  expect([...principal!.scopes]).toEqual(['dashboard:read'])
  expect(await getUser('ann@example.com')).toMatchObject({ oidc_subject: 'sub-1', role: 'viewer' })
  await expect(userService.readLink(link.split('#')[1]!)).rejects.toMatchObject({ code: 'link_invalid' })
  expect(facts()).toContainEqual(expect.objectContaining({ data: expect.objectContaining({ changed: ['oidc'] }) }))
})

test('an unverified email neither takes over a user nor signs in under the name of another', async () => {
  const { put, signIn, getUser, userService, users } = await start()
  await userService.invite(admin, { email: ann.email, name: 'Ann', role: 'viewer', accounts: ['a1'] })
  for (const [subject, person] of Object.entries<OidcPerson>({
    'sub-1': { email: ann.email, email_verified: false },
    'sub-2': { email: ann.email },
    'sub-3': { email: ann.email, email_verified: 'true' as never },
    'sub-4': { email: 'new@example.com', email_verified: false },
    'sub-5': {},
    'sub-6': { email: 'not an email', email_verified: true },
  })) {
    put(subject, { ...person, groups: ['staff'] })
    expect(await signIn(subject)).toMatchObject({ end: '/?sign_in_error=email_unverified', principal: undefined })
  }
  expect(await getUser(ann.email)).toMatchObject({ oidc_subject: null })
  expect(await users.count()).toBe(2)
})

test('an email whose letters resemble or lower-case to those of another does not match its user', async () => {
  const { put, signIn, getUser, userService, users } = await start()
  await userService.invite(admin, { email: 'kate@example.com', name: 'Kate', role: 'viewer', accounts: ['a1'] })
  // The Kelvin sign, whose lower case is `k`; full width; a zero-width space; a turned direction.
  const twins = ['\u212aate@example.com', '\uff4bate@example.com', 'kate\u200b@example.com', '\u202ekate@example.com']
  for (const [index, email] of twins.entries()) {
    put(`sub-${index}`, { email, email_verified: true, groups: ['staff'] })
    const { end } = await signIn(`sub-${index}`)
    expect([email, end]).toEqual([email, '/?sign_in_error=email_unverified'])
  }
  expect(await getUser('kate@example.com')).toMatchObject({ oidc_subject: null })
  expect(await users.count()).toBe(2)
})

test('a user who belongs to one person at the provider is not given to another', async () => {
  const { put, signIn, getUser } = await start()
  put('sub-1', { ...ann, groups: ['staff'] })
  put('sub-2', { ...ann, groups: ['admins'] })
  await signIn('sub-1')
  expect(await signIn('sub-2')).toMatchObject({ end: '/?sign_in_error=email_taken', principal: undefined })
  expect(await getUser(ann.email)).toMatchObject({ oidc_subject: 'sub-1', role: 'operator' })
})

test('an administrator is linked only to a person that the provider makes one', async () => {
  const { put, signIn, getUser } = await start()
  const boss = { email: 'boss@example.com', email_verified: true }
  put('sub-1', { ...boss, groups: ['staff'] })
  expect(await signIn('sub-1')).toMatchObject({ end: '/?sign_in_error=email_taken', principal: undefined })
  expect(await getUser(boss.email)).toMatchObject({ oidc_subject: null, role: 'administrator' })
  put('sub-1', { ...boss, groups: ['admins'] })
  expect((await signIn('sub-1')).principal).toMatchObject({ accounts: 'all' })
  expect(await getUser(boss.email)).toMatchObject({ oidc_subject: 'sub-1', password_hash: 'a hash' })
})

test('a disabled user cannot sign in, even with an email that would be linked', async () => {
  const { put, signIn, getUser, userService } = await start()
  put('sub-1', { ...ann, groups: ['staff'] })
  await signIn('sub-1')
  await userService.change(admin, (await getUser(ann.email)).id, { disabled: true })
  expect(await signIn('sub-1')).toMatchObject({ end: '/?sign_in_error=disabled', principal: undefined })
  const { user } = await userService.invite(admin, {
    email: 'bob@example.com',
    name: 'B',
    role: 'viewer',
    accounts: [],
  })
  await userService.change(admin, user.id, { disabled: true })
  put('sub-2', { email: 'bob@example.com', email_verified: true, groups: ['staff'] })
  expect(await signIn('sub-2')).toMatchObject({ end: '/?sign_in_error=disabled', principal: undefined })
  expect(await getUser('bob@example.com')).toMatchObject({ oidc_subject: null })
})

test('the same person in two tabs at once is one user', async () => {
  const { people, users } = await start()
  const identity = { issuer: 'https://id.example', subject: 'sub-1', email: ann.email, name: 'Ann', groups: ['staff'] }
  const both = await Promise.all(
    [1, 2].map(() => people.getUser({ ...identity, isEmailVerified: true }, { address: '::1', userAgent: '' })),
  )
  expect(both[0]?.id).toBe(both[1]?.id)
  expect(await users.count()).toBe(2)
})

test('a callback counts once, in the browser that began, with the state that it began with, within ten minutes', async () => {
  const { put, goToProvider, isPage, clock, users } = await start()
  put('sub-1', { ...ann, groups: ['staff'] })
  const visit = async (browser: PlainBrowser, callback: URL) => {
    browser.cookies.delete('rustymail_session')
    const { location } = await browser.follow(await browser.visit(callback), isPage)
    expect(browser.cookies.has('rustymail_session')).toBe(location!.search === '')
    return location!.pathname + location!.search
  }
  // Someone hands their own callback to another, who has begun nothing, or something else.
  const [attacker, victim] = [new PlainBrowser(), new PlainBrowser()]
  const handed = await goToProvider(attacker, 'sub-1')
  expect(await visit(victim, handed)).toBe('/?sign_in_error=expired')
  const own = await goToProvider(victim, 'sub-1')
  expect(await visit(victim, handed)).toBe('/?sign_in_error=failed')
  // Another's code in one's own sign-in.
  const mixed = new URL(own)
  mixed.searchParams.set('code', handed.searchParams.get('code')!)
  const twin = new PlainBrowser()
  for (const [name, value] of victim.cookies) twin.cookies.set(name, value)
  expect(await visit(twin, mixed)).toBe('/?sign_in_error=failed')
  expect(await users.findByEmail(ann.email)).toBeUndefined()

  const browser = new PlainBrowser()
  const callback = await goToProvider(browser, 'sub-1')
  const key = browser.cookies.get('rustymail_oidc')!
  expect(await visit(browser, callback)).toBe('/')
  browser.cookies.set('rustymail_oidc', key)
  expect(await visit(browser, callback)).toBe('/?sign_in_error=expired')
  const slow = new PlainBrowser()
  const late = await goToProvider(slow, 'sub-1')
  clock.now += 10 * 60_000
  expect(await visit(slow, late)).toBe('/?sign_in_error=expired')
})

test('a foreign page that sends the browser to the callback does not spoil a sign-in under way', async () => {
  const { put, goToProvider, isPage, url } = await start()
  put('sub-1', { ...ann, groups: ['staff'] })
  const browser = new PlainBrowser()
  const callback = await goToProvider(browser, 'sub-1')
  await browser.visit(`${url}${callbackPath}?code=x&state=y`)
  expect((await browser.follow(await browser.visit(callback), isPage)).location?.pathname).toBe('/')
})

test('sign-in never redirects to another origin', async () => {
  const { put, signIn, url } = await start()
  put('sub-1', { ...ann, groups: ['staff'] })
  const foreign = [
    'https://evil.example/page',
    '//evil.example/page',
    '/\\evil.example/page',
    '/\t/evil.example/page',
    '/.//evil.example/page',
    '/a/..//evil.example/page',
    '/api/dashboard/session',
    'javascript:alert(1)',
    'mail',
    `/${'a'.repeat(2_000)}`,
  ]
  for (const wanted of foreign) {
    const startAt = `${startPath}?${new URLSearchParams({ return: wanted })}`
    expect([wanted, (await signIn('sub-1', { startAt })).end]).toEqual([wanted, '/'])
  }
  const twice = await fetch(`${url}${startPath}?return=/mail&return=/other`, { redirect: 'manual' })
  expect(twice.status).toBe(400)
})

test('before set-up, and while the provider is away, the browser is told so', async () => {
  const early = await start({ isSetUp: false })
  early.put('sub-1', { ...ann, groups: ['admins'] })
  const refused = await new PlainBrowser().visit(early.url + startPath)
  expect(refused.location?.search).toBe('?sign_in_error=setup_needed')

  const { provider, url, put, signIn } = await start()
  put('sub-1', { ...ann, groups: ['staff'] })
  await provider.close()
  const away = await new PlainBrowser().visit(url + startPath)
  expect(away.location?.search).toBe('?sign_in_error=unavailable')
  await expect(signIn('sub-1')).rejects.toThrow()
})

test('a sign-in that is cancelled at the provider, rejected or too late is explained at the page that was wanted', async () => {
  const { url, isPage, put, signIn, goToProvider, clock } = await start()
  const startAt = `${startPath}?${new URLSearchParams({ return: '/mail?folder=A%26B#top' })}`
  const at = (code: string) => `/mail?folder=A%26B&sign_in_error=${code}#top`
  const browser = new PlainBrowser()
  const page = await browser.follow(await browser.visit(url + startAt))
  const end = await browser.follow(await browser.visit(page.url, { cancel: '1' }), isPage)
  expect(end.location?.href).toBe(url + at('denied'))

  put('sub-1', { ...ann, groups: ['chess'] })
  expect((await signIn('sub-1', { startAt })).end).toBe(at('not_allowed').replace('#top', ''))
  const slow = new PlainBrowser()
  const late = await goToProvider(slow, 'sub-1', startAt)
  clock.now += 10 * 60_000
  expect((await slow.follow(await slow.visit(late), isPage)).location?.href).toBe(url + at('expired'))
})

test('nothing is left open to a user without a role at the provider, until it gives them one again', async () => {
  const { put, signIn, getUser, facts, deeds, userService, sessions } = await start()
  put('sub-1', { ...ann, groups: ['staff'] })
  const { browser } = await signIn('sub-1')
  const { id } = await getUser(ann.email)
  await userService.change(admin, id, { accounts: ['a1'] })
  put('sub-1', ann)
  expect((await signIn('sub-1')).end).toBe('/?sign_in_error=not_allowed')
  expect(await getUser(ann.email)).toMatchObject({ disabled: 1, disabled_by: 'provider', role: 'operator' })
  expect(await sessions.authenticate(browser.cookies.get('rustymail_session')!)).toBeUndefined()
  expect(facts().at(-1)).toMatchObject({ type: 'user_updated', data: { user_id: id, changed: ['disabled'] } })
  expect((await userService.list(admin)).find(user => user.id === id)).toMatchObject({
    status: 'disabled',
    disabled_by: 'provider',
  })
  // A second try is no second disabling.
  await signIn('sub-1')
  expect(deeds).toMatchObject([
    { operation: 'oidc.disableUser', userId: id, outcome: 'ok', from: { userAgent: 'node' } },
  ])

  put('sub-1', { ...ann, groups: ['crew'] })
  expect((await signIn('sub-1')).principal).toMatchObject({ userId: id, accounts: new Set(['a1']) })
  expect(await getUser(ann.email)).toMatchObject({ disabled: 0, disabled_by: null, role: 'viewer' })
  expect(deeds.at(-1)).toMatchObject({ operation: 'oidc.enableUser', userId: id, outcome: 'ok' })
})

test('the provider does not enable a user that an administrator has disabled, neither before nor after its own word', async () => {
  const { put, signIn, getUser, userService } = await start()
  put('sub-1', { ...ann, groups: ['staff'] })
  await signIn('sub-1')
  const { id } = await getUser(ann.email)
  const goAndCome = async () => {
    put('sub-1', ann)
    await signIn('sub-1')
    put('sub-1', { ...ann, groups: ['staff'] })
    return (await signIn('sub-1')).end
  }
  await userService.change(admin, id, { disabled: true })
  expect(await goAndCome()).toBe('/?sign_in_error=disabled')
  put('sub-1', { ...ann, groups: ['admins'] })
  expect((await signIn('sub-1')).end).toBe('/?sign_in_error=disabled')
  put('sub-1', ann)
  expect((await signIn('sub-1')).end).toBe('/?sign_in_error=disabled')
  expect(await getUser(ann.email)).toMatchObject({ disabled: 1, disabled_by: 'administrator', role: 'operator' })

  await userService.change(admin, id, { disabled: false })
  put('sub-1', ann)
  await signIn('sub-1')
  expect(await getUser(ann.email)).toMatchObject({ disabled_by: 'provider' })
  await userService.change(admin, id, { disabled: true })
  expect(await goAndCome()).toBe('/?sign_in_error=disabled')
})

test('a user whom an administrator disables while they sign in does not get in', async () => {
  const { put, signIn, getUser, people, users, userService } = await start()
  put('sub-1', { ...ann, groups: ['staff'] })
  await signIn('sub-1')
  const { id } = await getUser(ann.email)
  const find = users.findByOidc.bind(users)
  vi.spyOn(users, 'findByOidc').mockImplementation(async (...words) => {
    const found = await find(...words)
    await userService.change(admin, id, { disabled: true })
    return found
  })
  const identity = { issuer: (await getUser(ann.email)).oidc_issuer!, subject: 'sub-1', email: ann.email, name: 'Ann' }
  const again = people.getUser(
    { ...identity, isEmailVerified: true, groups: ['crew'] },
    { address: '::1', userAgent: '' },
  )
  await expect(again).rejects.toMatchObject({ code: 'disabled' })
})

test('the last administrator is refused without a role, but not disabled, and the trail says why', async () => {
  const { put, signIn, userService, getUser, deeds, sessions } = await start()
  put('sub-1', { ...ann, groups: ['admins'] })
  const { browser } = await signIn('sub-1')
  await userService.delete(admin, (await getUser('boss@example.com')).id)
  put('sub-1', ann)
  expect((await signIn('sub-1')).end).toBe('/?sign_in_error=not_allowed')
  expect(await getUser(ann.email)).toMatchObject({ role: 'administrator', disabled: 0, disabled_by: null })
  expect(await sessions.authenticate(browser.cookies.get('rustymail_session')!)).toBeUndefined()
  expect(deeds).toMatchObject([{ operation: 'oidc.disableUser', outcome: 'last_administrator' }])
})

test('the start refuses unknown parameters, but not those of a portal; the callback takes what a provider adds', async () => {
  const { put, goToProvider, isPage, url } = await start()
  put('sub-1', { ...ann, groups: ['crew'] })
  const refused = await fetch(`${url}${startPath}?return=/mail&retrun=/x`, { redirect: 'manual' })
  expect(refused.status).toBe(400)
  expect(await refused.json()).toMatchObject({
    errors: [{ path: 'query', message: expect.stringContaining('"retrun"') }],
  })
  const browser = new PlainBrowser()
  const ofPortal = 'iss=https://sign-in.example&login_hint=ann&target_link_uri=https://mail.example/'
  const callback = await goToProvider(browser, 'sub-1', `${startPath}?return=/mail&${ofPortal}`)
  expect(callback.searchParams.has('iss')).toBe(true)
  callback.searchParams.append('session_state', 'a.b')
  callback.searchParams.append('anything', 'else')
  const { location } = await browser.follow(await browser.visit(callback), isPage)
  expect(location?.pathname).toBe('/mail')
  expect(location?.search).toBe('')
})
