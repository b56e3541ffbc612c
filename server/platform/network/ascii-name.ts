/** Domain names in ASCII (IDNA). */
import { domainToASCII } from 'node:url'

/**
 * Node parses the name as the host of a URL: without the check `elsewhere.example/bank.example` would be
 * `elsewhere.example`, and `%62ank.example` would be `bank.example`. @returns Empty when it is no name.
 */
export function asciiName(name: string): string {
  return /[/\\?#%:@]/.test(name) ? '' : domainToASCII(name)
}
