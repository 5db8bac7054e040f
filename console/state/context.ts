/** Who is signed in, for every page. */
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Session } from '../api/types.ts'
import type { Feed } from './feed.ts'

export interface Signed {
  readonly session: Session
  readonly feed: Feed
}

const NOBODY: Signed = {
  session: { provider: '', apps: [], scopes: [], expiresAt: '' },
  feed: { latest: undefined, points: [], error: undefined },
}

export const SignedContext = createContext<Signed>(NOBODY)

export function useSigned(): Signed {
  return useContext(SignedContext)
}

/** Whether the key that is signed in has it. */
export function useMay(): (scope: string) => boolean {
  const { session } = useSigned()
  return (scope) => session.scopes.includes(scope)
}
