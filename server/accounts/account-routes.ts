/** /api/dashboard/accounts, /api/v1/accounts and the sandbox. */
import { accountHealthApi } from '../../contract/account-health.ts'
import { type Account, accountsApi } from '../../contract/accounts.ts'
import { type HttpServer, handle } from '../platform/http-server.ts'
import type { AccountHealthService } from './account-health-service.ts'
import { refuseNarrow } from './account-rights.ts'
import type { AccountService } from './account-service.ts'
import { toMailAccount } from './mail-account.ts'

/** @param startSandbox Starts the throw-away mail server and connects its account. */
export function accountRoutes(
  http: HttpServer,
  accounts: AccountService,
  health: AccountHealthService,
  startSandbox: () => Promise<Account>,
): void {
  handle(http, accountsApi.listMailAccounts, async ({ principal }) => ({
    items: (await accounts.list(principal)).map(account => toMailAccount(principal, account)),
    next_cursor: null,
  }))
  handle(http, accountsApi.listAccounts, async ({ principal }) => ({
    items: await accounts.list(principal),
    next_cursor: null,
  }))
  handle(http, accountsApi.createAccount, async call => {
    const created = await accounts.create(call.principal, call.body, { verify: call.query.verify === 'true' })
    call.note({ account_id: created.id })
    return created
  })
  handle(http, accountsApi.getAccount, ({ principal, params }) => accounts.get(principal, params.account_id))
  handle(http, accountsApi.updateAccount, ({ principal, params, body, query }) =>
    accounts.update(principal, params.account_id, body, { verify: query.verify === 'true' }),
  )
  handle(http, accountsApi.deleteAccount, ({ principal, params }) => accounts.delete(principal, params.account_id))
  handle(http, accountsApi.verifyAccount, ({ principal, params }) => accounts.verify(principal, params.account_id))
  handle(http, accountHealthApi.getAccountHealth, ({ principal, params }) =>
    health.report(principal, params.account_id),
  )
  handle(http, accountHealthApi.reconnectAccount, ({ principal, params }) =>
    health.reconnect(principal, params.account_id),
  )
  handle(http, accountsApi.startSandbox, ({ principal }) => {
    refuseNarrow(principal, 'To start the sandbox')
    return startSandbox()
  })
}
