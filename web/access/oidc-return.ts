/** The redirect to the OpenID Connect provider and back: where to return to, and why a sign-in failed. */
import { useState } from 'react'
import { returnName } from '../platform/session-mark.ts'

/** The query parameter in which the server reports a failed sign-in. */
const faultName = 'sign_in_error'

/** Texts by error code, which the server puts into the address after a failed sign-in. */
const faults: Record<string, (provider: string) => { title: string; detail: string }> = {
  denied: provider => ({
    title: `${provider} did not sign you in`,
    detail: 'You cancelled there, or the provider does not let you use RustyMail. Try again, or ask an administrator.',
  }),
  disabled: () => ({ title: 'Your account is disabled', detail: 'An administrator can enable it again.' }),
  email_taken: () => ({
    title: 'Your address already has an account',
    detail: 'It is not linked to the provider, which protects it from takeover. Sign in with your password.',
  }),
  email_unverified: provider => ({
    title: 'Your address is not verified',
    detail: `${provider} sent no email address, or has not verified it. Verify it there and try again.`,
  }),
  expired: provider => ({
    title: 'That took too long',
    detail: `The sign-in with ${provider} was not finished in time, or was started in another browser. Try again.`,
  }),
  failed: provider => ({
    title: `${provider} did not sign you in`,
    detail:
      'Its response was invalid. Try again; if it keeps failing, an administrator can find the reason in the log.',
  }),
  not_allowed: provider => ({
    title: 'You are not allowed to sign in yet',
    detail: `${provider} knows you, but none of your groups there grants you a role here. Ask an administrator.`,
  }),
  setup_needed: () => ({
    title: 'RustyMail is not set up yet',
    detail: 'The first administrator signs in with the set-up link, not through the provider.',
  }),
  too_many_users: () => ({
    title: 'The user limit is reached',
    detail: 'An administrator must delete a user first.',
  }),
  unavailable: provider => ({
    title: `${provider} cannot be reached`,
    detail: 'Try again later. If you have a password here, you can sign in with it.',
  }),
}

/** Reads the error once and removes it from the address, so that a reload does not show it again. */
export function useOidcFault(provider = 'The provider'): { title: string; detail: string } | undefined {
  const [code] = useState(takeCode)
  return code === null ? undefined : oidcFaultOf(code, provider)
}

/** @param code From the address, and so untrusted: anyone can write a link. */
export function oidcFaultOf(code: string, provider: string): { title: string; detail: string } {
  const say = Object.hasOwn(faults, code) ? faults[code] : undefined
  return (say ?? faults.failed!)(provider)
}

/** Returns the address to start at; it returns to the current page, whether the sign-in succeeds or not. */
export function oidcAddress(): string {
  const url = new URL(location.href)
  url.searchParams.delete(faultName)
  url.searchParams.set(returnName, '1')
  const { pathname, search } = url
  const wanted = (pathname === '/sign-in' ? '/' : pathname) + search
  return `/api/dashboard/session/oidc?${new URLSearchParams({ return: wanted })}`
}

function takeCode(): string | null {
  const url = new URL(location.href)
  const code = url.searchParams.get(faultName)
  if (code === null) return null
  url.searchParams.delete(faultName)
  history.replaceState(history.state, '', url)
  return code
}
