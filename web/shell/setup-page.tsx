/** The end of the set-up link: takes the one-time token from behind the `#` and opens a session with it. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { useLocation } from 'wouter'
import { api } from '../../contract/index.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useSessionQuery } from '../platform/session.ts'
import { ButtonLink } from '../ui/button.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { Entrance } from './entrance.tsx'
import { HowToFindTheLink } from './signed-out-page.tsx'

export function SetupPage() {
  const queries = useQueryClient()
  const [, navigate] = useLocation()
  const { mutate, error, isPending, isIdle } = useMutation({
    mutationFn: (setupToken: string) => call(api.access.openSession, { body: { setup_token: setupToken } }),
    onSuccess: opened => {
      queries.setQueryData(queryKeys.session, opened)
      navigate('/', { replace: true })
    },
  })
  // The link may be an old one of somebody who is signed in.
  const session = useSessionQuery(error !== null)
  useEffect(() => {
    const token = decodeURIComponent(location.hash.slice(1))
    // Neither the history nor somebody looking on shall keep the token.
    history.replaceState(history.state, '', location.pathname)
    if (token) mutate(token)
  }, [mutate])
  if (isPending) {
    return (
      <Entrance title="Signing in">
        <p role="status" className="text-soft">
          One moment.
        </p>
      </Entrance>
    )
  }
  return (
    <Entrance title={error ? 'This link did not work' : 'Set up RustyMail'}>
      {error && <ErrorNote error={error} />}
      {isIdle && (
        <p className="text-soft">The link is not complete: the part after # is missing. Open it as it was printed.</p>
      )}
      <HowToFindTheLink />
      {session.data && <ButtonLink href="/">You are signed in already: go on</ButtonLink>}
    </Entrance>
  )
}
