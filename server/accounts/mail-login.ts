/** Where and as which user to log in to a mail server, with the password in the open: never logged, never answered. */
import type { MailServer } from '../../contract/accounts.ts'

export interface MailLogin extends MailServer {
  password: string
}
