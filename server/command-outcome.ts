/** Dispatches the commands of the command line other than `serve`. */
import { backup, restore } from './backup-commands.ts'
import { acceptAudit, createAdministrator, type Outcome, rotateKey, verifyAudit } from './commands.ts'
import type { Config } from './config.ts'
import { diagnose } from './diagnose-command.ts'
import { exportAccounts, importAccounts } from './moving-commands.ts'
import { Prompt, type Terminal } from './prompt.ts'

/**
 * Runs the configured command.
 * @param terminal Where a person is prompted.
 */
export async function outcomeOf(config: Config, terminal: Terminal): Promise<Outcome> {
  if (config.command === 'audit verify') return verifyAudit(config)
  if (config.command === 'audit accept') return acceptAudit(config)
  if (config.command === 'key rotate') return rotateKey(config, config.newSecretKey)
  if (config.command === 'backup') return backup(config)
  if (config.command === 'restore') return restore(config)
  const prompt = new Prompt(terminal)
  try {
    if (config.command === 'diagnose') {
      const question = 'Password, or nothing to leave the login out: '
      return await diagnose(config, () => prompt.ask(question, { isHidden: true }))
    }
    const passphrase = () => prompt.ask('Passphrase, at least 12 characters: ', { isHidden: true })
    if (config.command === 'accounts export') return await exportAccounts(config, passphrase)
    if (config.command === 'accounts import') return await importAccounts(config, passphrase)
    const { email, name } = config.newAdministrator
    return await createAdministrator(config, {
      email: async () => email ?? prompt.ask('Email: '),
      name: async () => name ?? prompt.ask('Name: '),
      password: () => prompt.ask('Password, at least 12 characters: ', { isHidden: true }),
    })
  } finally {
    prompt.close()
  }
}
