/** One MQTT 5 connection of somebody, which keeps what it receives. */
import { connect, ErrorWithReasonCode, type MqttClient } from 'mqtt'
import { unreachable } from '../ask.ts'
import { Arrivals, inTime, type Receiver } from './ledger.ts'

export interface PeerOptions {
  readonly url: string
  readonly who: string
  readonly username: string
  readonly password: string
  readonly clientId?: string
  /** The session outlives the connection. */
  readonly kept?: boolean
}

export interface MqttPeer extends Receiver {
  readonly sessionPresent: boolean
  readonly isOpen: boolean
  /** Resolves when the connection is gone. @throws CommandError when it stays */
  readonly gone: () => Promise<unknown>
  /** Resolves after a packet and its answer, or when the connection is gone. */
  alive(): Promise<void>
  /** The reason code: below 0x80 it is granted. */
  subscribe(filter: string): Promise<number>
  /** The same; a connection that ends for it counts as a refusal. What is retained ends by itself as well. */
  publish(topic: string, text: string, retain?: boolean): Promise<number>
}

export const REFUSED = 0x80
const KEPT_S = 60
/** Of what is retained, s. */
const RETAINED_S = 600
/** A connection whose token has ended is closed at once, and at another node within a second. */
const GONE_MS = 5_000

/** Undefined: the server refuses this connection. @throws CommandError when nobody answers */
export async function connectPeer(options: PeerOptions): Promise<MqttPeer | undefined> {
  const { url, who, username, password, clientId, kept = false } = options
  const client = connect(url, {
    protocolVersion: 5,
    username,
    password,
    reconnectPeriod: 0,
    resubscribe: false,
    clean: !kept,
    ...(clientId === undefined ? {} : { clientId }),
    ...(kept ? { properties: { sessionExpiryInterval: KEPT_S } } : {}),
  })
  // Each answer that is awaited may be ended by it.
  client.setMaxListeners(0)
  const arrivals = new Arrivals(who)
  client.on('message', (_topic, payload) => arrivals.push(payload.toString()))
  const opened = await inTime<boolean | Error>(`no answer to CONNECT of ${who}`, (done) => {
    client.once('connect', ({ sessionPresent }) => done(sessionPresent))
    client.once('error', done)
    client.once('close', () => done(new Error('the connection was closed')))
  })
  client.on('error', () => undefined)
  if (typeof opened === 'boolean') return peerOf(client, arrivals, opened, options)
  client.end(true)
  if (opened instanceof ErrorWithReasonCode) return undefined
  throw unreachable(url, opened)
}

function peerOf(client: MqttClient, arrivals: Arrivals, sessionPresent: boolean, { who }: PeerOptions): MqttPeer {
  let isOpen = true
  client.once('close', () => {
    isOpen = false
  })
  const onceGone = (then: () => void) => void (isOpen ? client.once('close', then) : then())
  return {
    who,
    way: 'MQTT',
    received: arrivals.received,
    sessionPresent,
    get isOpen() {
      return isOpen
    },
    gone: () =>
      inTime<undefined>(`the connection of ${who} is still open`, (done) => onceGone(() => done(undefined)), GONE_MS),
    until: (text) => arrivals.until(text),
    async alive() {
      await inTime<void>(`no UNSUBACK for ${who}`, (done) => {
        client.unsubscribe('verify-isolation/nothing', () => done())
        onceGone(done)
      })
    },
    async subscribe(filter) {
      const code = await inTime<number>(`no SUBACK for ${who}`, (done) => {
        client.subscribe(filter, { qos: 1 }, (error, _granted, packet) => {
          const code = packet?.granted[0]
          done(typeof code === 'number' ? code : error === null ? 0 : REFUSED)
        })
        onceGone(() => done(REFUSED))
      })
      return code
    },
    async publish(topic, text, retain = false) {
      const options = {
        qos: 1,
        retain,
        ...(retain ? { properties: { messageExpiryInterval: RETAINED_S } } : {}),
      } as const
      return await inTime<number>(`no PUBACK for ${who}`, (done) => {
        client.publish(topic, text, options, (error, packet) => {
          const code = packet !== undefined && 'reasonCode' in packet ? packet.reasonCode : undefined
          done(typeof code === 'number' ? code : error === undefined || error === null ? 0 : REFUSED)
        })
        onceGone(() => done(REFUSED))
      })
    },
    async close() {
      if (isOpen) await client.endAsync()
    },
  }
}
