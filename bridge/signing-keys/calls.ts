/** Signing keys: the calls behind `/v1/signing-keys`. They are of no app, so that only a key for every app may make them. */
import type { Algorithm, Auth, SigningKeyInfo, SigningKeyState } from '../../auth/index.ts'
import { byProvider, type Audit } from '../../common/audit.ts'
import { PushError } from '../../errors.ts'
import type { Provider } from '../../topics/index.ts'
import type { Caller } from '../calls/call.ts'
import type { Rotation, SigningKeys } from './signing-keys.ts'

export interface SigningKeyAnswer {
  readonly kid: string
  readonly algorithm: Algorithm
  readonly state: SigningKeyState
  /** ISO 8601 in UTC; null: it is of a file. */
  readonly createdAt: string | null
  readonly signsFrom: string | null
  readonly retiredAt: string | null
}

type By = Pick<Caller, 'provider'>

/** @throws APP_FORBIDDEN; STORE_UNAVAILABLE */
export interface SigningKeyCalls {
  listSigningKeys(caller: By): Promise<{ readonly keys: readonly SigningKeyAnswer[] }>
  /** @throws KEYS_FROM_FILE, SIGNING_KEYS_LIMIT */
  rotateSigningKey(rotation: Rotation, caller: By): Promise<SigningKeyAnswer>
  /** @throws KEYS_FROM_FILE, KEY_UNKNOWN, SIGNING_KEY_IN_USE */
  retireSigningKey(kid: string, caller: By): Promise<SigningKeyAnswer>
}

interface SigningKeyContext {
  readonly auth: Pick<Auth, 'signingKeys'>
  /** Undefined: they are of a file. */
  readonly signing: SigningKeys | undefined
  readonly audit: Audit
}

export function createSigningKeyCalls({ auth, signing, audit }: SigningKeyContext): SigningKeyCalls {
  return {
    async listSigningKeys({ provider }) {
      checkApps(provider)
      return { keys: auth.signingKeys().map(answerOf) }
    },
    async rotateSigningKey(rotation, { provider }) {
      checkApps(provider)
      const key = await ofStore(signing).rotate(rotation)
      audit({ action: 'signing-key.rotated', by: byProvider(provider), id: key.kid })
      return answerOf(key)
    },
    async retireSigningKey(kid, { provider }) {
      checkApps(provider)
      const key = await ofStore(signing).retire(kid)
      audit({ action: 'signing-key.retired', by: byProvider(provider), id: kid })
      return answerOf(key)
    },
  }
}

function checkApps({ apps }: Provider): void {
  if (apps !== 'all') throw new PushError('APP_FORBIDDEN', 'signing keys need a provider key for every app')
}

function ofStore(signing: SigningKeys | undefined): SigningKeys {
  if (signing === undefined) throw new PushError('KEYS_FROM_FILE')
  return signing
}

function answerOf({ kid, algorithm, state, createdAt, signsFrom, retiredAt }: SigningKeyInfo): SigningKeyAnswer {
  return {
    kid,
    algorithm,
    state,
    createdAt: timeOf(createdAt),
    signsFrom: timeOf(signsFrom),
    retiredAt: timeOf(retiredAt),
  }
}

function timeOf(time: number | undefined): string | null {
  return time === undefined ? null : new Date(time).toISOString()
}
