/** Notifiers as administrators set them up: what is shown, kept and refused, and what a test says. */
import { expect, test } from 'vitest'
import { NotifierBody, notifierBounds } from '../../contract/notifiers.ts'
import { onEachDatabase } from '../../test/support/databases.ts'
import { secrets } from '../../test/support/notice-stand-ins.ts'
import { administrator, notifyWorld } from '../../test/support/notify-world.ts'
import { resealAll } from '../key-rotation.ts'
import { SecretBox } from '../platform/secret-box.ts'
import { openTarget } from './notifier-target.ts'

const body = (change: object) => NotifierBody.parse({ name: 'Chat', ...change })

onEachDatabase(open => {
  test('secrets are sealed, never shown again, kept where they are left out, and never sent to another server', async () => {
    const { service, stand, store } = await notifyWorld(await open())
    const admin = administrator()
    const [telegram, ntfy, slack] = [await stand('telegram'), await stand('ntfy'), await stand('slack')]
    const made = await Promise.all([telegram, ntfy, slack].map(({ target }) => service.create(admin, body({ target }))))
    const shown = JSON.stringify([made, await service.list(admin)])
    const stored = JSON.stringify(await store.list())
    for (const secret of [secrets.token, secrets.bot, secrets.topic]) {
      expect(shown).not.toContain(secret)
      expect(stored).not.toContain(secret)
    }
    const { id } = made[0]!.notifier
    const { bot_token: _, ...rest } = telegram.target as { bot_token: string; kind: 'telegram' }
    await service.change(admin, id, body({ name: 'Renamed', target: rest }))
    expect(await service.test(admin, id, new AbortController().signal)).toMatchObject({ outcome: 'delivered' })
    const elsewhere = body({ target: { ...rest, server: 'https://evil.example' } })
    await expect(service.change(admin, id, elsewhere)).rejects.toMatchObject({
      code: 'bad_request',
      message: expect.stringContaining('bot_token: must be given again'),
    })
    await expect(service.change(admin, id, body({ target: slack.target }))).rejects.toThrow(/kind: is telegram/)
  })

  test('no token makes an account send past its policy', async () => {
    const { service, create } = await notifyWorld(await open())
    const token = { ...administrator(), id: 'token-1', kind: 'token' as const }
    const target = { kind: 'email', to: ['anybody@there.test'], account_id: 'box' }
    await expect(service.create(token, body({ target }))).rejects.toMatchObject({ code: 'session_needed' })
    const { id } = await create({ target })
    await expect(service.change(token, id, body({ target }))).rejects.toMatchObject({ code: 'session_needed' })
  })

  test('one that mails by the account it is to tell of says so, until another tells as much', async () => {
    const { service, stand, create } = await notifyWorld(await open())
    const mail = await create({ target: { kind: 'email', to: ['ops@there.test'], account_id: 'box' } })
    expect(mail.warnings).toEqual([
      {
        code: 'accounts_untold',
        detail: expect.stringMatching(/^Alerts about box@here.test reach nobody: /),
        account_ids: ['box'],
      },
    ])
    const { notifier } = await service.create(administrator(), body({ target: (await stand('slack')).target }))
    expect(notifier.warnings).toEqual([])
    const warned = async () => (await service.list(administrator())).map(({ warnings }) => warnings.length)
    expect(await warned()).toEqual([0, 0])
    await service.delete(administrator(), notifier.id)
    expect(await warned()).toEqual([1])
  })

  test('another key seals them again', async () => {
    const { service, stand, store, db, secrets: box } = await notifyWorld(await open())
    const { target } = await stand('telegram')
    const { notifier } = await service.create(administrator(), body({ target }))
    const next = new SecretBox(Buffer.alloc(32, 9))
    expect(await resealAll(db, box, next)).toBe(1)
    const row = (await store.find(notifier.id))!
    expect(openTarget(next, row.id, row.target_sealed)).toEqual(target)
    expect(() => openTarget(box, row.id, row.target_sealed)).toThrow()
  })

  test('the password of an SMTP server stays with that server', async () => {
    const { service } = await notifyWorld(await open())
    const admin = administrator()
    const smtp = { host: 'smtp.example.org', port: 465, tls: 'implicit', user: 'me', password: 'geheim-8f2kq' }
    const target = { kind: 'email', to: ['ops@example.org'], smtp, from: 'alerts@example.org' }
    const { notifier } = await service.create(admin, body({ target }))
    expect(JSON.stringify(notifier)).not.toContain('geheim')
    const { password: _, ...server } = smtp
    await service.change(admin, notifier.id, body({ target: { ...target, to: ['b@example.org'], smtp: server } }))
    const moved = body({ target: { ...target, smtp: { ...server, host: 'evil.example' } } })
    await expect(service.change(admin, notifier.id, moved)).rejects.toThrow(/smtp.password: must be given again/)
    for (const wrong of [{ smtp: null }, { from: null }, { account_id: 'a' }, { smtp: server }]) {
      await expect(service.create(admin, body({ target: { ...target, ...wrong } }))).rejects.toMatchObject({
        code: 'bad_request',
      })
    }
    const none = { kind: 'email', to: ['ops@example.org'], account_id: 'gone' }
    await expect(service.create(admin, body({ target: none }))).rejects.toThrow(/is not an account/)
  })

  test('a test says what came back and is logged; a webhook gets a secret of ours once', async () => {
    const { service, stand } = await notifyWorld(await open())
    const admin = administrator()
    const hook = await stand('webhook')
    const { secret: _, ...target } = hook.target as { kind: 'webhook'; url: string; secret: string }
    const { notifier, secret } = await service.create(admin, body({ target }))
    expect(secret).toMatch(/^whsec_/)
    await service.change(admin, notifier.id, body({ target: hook.target }))
    const { signal } = new AbortController()
    expect(await service.test(admin, notifier.id, signal)).toMatchObject({
      ...{ outcome: 'delivered', status: 204, reason: 'test', attempt: 1, said: 'Answered 204.' },
    })
    hook.ways.push('refuse')
    expect(await service.test(admin, notifier.id, signal)).toMatchObject({
      ...{ outcome: 'abandoned', status: 404, said: 'Answered 404: no such hook' },
    })
    expect((await service.deliveries(admin, notifier.id)).map(({ outcome }) => outcome)).toEqual([
      'abandoned',
      'delivered',
    ])
  })

  test('the log keeps the latest attempts of each', async () => {
    const { service, stand, store, create } = await notifyWorld(await open())
    const { target } = await stand('slack')
    const [{ id }, other] = [await create({ target }), await create({ target })]
    const row = {
      duration_ms: 1,
      reason: 'alerts',
      title: 'x',
      attempt: 1,
      outcome: 'retried',
      status: null,
      said: 'x',
    }
    const at = '2026-03-02T12:00:00.000Z'
    const name = (number: number) => `d${String(number).padStart(4, '0')}`
    await store.transaction(async transaction => {
      for (let number = 0; number < 105; number++)
        await store.note(transaction, { ...row, id: name(number), notice_id: name(number), notifier_id: id, at })
      await store.note(transaction, { ...row, id: 'd', notice_id: 'd', notifier_id: other.id, at })
    })
    const log = await service.deliveries(administrator(), id)
    expect([log.length, log[0]!.id, log.at(-1)!.id]).toEqual([notifierBounds.deliveries, name(104), name(5)])
    expect((await service.deliveries(administrator(), other.id)).length).toBe(1)
  })

  test.each([
    [{ kind: 'slack', url: 'http://hooks.slack.com/services/x' }, 'https://'],
    [{ kind: 'slack', url: 'https://u:p@hooks.slack.com/services/x' }, 'credentials'],
    [{ kind: 'slack', url: 'no address' }, 'not a URL'],
    [{ kind: 'slack' }, 'url: is required'],
    [{ kind: 'slack', url: 'http://10.0.0.1/hook' }, 'RUSTYMAIL_PRIVATE_NETWORKS'],
    [{ kind: 'slack', url: 'https://169.254.169.254/hook' }, '169.254.169.254'],
    [{ kind: 'webhook', url: 'https://127.0.0.1/x', secret: 'x'.repeat(30) }, 'whsec_'],
    [{ kind: 'ntfy' }, 'topic: is required'],
    [{ kind: 'ntfy', server: 'https://ntfy.example.org/?auth=secret', topic: 'abc' }, 'no query'],
    [{ kind: 'web_push', user_ids: ['nobody'] }, 'no user nobody'],
  ])('%j is refused', async (target, words) => {
    const { service } = await notifyWorld(await open())
    await expect(service.create(administrator(), body({ target }))).rejects.toThrow(words)
  })

  test('they are for administrators of all accounts, bounded in number, and forgotten where they go', async () => {
    const { service, stand, create } = await notifyWorld(await open())
    const { target } = await stand('slack')
    const [admin, partly] = [administrator(), administrator(new Set(['a']))]
    const first = await create({ target })
    const { signal } = new AbortController()
    for (const attempt of [
      () => service.create(partly, body({ target })),
      () => service.change(partly, first.id, body({ target })),
      () => service.delete(partly, first.id),
      () => service.test(partly, first.id, signal),
      () => service.deliveries(partly, first.id),
    ])
      await expect(attempt()).rejects.toMatchObject({ code: 'forbidden' })
    expect(await service.list(partly)).toEqual([])
    const escalate = { notifier_id: first.id, after_minutes: 5 }
    const second = await create({ target, escalate })
    await expect(service.change(admin, first.id, body({ target, escalate }))).rejects.toThrow(/not another notifier/)
    await service.delete(admin, first.id)
    await expect(service.test(admin, first.id, signal)).rejects.toMatchObject({ code: 'not_found' })
    expect((await service.list(admin)).map(({ id, escalate: to }) => [id, to])).toEqual([[second.id, null]])
    while ((await service.list(admin)).length < notifierBounds.notifiers) await create({ target })
    await expect(create({ target })).rejects.toMatchObject({ code: 'not_possible_now' })
  })
})
