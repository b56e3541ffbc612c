/** The contract is kept: each endpoint is served, none answers anonymous callers, and docs/ is as rendered. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { renderAsyncApi } from '../contract/asyncapi.ts'
import type { Endpoint } from '../contract/endpoint.ts'
import { controls, facts, states } from '../contract/event.ts'
import { api, operationName } from '../contract/index.ts'
import { renderOpenApi } from '../contract/openapi.ts'
import { accountTools } from '../server/accounts/account-tools.ts'
import { createApp } from '../server/app.ts'
import { loadConfig } from '../server/config.ts'
import { ChangeWaits } from '../server/mail/change-waits.ts'
import { mailTools } from '../server/mail/mail-tools.ts'
import { folderTool } from '../server/operations/folder-tool.ts'
import { operationTools } from '../server/operations/operation-tools.ts'
import { outboxTools } from '../server/outbox/outbox-tools.ts'
import { fieldsOf } from '../server/platform/http/http-input.ts'
import { createLogger } from '../server/platform/logger.ts'
import { passwordMemory } from './support/passwords.ts'
import { tempDir } from './support/temp-dir.ts'

const endpoints = Object.values(api).flatMap(group => Object.values(group) as Endpoint[])

async function startApp(apiKey = '') {
  const dir = tempDir('contract')
  const config = loadConfig([], {
    RUSTYMAIL_PORT: '0',
    RUSTYMAIL_DATA_DIR: join(dir.path, 'data'),
    RUSTYMAIL_DATABASE_URL: 'sqlite::memory:',
    RUSTYMAIL_API_KEY: apiKey,
  })
  const app = createApp(config, { passwordMemory, logger: createLogger('silent') })
  onTestFinished(async () => {
    await app.stop()
    dir.remove()
  })
  await app.start()
  return app
}

test('every endpoint of the contract is served, and beside them only what is no JSON', async () => {
  const app = await startApp()
  const served = new Set(app.http.routes.flatMap(({ operation }) => operation?.name ?? []))
  const others = [
    'audit.exportAudit',
    'logs.exportLogs',
    'finishMailSignIn',
    'docs',
    'drafts.getAttachment',
    'drafts.getHtml',
    'drafts.getRaw',
    'drafts.uploadAttachment',
    'mail.getMessageHtml',
    'mail.getAttachment',
    'mail.getMessagePart',
    'mail.getMessageRaw',
    'mail.getAttachmentsZip',
    'mcp.exchange',
    'mcp.openSse',
    'mcp.postSse',
    'mcpAuth.getResourceMetadata',
    'mcpAuth.getServerMetadata',
    'mcpAuth.getKeys',
    'mcpAuth.authorize',
    'mcpAuth.resume',
    'mcpAuth.issueTokens',
    'mcpAuth.revokeTokens',
    'mcpAuth.register',
    'metrics.prometheus',
    'outbox.getSubmissionHtml',
  ]
  expect([...served].sort()).toEqual([...endpoints.map(operationName), ...others].sort())
})

test('anonymous callers get only what is public', async () => {
  const app = await startApp()
  const answers = await Promise.all(
    endpoints.map(async endpoint => {
      const path = endpoint.path.replaceAll(/\{\w+\}/g, 'x')
      const answer = await fetch(app.address + path, { method: endpoint.method })
      return [operationName(endpoint), answer.status, endpoint.scope] as const
    }),
  )
  for (const path of ['/metrics', '/openapi.json', '/asyncapi.json', '/docs', '/docs/static/index.html']) {
    expect([path, (await fetch(app.address + path)).status]).toEqual([path, 401])
  }
  expect(answers.filter(([, status, scope]) => (scope === 'public' ? status === 401 : status !== 401))).toEqual([])
  expect(
    answers
      .filter(([, , scope]) => scope === 'public')
      .map(([name]) => name)
      .sort(),
  ).toEqual([
    'access.beginPasskeySignIn',
    'access.finishPasskeySignIn',
    'access.getSignInState',
    'access.giveSecondFactor',
    'access.openSession',
    'access.setUp',
    'system.live',
    'system.ready',
    'users.acceptLink',
    'users.readLink',
  ])
})

test('every field that is called like a secret is declared as one, so that the trail keeps nothing of it', () => {
  const unused = async () => Promise.reject(new Error('nobody calls it'))
  const placeOf = () => {
    throw new Error('nobody calls it')
  }
  const mail = { listFolders: unused, getUncompared: unused, openAttachment: unused, placeOf }
  const indexed = { listById: unused, getThread: unused, listChanges: unused }
  const parts = { read: unused, decode: unused }
  const search = { searchAccount: unused, searchMail: unused }
  const tools = [
    ...accountTools({ list: unused }),
    ...mailTools({ mail, search, indexed, parts, waits: new ChangeWaits(), accounts: { list: unused } }),
    ...operationTools({
      operations: { accept: unused, settled: unused },
      accounts: { list: unused },
      baseUrl: () => '',
    }),
    ...outboxTools({ outbox: { list: unused, get: unused, cancel: unused }, baseUrl: () => '' }),
    folderTool({
      folders: { accept: unused },
      operations: { settled: unused },
      accounts: { list: unused },
      baseUrl: () => '',
    }),
  ]
  const inputs = [
    ...endpoints.flatMap(endpoint =>
      [endpoint.query, endpoint.body].map(type => [operationName(endpoint), type] as const),
    ),
    ...tools.map(({ name, input }) => [`tool.${name}`, input] as const),
  ]
  const fields = inputs.flatMap(([operation, type]) =>
    type ? fieldsOf(type).map(({ path, isSecret }) => ({ operation, name: path.join('.'), isSecret })) : [],
  )
  const named = ({ operation, name }: (typeof fields)[number]) => `${operation}.${name}`
  const smell = /pass|secret|token|code|key|credential|response|challenge|proof|assertion|\bpin\b/
  const forgotten = fields.filter(({ name, isSecret }) => !isSecret && smell.test(name)).map(named)
  // Flags, a model's token counts, the id of a token, and argon2id's number of passes.
  expect(forgotten.toSorted()).toEqual([
    'accountMoving.importAccounts.file.kdf.passes',
    'approvals.setApprovalSettings.own_tokens',
    'approvals.setApprovalSettings.passkey',
    'assistantSettings.createProvider.context_tokens',
    'assistantSettings.listModels.provider.context_tokens',
    'assistantSettings.testProvider.provider.context_tokens',
    'assistantSettings.updateAssistantSettings.limits.conversation_tokens',
    'assistantSettings.updateAssistantSettings.limits.max_output_tokens',
    'assistantSettings.updateAssistantSettings.limits.principal_tokens_per_day',
    'assistantSettings.updateProvider.context_tokens',
    'outbox.checkDraft.token_id',
    'users.resetUser.revoke_tokens',
    'webhooks.createWebhook.token_id',
  ])
  expect([...new Set(fields.filter(({ isSecret }) => isSecret).map(named))].sort()).toEqual([
    'access.finishPasskeySignIn.challenge_id',
    'access.finishPasskeySignIn.response',
    'access.giveSecondFactor.challenge',
    'access.giveSecondFactor.code',
    'access.openSession.email',
    'access.openSession.password',
    'access.setUp.password',
    'access.setUp.setup_token',
    'accountMoving.exportAccounts.passphrase',
    'accountMoving.importAccounts.passphrase',
    'accountMoving.importCsv.csv',
    'accounts.createAccount.imap.password',
    'accounts.createAccount.smtp.password',
    'accounts.updateAccount.imap.password',
    'accounts.updateAccount.smtp.password',
    'approvals.approve.passkey.challenge_id',
    'approvals.approve.passkey.response',
    'assistantSettings.createProvider.api_key',
    'assistantSettings.listModels.provider.api_key',
    'assistantSettings.testProvider.provider.api_key',
    'assistantSettings.updateProvider.api_key',
    'mailOAuth.setOAuthProvider.client_secret',
    'notifiers.changeNotifier.target.bot_token',
    'notifiers.changeNotifier.target.secret',
    'notifiers.changeNotifier.target.smtp.password',
    'notifiers.changeNotifier.target.token',
    'notifiers.changeNotifier.target.topic',
    'notifiers.changeNotifier.target.url',
    'notifiers.createNotifier.target.bot_token',
    'notifiers.createNotifier.target.secret',
    'notifiers.createNotifier.target.smtp.password',
    'notifiers.createNotifier.target.token',
    'notifiers.createNotifier.target.topic',
    'notifiers.createNotifier.target.url',
    // Text of agents.
    'permissionPrompts.openPermissionPrompt.description',
    'permissionPrompts.openPermissionPrompt.input_preview',
    'profile.addPasskey.challenge_id',
    'profile.addPasskey.response',
    'profile.beginPasskey.current_password',
    'profile.beginTotp.current_password',
    'profile.changePassword.current_password',
    'profile.changePassword.new_password',
    'profile.confirmTotp.code',
    'profile.removePasskey.current_password',
    'profile.removeTotp.current_password',
    'profile.renewRecoveryCodes.current_password',
    'push.subscribePush.endpoint',
    'push.subscribePush.keys.auth',
    'push.subscribePush.keys.p256dh',
    'settings.updateConfig.password',
    'users.acceptLink.link_token',
    'users.acceptLink.password',
    'users.readLink.link_token',
  ])
})

test('the page of the documentation is loaded when it is asked for, and served as files are', async () => {
  const app = await startApp('an-api-key-for-the-documentation')
  const ask = (path: string, headers = {}) =>
    fetch(app.address + path, { headers: { 'x-api-key': 'an-api-key-for-the-documentation', ...headers } })
  // The first two are requested together: the plugin is loaded once, for both.
  const [page, style] = await Promise.all([ask('/docs'), ask('/docs/static/swagger-ui.css')])
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
  expect(page.headers.get('content-security-policy')).toContain("style-src 'self' 'unsafe-inline'")
  expect(await page.text()).toContain('<title>RustyMail API</title>')
  expect([style.status, style.headers.get('content-type')]).toEqual([200, 'text/css; charset=utf-8'])
  // Without `cache-control`, fetch would add `no-cache`.
  const known = { 'if-none-match': style.headers.get('etag') ?? '', 'cache-control': 'max-age=0' }
  const again = await ask('/docs/static/swagger-ui.css', known)
  expect([again.status, (await again.text()).length]).toEqual([304, 0])
  const part = await ask('/docs/static/swagger-ui.css', { range: 'bytes=0-9' })
  expect([part.status, (await part.text()).length]).toEqual([206, 10])
  expect(await (await ask('/docs/json')).json()).toEqual(await (await ask('/openapi.json')).json())
  expect(await (await ask('/docs/yaml')).text()).toMatch(/^openapi: /)
  const index = await ask('/docs/static/index.html', {})
  expect([new URL(index.url).pathname, index.status]).toEqual(['/docs/', 200])
  const nothing = await ask('/docs/static/nowhere.css')
  expect([nothing.status, await nothing.json()]).toMatchObject([404, { code: 'not_found' }])
})

test('docs/openapi.json is current (npx vitest run test/contract -u renders it again)', async () => {
  const text = `${JSON.stringify(renderOpenApi({ title: 'RustyMail', version: 'current' }), null, 2)}\n`
  await expect(text).toMatchFileSnapshot('../docs/openapi.json')
})

test('docs/asyncapi.json is current (npx vitest run test/contract -u renders it again)', async () => {
  const text = `${JSON.stringify(renderAsyncApi({ title: 'RustyMail', version: 'current' }), null, 2)}\n`
  await expect(text).toMatchFileSnapshot('../docs/asyncapi.json')
})

test('docs/events.md names every event with every field of it', () => {
  const text = readFileSync(join(import.meta.dirname, '../docs/events.md'), 'utf8')
  const types = [...Object.entries(facts), ...Object.entries(states)].map(([type, { data }]) => [type, data] as const)
  const missing = [...types, ...Object.entries(controls)].flatMap(([type, data]) => {
    const row = text.split('\n').find(line => line.startsWith(`| \`${type}\` |`)) ?? ''
    return [type, ...Object.keys(data.shape)]
      .filter(name => !row.includes(`\`${name}\``))
      .map(name => `${type}.${name}`)
  })
  expect(missing).toEqual([])
})

const rendered = { OpenAPI: renderOpenApi, AsyncAPI: renderAsyncApi }

test.each(Object.entries(rendered))('every reference of the %s document leads somewhere', (_name, render) => {
  const document: object = render({ title: 'RustyMail', version: 'current' })
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(match => match[1]!)
  expect(references.length).toBeGreaterThan(20)
  const follow = (reference: string) =>
    reference
      .split('/')
      .slice(1)
      .reduce<object | undefined>((node, key) => (node as Record<string, object> | undefined)?.[key], document)
  expect(references.filter(reference => follow(reference) === undefined)).toEqual([])
})
