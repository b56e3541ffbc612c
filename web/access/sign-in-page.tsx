/** The sign-in page, shown at every address to anonymous visitors. */
import { Entrance } from '../shell/entrance.tsx'
import { FormSkeleton } from './form-skeleton.tsx'
import { HowToFindTheLink } from './how-to-find-the-link.tsx'
import { SecondFactorStep } from './second-factor-step.tsx'
import { SignInForm } from './sign-in-form.tsx'
import { usePasswordSignIn, useSignInState } from './use-sign-in.ts'

export function SignInPage() {
  // Refetched, because the earlier response did not say why the session ended.
  const state = useSignInState({ isAskedAgain: true })
  const signIn = usePasswordSignIn()
  if (state.isPending) {
    return (
      <Entrance title="Sign in">
        <FormSkeleton />
      </Entrance>
    )
  }
  if (state.data?.setup_needed) {
    return (
      <Entrance title="Set up RustyMail">
        <p className="text-soft">
          There is no administrator yet. Open the set-up link that the server printed and choose a password.
        </p>
        <HowToFindTheLink />
      </Entrance>
    )
  }
  if (signIn.challenge !== undefined) {
    return (
      <Entrance key="second-factor" title="Second step">
        <SecondFactorStep challenge={signIn.challenge} sending={signIn.secondFactor} onStartAnew={signIn.startAnew} />
      </Entrance>
    )
  }
  // If the other ways are unknown, the password may still work.
  return (
    <Entrance key="password" title="Sign in">
      <SignInForm state={state.data} sending={signIn.password} wasTooSlow={signIn.wasTooSlow} />
    </Entrance>
  )
}
