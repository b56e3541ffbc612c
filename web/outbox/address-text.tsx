/** An address in full, with the domain emphasised, because it decides where mail goes. */
import { splitAddress } from '../approvals/approval-words.ts'
import { asciiDomain, visibleText } from '../mail/mail-words.ts'

export function AddressText({ email }: { email: string }) {
  const { local, domain } = splitAddress(email)
  const ascii = asciiDomain(email)
  return (
    <bdi className="wrap-anywhere">
      <span className="text-soft">{visibleText(local)}</span>
      <strong className="font-semibold text-ink">{visibleText(domain)}</strong>
      {ascii !== undefined && <span className="text-warn"> ({ascii})</span>}
      {/[^\x20-\x7e]/.test(local) && <span className="text-warn"> (letters other than a–z before the @)</span>}
    </bdi>
  )
}
