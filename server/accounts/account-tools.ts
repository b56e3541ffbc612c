/** The tool that lists accounts for models, with what may be done with them. Administering accounts is for people. */
import { z } from 'zod'
import { defineTool, type Tool } from '../tools/tool.ts'
import { toMailAccount } from './account-row.ts'
import type { AccountService } from './account-service.ts'

/** Accounts in one answer; of the rest only the number is given. */
const maxAccounts = 200

export function accountTools(accounts: Pick<AccountService, 'list'>): Tool[] {
  const list = defineTool({
    name: 'mail_accounts',
    title: 'Accounts',
    description: 'Accounts that you may use, and what for.',
    scope: 'signed_in',
    effect: 'read',
    input: z.strictObject({}),
    output: z.object({
      accounts: z.array(
        z.object({
          id: z.string(),
          email: z.string(),
          can: z.array(z.string()),
          state: z.string().optional(),
        }),
      ),
      more: z.int().optional(),
    }),
    run: async ({ principal }) => {
      const seen = await accounts.list(principal)
      const shown = seen
        .slice(0, maxAccounts)
        .map(account => toMailAccount(principal, account))
        .map(({ id, email, can, state }) => ({ id, email, can, ...(state !== 'ready' && { state }) }))
      return { accounts: shown, ...(seen.length > maxAccounts && { more: seen.length - maxAccounts }) }
    },
  })
  return [list]
}
