/** The first page: a provider key, which goes to the server once and is kept nowhere. */
import { useState } from 'preact/hooks'
import { call } from './api/client.ts'
import type { Session } from './api/types.ts'
import { Failure, Notice } from './parts/basics.tsx'
import { Field, Form } from './parts/form.tsx'
import { useAction } from './state/call.ts'

interface SignInProps {
  readonly hasEnded: boolean
  readonly signedIn: (session: Session) => void
}

export function SignIn({ hasEnded, signedIn }: SignInProps) {
  const [key, setKey] = useState('')
  const [signing, sign] = useAction(async () => {
    const session = await call<Session>('POST', 'session', { body: { key: key.trim() } })
    setKey('')
    signedIn(session)
  })
  return (
    <main class="sign-in">
      <div class="card">
        <h1>
          <img src="icon.svg" alt="" width="28" height="28" /> aedes-push console
        </h1>
        {hasEnded && signing.error === undefined && (
          <Notice kind="info">Your session is over: its time was up, or its key holds no more.</Notice>
        )}
        <Form label="Sign in" submit={sign}>
          <Field
            label="Provider key"
            value={key}
            set={setKey}
            type="password"
            isRequired
            hint="Where none was set, the server made one: data/provider.key has it."
          />
          <button type="submit" class="primary block" disabled={signing.isBusy}>
            Sign in
          </button>
        </Form>
        <Failure error={signing.error} />
        <p class="muted small-text">
          You see and do what the key may, and nothing else. It is not kept in the browser.
        </p>
      </div>
    </main>
  )
}
