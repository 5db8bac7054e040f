/** What the tests use of `http_ece`, which has no types. */
declare module 'http_ece' {
  import type { ECDH } from 'node:crypto'

  interface Params {
    readonly version: 'aes128gcm'
    readonly privateKey: ECDH
    readonly authSecret: string
  }

  export function decrypt(body: Buffer, params: Params): Buffer
}
