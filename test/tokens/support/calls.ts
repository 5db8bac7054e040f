/** The calls about tokens, with whatever answer. */
import { type Answer, type ApiTarget, type Issued, request } from '../../support/index.ts'

export interface Token extends Issued {
  readonly device: string
  readonly account: string
  readonly renewAfter: string
  readonly renewUntil: string
}

/** `POST /v1/tokens`; the default credential is the administrator's key. */
export function ask(target: ApiTarget, body: object, bearer?: string): Promise<Answer> {
  return request(target, 'POST', '/v1/tokens', { body, ...(bearer === undefined ? {} : { bearer }) })
}

export async function issue(target: ApiTarget, body: object, bearer?: string): Promise<Token> {
  const answer = await ask(target, body, bearer)
  if (answer.status !== 201) throw new Error(`no token: ${answer.status} ${answer.text}`)
  return answer.body
}

export async function enrol(target: ApiTarget, body: object): Promise<{ id: string; code: string; expiresAt: string }> {
  const answer = await request(target, 'POST', '/v1/enrolments', { body })
  if (answer.status !== 201) throw new Error(`no code: ${answer.status} ${answer.text}`)
  return answer.body
}

/** What a device is answered to a look-up with its token: 200, or a code. */
export async function honoured(target: ApiTarget, token: string): Promise<string> {
  const { status, body } = await request(target, 'GET', '/v1/messages', { bearer: token })
  return status === 200 ? '200' : body.code
}

/** Status and code, in one. */
export function told({ status, body }: Answer): string {
  return body?.code === undefined ? `${status}` : `${status} ${body.code}`
}
