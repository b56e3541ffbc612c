/** What is odd about settings, though a server can start with them: names that mean nothing here, a certificate that has expired. */
import { X509Certificate } from 'node:crypto'

/** Of our own tests and launcher, and what Kubernetes sets for a service of the name `rustymail`. */
const known = /^RUSTYMAIL_(TEST|BENCH|SERVICE|PORT|LAUNCHER)_/
/** Named at once. */
const mostNames = 10

/**
 * Each in one clear line; values are never in them.
 * @param names All settings that there are.
 */
export function hintsOf(
  environment: Readonly<Record<string, unknown>>,
  names: readonly string[],
  { cert, now }: { cert: Buffer | undefined; now: number },
): string[] {
  const unknown = Object.keys(environment)
    .filter(name => name.startsWith('RUSTYMAIL_') && !names.includes(name) && !known.test(name))
    .sort()
  const hints = unknown
    .slice(0, mostNames)
    .map(name => `${name} is no setting of RustyMail, and does nothing; .env.example lists what there is`)
  const until = cert && endOf(cert)
  if (until && until.getTime() < now) {
    hints.push(
      `the certificate in RUSTYMAIL_TLS_CERT expired on ${until.toISOString().slice(0, 10)}: clients refuse it`,
    )
  }
  return hints
}

/** Undefined for what OpenSSL takes, and Node does not read here: to tell it is no reason to end a start. */
function endOf(cert: Buffer): Date | undefined {
  try {
    return new X509Certificate(cert).validToDate
  } catch {
    return undefined
  }
}
