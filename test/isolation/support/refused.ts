/** What must happen to a credential that is not right, on every road into the server. */
import type { Test } from 'tap'
import { connectDevice, connectRaw, request, type Server } from '../../support/index.ts'

export interface Refusal {
  /** CONNACK return code of MQTT 3.1.1. */
  readonly returnCode: number
  /** CONNACK reason code of MQTT 5. */
  readonly reason: number
  /** `code` of problem+json, and its status. */
  readonly code: string
  readonly status: number
}

export const INVALID: Refusal = { returnCode: 4, reason: 0x86, code: 'TOKEN_INVALID', status: 401 }
export const EXPIRED: Refusal = { returnCode: 5, reason: 0x87, code: 'TOKEN_EXPIRED', status: 401 }

/** A message token, or what pretends to be one, is refused over MQTT 3.1.1, MQTT 5, WebSocket and HTTP. */
export async function tokenIsRefused(t: Test, server: Server, token: string, refusal: Refusal, what: string) {
  const raw = await connectRaw(t, server.mqttPort, { protocolVersion: 4 })
  t.match(await raw.connect({ token }), { returnCode: refusal.returnCode, sessionPresent: false }, `${what}: 3.1.1`)
  await raw.closed
  const raw5 = await connectRaw(t, server.mqttPort, { protocolVersion: 5 })
  const connack = await raw5.connect({ token })
  t.match(connack, { reasonCode: refusal.reason, sessionPresent: false }, `${what}: MQTT 5`)
  t.type(connack.properties?.reasonString, 'string', `${what}: a reason in words`)
  t.notMatch(connack.properties?.reasonString, token.split('.')[2] || token, 'which does not quote the token')
  await raw5.closed
  await t.rejects(
    connectDevice(t, server, token, { transport: 'ws' }),
    { code: refusal.reason },
    `${what}: MQTT over WebSocket`,
  )
  for (const [method, path] of [
    ['GET', '/v1/messages'],
    ['POST', '/v1/messages/ack'],
    ['POST', '/v1/tokens'],
  ] as const) {
    const answer = await request(server, method, path, {
      bearer: token,
      ...(method === 'POST' ? { body: { cursor: 'x' } } : {}),
    })
    t.match(answer, { status: refusal.status, body: { code: refusal.code } }, `${what}: ${method} ${path}`)
  }
}
