/** The way to the OpenID Connect provider and back: where to return to, and why it failed. */
import { useState } from 'react'
import { returnName } from '../platform/session-mark.ts'

/** As the server names it in the address of the page that was wanted. */
const faultName = 'sign_in_error'

/** Left by the server there when somebody comes back without being signed in. */
const faults: Record<string, (provider: string) => { title: string; detail: string }> = {
  denied: provider => ({
    title: `${provider} did not sign you in`,
    detail: 'You stopped it there, or you may not use RustyMail there. Try again, or ask an administrator.',
  }),
  disabled: () => ({ title: 'Your account is disabled', detail: 'An administrator can enable it again.' }),
  email_taken: () => ({
    title: 'Your address has an account already',
    detail: 'It is not linked to the provider, so that nobody can take it over. Sign in with your password.',
  }),
  email_unverified: provider => ({
    title: 'Your address is not confirmed',
    detail: `${provider} names no address of yours, or has not checked it. Confirm it there, and try again.`,
  }),
  expired: provider => ({
    title: 'That took too long',
    detail: `The way to ${provider} and back was not finished in time, or was begun in another browser. Try again.`,
  }),
  failed: provider => ({
    title: `${provider} did not sign you in`,
    detail: 'Its answer could not be used. Try again; if it stays so, an administrator finds the reason in the log.',
  }),
  not_allowed: provider => ({
    title: 'You may not sign in here yet',
    detail: `${provider} knows you, but none of your groups there gives you a role here. Ask an administrator.`,
  }),
  setup_needed: () => ({
    title: 'RustyMail is not set up yet',
    detail: 'The first administrator comes in by the set-up link, and not through the provider.',
  }),
  too_many_users: () => ({
    title: 'There is no room for another user',
    detail: 'An administrator must delete somebody first.',
  }),
  unavailable: provider => ({
    title: `${provider} cannot be reached`,
    detail: 'Try again in a while. Whoever has a password here can use that.',
  }),
}

/** Reads the fault once and takes it out of the address, so that it is not there any more after the next load. */
export function useOidcFault(provider = 'The provider'): { title: string; detail: string } | undefined {
  const [code] = useState(takeCode)
  return code === null ? undefined : oidcFaultOf(code, provider)
}

/** @param code From the address: whoever makes a link decides it. */
export function oidcFaultOf(code: string, provider: string): { title: string; detail: string } {
  const say = Object.hasOwn(faults, code) ? faults[code] : undefined
  return (say ?? faults.failed!)(provider)
}

/** Comes back to the page that was asked for, also when it does not work. */
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
