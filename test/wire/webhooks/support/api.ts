/** The calls of `/v1/webhooks`, as a back end makes them. */
import { type ApiTarget, issueToken, request, UnexpectedAnswer } from '../../../support/index.ts'

export const APP = 'shop'

export interface Made {
  readonly id: string
  readonly secret: string
}

type Options = Parameters<typeof request>[3]

async function expect(target: ApiTarget, status: number, method: string, path: string, options: Options = {}) {
  const answer = await request(target, method, path, options)
  if (answer.status !== status) throw new UnexpectedAnswer(`${method} ${path}`, answer)
  return answer.body
}

export async function makeWebhook(target: ApiTarget, url: string, fields: object = {}, options: Options = {}) {
  const body = { app: APP, url, ...fields }
  return (await expect(target, 201, 'POST', '/v1/webhooks', { body, ...options })) as Made
}

export const findWebhook = (target: ApiTarget, { id }: Pick<Made, 'id'>) =>
  expect(target, 200, 'GET', `/v1/webhooks/${id}`)

export const changeWebhook = (target: ApiTarget, { id }: Pick<Made, 'id'>, body: object, options: Options = {}) =>
  expect(target, 200, 'PATCH', `/v1/webhooks/${id}`, { body, ...options })

export const deleteWebhook = (target: ApiTarget, { id }: Pick<Made, 'id'>) =>
  expect(target, 204, 'DELETE', `/v1/webhooks/${id}`)

export const act = (
  target: ApiTarget,
  { id }: Pick<Made, 'id'>,
  what: 'test' | 'enable' | 'replay' | 'rotate',
  options: Options = {},
) => expect(target, what === 'rotate' ? 201 : 200, 'POST', `/v1/webhooks/${id}/${what}`, options)

/** An event of this device: that it was issued a token. Gives its token id. */
export async function happen(target: ApiTarget, device: string, app = APP): Promise<string> {
  return (await issueToken(target, { app, device })).tokenId
}
