/** The state of the connect dialog, from an address to a connected account. Passwords are kept only here. */
import { useMutation } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import type { DiscoveredSettings } from '../../contract/autoconfig.ts'
import { api } from '../../contract/index.ts'
import { call } from '../platform/api-client.ts'
import {
  type AccountDraft,
  addressFaults,
  emptyDraft,
  type Faults,
  faultsOf,
  hasOtherServers,
  inputOf,
  isAddress,
  withEdit,
  withoutEdited,
  withoutSettings,
  withSettings,
} from './account-draft.ts'
import { faultsOfError } from './form-faults.ts'
import { useOAuthProviders } from './oauth-providers.ts'
import { type SignInWay, signInWay } from './sign-in-way.ts'
import { useAccountsChanged } from './use-accounts.ts'
import { useDiscovery } from './use-discovery.ts'

export type WizardStep = 'address' | 'servers' | 'try'

/** `optional`: the provider also offers sign-in; `none`: the provider accepts no passwords. */
export type PasswordUse = 'required' | 'optional' | 'none'

export function useConnectWizard() {
  const [step, setStep] = useState<WizardStep>('address')
  const [draft, setDraft] = useState(emptyDraft)
  const [chosenId, setChosenId] = useState<string>()
  /** Servers typed by hand are kept until the address changes. */
  const isTyped = useRef(false)
  const { look, start } = useDiscovery(discovery => {
    const [best] = discovery.candidates
    if (isTyped.current) return
    if (best) {
      setChosenId(best.id)
      setDraft(before => withSettings(before, best))
    } else {
      setDraft(withoutSettings)
    }
  })
  const [faults, setFaults] = useState<Faults>({})
  const [attempt, setAttempt] = useState(0)
  const changed = useAccountsChanged()
  const running = useRef<AbortController>(undefined)
  const connecting = useMutation({
    mutationFn: ({ verify }: { verify: boolean }) => {
      running.current = new AbortController()
      const query = { verify: verify ? ('true' as const) : ('false' as const) }
      return call(api.accounts.createAccount, { body: inputOf(draft), query, signal: running.current.signal })
    },
    onSuccess: changed,
    onError: error => {
      if (running.current?.signal.aborted) return
      const found = faultsOfError(error)
      judge(found)
      if (isBadInput(found, error)) setStep(isOfAddress(found) ? 'address' : 'servers')
    },
  })
  useEffect(() => () => running.current?.abort(), [])
  const judge = (found: Faults) => {
    setFaults(found)
    setAttempt(before => before + 1)
  }
  const go = (next: WizardStep, found: Faults = {}) => {
    judge(found)
    setStep(next)
  }
  const connect = (verify: boolean) => {
    go('try')
    connecting.mutate({ verify })
  }
  const email = draft.email.trim()
  const lookForServers = () => {
    if (isAddress(email)) start(email)
  }
  // Results for another address are not shown.
  const ofAddress = look?.email === email ? look : undefined
  const candidates = ofAddress?.discovery?.candidates ?? []
  /** Undefined also if servers were typed by hand that match no candidate. */
  const chosen = candidates.find(({ id }) => id === chosenId)
  const isLooking = ofAddress?.discovery?.state !== 'finished' && !ofAddress?.error
  const providers = useOAuthProviders().data?.items ?? []
  // In the address step only discovered servers count; typed ones may belong to the previous address.
  const offered = step === 'address' && !chosen ? withoutSettings(draft) : draft
  const isEarly = offered.imap.host.trim() === '' && isLooking
  const way = isEarly ? undefined : signInWay(providers, offered, chosen)
  const password = passwordUse(way, chosen)
  return {
    step,
    draft,
    faults: step === 'address' && password !== 'required' ? withoutPassword(faults) : faults,
    way,
    password,
    connecting,
    look: ofAddress,
    candidates,
    chosen,
    lookForServers,
    choose(id: string) {
      const settings = candidates.find(candidate => candidate.id === id)
      if (!settings) return
      isTyped.current = true
      setChosenId(id)
      setFaults({})
      setDraft(before => withSettings(before, settings))
    },
    /** Changes on each validation. */
    attempt,
    /** Discovered servers may have arrived since this draft was shown; the edit must not overwrite them. */
    change(edited: AccountDraft) {
      setFaults(withoutEdited(faults, draft, edited))
      if (edited.email !== draft.email) isTyped.current = false
      if (hasOtherServers(draft, edited)) isTyped.current = true
      if (edited.imap.host !== draft.imap.host) setChosenId(undefined)
      setDraft(before => withEdit(before, draft, edited))
    },
    toServers() {
      lookForServers()
      const missing = addressFaults(draft, password === 'required')
      if (Object.keys(missing).length > 0) return judge(missing)
      if (!isTyped.current && candidates.length === 0) {
        setDraft(before => (hasOtherServers(before, draft) ? before : withoutSettings(before)))
      }
      go('servers')
    },
    toTry() {
      if (password === 'none') return
      const missing = faultsOf(draft)
      if (Object.keys(missing).length > 0) return judge(missing)
      connect(true)
    },
    connect,
    backToAddress: () => go('address'),
    /** The fields that the failure concerns stay marked. */
    backToServers: () => go('servers', connecting.error ? faultsOfError(connecting.error) : {}),
    stop() {
      running.current?.abort()
      connecting.reset()
      go('servers')
    },
  }
}

export type ConnectWizard = ReturnType<typeof useConnectWizard>

function passwordUse(way: SignInWay | undefined, chosen: DiscoveredSettings | undefined): PasswordUse {
  if (chosen?.takes_passwords === false) return 'none'
  return way?.kind === 'ready' || way?.kind === 'hosts_needed' ? 'optional' : 'required'
}

function withoutPassword({ 'imap.password': _, ...others }: Faults): Faults {
  return others
}

function isBadInput(faults: Faults, error: Error): boolean {
  return Object.keys(faults).length > 0 && 'code' in error && error.code === 'bad_request'
}

function isOfAddress(faults: Faults): boolean {
  return 'email' in faults || 'name' in faults
}
