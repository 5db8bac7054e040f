/**
 * The provider key that each connection has shown last. A back end sends the same key with every request, and to hash it costs
 * more than all other checks of a request that has none but its key. Whether the key still holds is asked each time.
 */
import { hash, timingSafeEqual } from 'node:crypto'
import type { Socket } from 'node:net'
import type { FastifyRequest } from 'fastify'
import type { Auth, ShownKey } from '../auth/contract.ts'
import type { Provider } from '../topics/index.ts'

interface Shown extends ShownKey {
  /** All of the header. */
  readonly header: Buffer
}

export class ShownKeys {
  readonly #auth: Pick<Auth, 'providerShown'>
  readonly #last = new WeakMap<Socket, Shown>()

  constructor(auth: Pick<Auth, 'providerShown'>) {
    this.#auth = auth
  }

  /** Undefined: the connection has shown another one before, or none, or it holds no more. @throws STORE_UNAVAILABLE */
  find({ raw }: Pick<FastifyRequest, 'raw'>): Provider | undefined {
    const shown = this.#last.get(raw.socket)
    const { authorization } = raw.headers
    if (shown === undefined || authorization?.length !== shown.header.length) return undefined
    // A proxy may send requests of several clients over one connection: time must tell none of them of the others' keys.
    const isSame = timingSafeEqual(shown.header, Buffer.from(authorization, 'latin1'))
    return isSame ? this.#auth.providerShown(shown) : undefined
  }

  /** The key of this request is one of the provider. */
  remember({ raw }: Pick<FastifyRequest, 'raw'>, key: Uint8Array, { keyId }: Provider): void {
    const header = Buffer.from(raw.headers.authorization ?? '', 'latin1')
    this.#last.set(raw.socket, { header, digest: hash('sha256', key, 'buffer'), keyId })
  }
}
