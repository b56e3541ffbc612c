/** The ways to sign in: a password with an optional second factor, or a passkey. Passwords stay in the form. */
import { useMutation, useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { api } from '../../contract/index.ts'
import { ApiProblem, call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useEnter } from '../platform/session.ts'
import { canOfferPasskeys, givePasskey, isGivenUp, stopAsking } from './passkeys.ts'

/**
 * Returns the available ways to sign in.
 * @param isAskedAgain Refetches, if the cached response may be stale because a new link was opened.
 */
export function useSignInState({ isAskedAgain = false } = {}) {
  return useQuery({
    queryKey: queryKeys.signIn,
    ...(isAskedAgain ? { refetchOnMount: 'always' as const } : {}),
    queryFn: ({ signal }) => call(api.access.getSignInState, { signal }),
    // The set-up may have been completed in another window.
    refetchOnWindowFocus: 'always',
  })
}

export function usePasswordSignIn() {
  const enter = useEnter()
  const [challenge, setChallenge] = useState<string>()
  const password = useMutation({
    mutationFn: (given: { email: string; password: string }) => call(api.access.openSession, { body: given }),
    // The request contains a password, so it is not cached.
    gcTime: 0,
    onSuccess: async answer => {
      if (answer.status === 'signed_in') await enter(answer.session)
      else setChallenge(answer.challenge)
    },
  })
  const secondFactor = useMutation({
    mutationFn: (given: { challenge: string; code: string }) => call(api.access.giveSecondFactor, { body: given }),
    gcTime: 0,
    onSuccess: enter,
    onError: error => {
      if (isOver(error)) setChallenge(undefined)
    },
  })
  return {
    /** Set while the second factor is awaited. */
    challenge,
    password,
    secondFactor,
    /** Why the form returned to the password step. */
    wasTooSlow: secondFactor.error !== null && isOver(secondFactor.error),
    startAnew() {
      setChallenge(undefined)
      secondFactor.reset()
    },
  }
}

/** @param isOffered Whether the server accepts passkeys here; the browser then also offers them in autofill. */
export function usePasskeySignIn(isOffered: boolean) {
  const enter = useEnter()
  const { mutate, ...rest } = useMutation({
    mutationFn: async ({ waits }: { waits: boolean }) => {
      const challenge = await call(api.access.beginPasskeySignIn)
      return call(api.access.finishPasskeySignIn, { body: await givePasskey(challenge, waits) })
    },
    onSuccess: enter,
  })
  useEffect(() => {
    if (!isOffered) return
    let isHere = true
    const offer = async () => {
      if ((await canOfferPasskeys()) && isHere) mutate({ waits: true })
    }
    // Without the offer, there is still the button.
    offer().catch(() => undefined)
    return () => {
      isHere = false
      stopAsking().catch(() => undefined)
    }
  }, [isOffered, mutate])
  const { error, variables, isPending } = rest
  return {
    ask: () => mutate({ waits: false }),
    isAsking: isPending && variables?.waits === false,
    /** A failed offer that was not used is not an error. */
    error: error !== null && !isGivenUp(error) && !(variables?.waits && isOfferTrouble(error)) ? error : null,
  }
}

function isOver(error: Error): boolean {
  return error instanceof ApiProblem && error.code === 'challenge_invalid'
}

function isOfferTrouble(error: Error): boolean {
  return !(error instanceof ApiProblem) || !['sign_in_failed', 'challenge_invalid'].includes(error.code)
}
