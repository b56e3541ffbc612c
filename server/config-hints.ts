/** Finds odd settings with which a server can still start: unknown variable names, an expired certificate. */
import { X509Certificate } from 'node:crypto'
import { nearestOf } from './nearest-word.ts'

/** Variables of our own tests and launcher, and those that Kubernetes sets for a service named `rustymail`. */
const known = /^RUSTYMAIL_(TEST|BENCH|SERVICE|PORT|LAUNCHER)_/
/** Upper bound of unknown names that are reported. */
const mostNames = 10

/**
 * Returns hints, one clear line each, without values.
 * @param names All settings that exist.
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
    .map(name => `${name} is not a setting of RustyMail and has no effect; ${hintFor(name, names)}`)
  const until = cert && endOf(cert)
  if (until && until.getTime() < now) {
    hints.push(
      `the certificate in RUSTYMAIL_TLS_CERT expired on ${until.toISOString().slice(0, 10)}: clients refuse it`,
    )
  }
  return hints
}

function hintFor(name: string, names: readonly string[]): string {
  const near = nearestOf(name, names)
  return near === undefined ? '.env.example lists all settings' : `did you mean ${near}?`
}

/**
 * Returns the end of the certificate; undefined if OpenSSL accepts it but Node cannot parse it here, which must not
 * prevent a start.
 */
function endOf(cert: Buffer): Date | undefined {
  try {
    return new X509Certificate(cert).validToDate
  } catch {
    return undefined
  }
}
