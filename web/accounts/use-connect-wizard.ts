/** The way from an address and a password to a connected account. Passwords live in this state alone. */
import { useMutation } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { api } from '../../contract/index.ts'
import { call } from '../platform/api-client.ts'
import {
  type AccountDraft,
  addressFaults,
  emptyDraft,
  type Faults,
  faultsOf,
  inputOf,
  withGuess,
  withoutEdited,
} from './account-draft.ts'
import { faultsOfError } from './form-faults.ts'
import { guessServers, type KnownProvider } from './known-servers.ts'
import { useAccountsChanged } from './use-accounts.ts'

export type WizardStep = 'address' | 'servers' | 'try'

export function useConnectWizard() {
  const [step, setStep] = useState<WizardStep>('address')
  const [draft, setDraft] = useState(emptyDraft)
  const [guessedFor, setGuessedFor] = useState('')
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
  return {
    step,
    draft,
    faults,
    connecting,
    provider: providerOf(draft),
    /** Changes whenever the faults were found again. */
    attempt,
    change(edited: AccountDraft) {
      setFaults(withoutEdited(faults, draft, edited))
      setDraft(edited)
    },
    toServers() {
      const found = addressFaults(draft)
      if (Object.keys(found).length > 0) return judge(found)
      const guess = guessServers(draft.email)
      // What was typed by hand stays until the address is another one.
      if (guess && draft.email !== guessedFor) {
        setDraft(withGuess(draft, guess))
        setGuessedFor(draft.email)
      }
      go('servers')
    },
    toTry() {
      const found = faultsOf(draft)
      if (Object.keys(found).length > 0) return judge(found)
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

function providerOf({ email }: AccountDraft): KnownProvider | undefined {
  return guessServers(email)?.provider
}

function isBadInput(faults: Faults, error: Error): boolean {
  return Object.keys(faults).length > 0 && 'code' in error && error.code === 'bad_request'
}

function isOfAddress(faults: Faults): boolean {
  return 'email' in faults || 'name' in faults
}
