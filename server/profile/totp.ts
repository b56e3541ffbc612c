/** Codes of an authenticator app (RFC 6238): SHA-1, six digits, 30 seconds, which every app supports. */
import { Secret, TOTP } from 'otpauth'
import { renderSVG } from 'uqr'

const issuer = 'RustyMail'
const settings = { algorithm: 'SHA1', digits: 6, period: 30 }
/** Steps of clock skew that are accepted in either direction. */
const window = 1

/** Creates 160 bits, in base32. */
export function createTotpSecret(): string {
  return new Secret({ size: 20 }).base32
}

/** Returns what a user types or scans. @param label Shown beside the code in the app. */
export function describeTotp(secret: string, label: string): { secret: string; uri: string; qr_svg: string } {
  const uri = new TOTP({ ...settings, issuer, label, secret }).toString()
  return { secret, uri, qr_svg: renderSVG(uri, { pixelSize: 4, border: 4 }) }
}

/**
 * Returns the time step of a code, counted from 1970, or undefined if it is not current. Whether it was used is not
 * checked.
 */
export function findTotpStep(secret: string, code: string, now: number): number | undefined {
  if (!/^\d{6}$/.test(code)) return undefined
  const { period } = settings
  const config = { ...settings, secret: Secret.fromBase32(secret), timestamp: now }
  const distance = TOTP.validate({ ...config, token: code, window })
  return distance === null ? undefined : TOTP.counter({ period, timestamp: now }) + distance
}
