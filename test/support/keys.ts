/** Provider keys that the store keeps, as an administrator makes and changes them. */
import { type ApiTarget, request, UnexpectedAnswer } from './api.ts'

export interface Key {
  readonly id: string
  readonly key: string
}

export interface KeyRequest {
  /** Default `shop`. */
  readonly name?: string
  /** Default every app. */
  readonly apps?: readonly string[] | '*'
  readonly scopes: readonly string[]
  readonly expiresIn?: number
  readonly quotas?: object
  readonly user?: string
}

/** By the administrator's key, unless another one is given. */
export async function makeKey(target: ApiTarget, wanted: KeyRequest): Promise<Key> {
  return await asked(target, 201, 'POST', '/v1/keys', { name: 'shop', apps: '*', ...wanted })
}

export async function changeKey(target: ApiTarget, { id }: Key, change: object): Promise<void> {
  await asked(target, 200, 'PATCH', `/v1/keys/${id}`, change)
}

export async function rotateKey(target: ApiTarget, { id }: Key, overlap: number): Promise<Key> {
  return await asked(target, 201, 'POST', `/v1/keys/${id}/rotate`, { overlap })
}

export async function deleteKey(target: ApiTarget, { id }: Key): Promise<void> {
  await asked(target, 204, 'DELETE', `/v1/keys/${id}`)
}

async function asked(target: ApiTarget, status: number, method: string, path: string, body?: object) {
  const answer = await request(target, method, path, body === undefined ? {} : { body })
  if (answer.status !== status) throw new UnexpectedAnswer(`${method} ${path}`, answer)
  return answer.body
}
