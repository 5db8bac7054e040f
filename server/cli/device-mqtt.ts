/** A device over MQTT. What it handles is acknowledged afterwards. */
import { connect, ErrorWithReasonCode, type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt'
import { unreachable } from './ask.ts'
import { CommandError, EXIT } from './command-error.ts'

export interface MqttOptions {
  readonly url: string
  readonly username: string
  readonly password: string
  readonly clientId?: string
  readonly topics: readonly string[]
  readonly signal: AbortSignal
  /** Its PUBACK leaves when this has resolved. */
  readonly handle: (packet: IPublishPacket) => Promise<void>
  readonly opened: (isFirst: boolean) => void
  readonly lost: () => void
}

const CONNECT_MS = 15_000
const RECONNECT_MS = 2_000
/** Another connection of the token has come. */
const TAKEN_OVER = 0x8e
const WORDS: Readonly<Record<number, string>> = {
  0x86: 'the server does not know this token: it is no message token of it, or has ended',
  0x87: 'the server refuses this token: it is revoked, or has ended',
  [TAKEN_OVER]: 'another connection came with this token',
}
/** Those of a connection that may come again. */
const PASSING = new Set([0x88, 0x89, 0x8b, 0x8d, 0x9f])

/** Resolves when the signal has ended it. @throws CommandError when nothing more can come, or nobody answers at first */
export async function receiveMqtt(options: MqttOptions): Promise<void> {
  const client = connect(options.url, clientOptions(options))
  try {
    await new Promise<void>((resolve, reject) => {
      watch(client, options, resolve, reject)
    })
  } finally {
    client.removeAllListeners('close')
    await client.endAsync(true).catch(() => undefined)
  }
}

function clientOptions({ username, password, clientId }: MqttOptions): IClientOptions {
  return {
    protocolVersion: 5,
    username,
    password,
    ...(clientId === undefined ? {} : { clientId }),
    connectTimeout: CONNECT_MS,
    reconnectPeriod: RECONNECT_MS,
    // The server refused for good, or not: which is for us to say.
    reconnectOnConnackError: false,
    resubscribe: false,
  }
}

function watch(client: MqttClient, options: MqttOptions, done: () => void, failed: (error: unknown) => void): void {
  const { topics, signal, handle, opened, lost, url } = options
  let isFirst = true
  signal.addEventListener('abort', done, { once: true })
  if (signal.aborted) return done()
  client.handleMessage = (packet, callback) => {
    handle(packet).then(
      () => callback(),
      // Without a PUBACK: it comes again.
      (error: unknown) => failed(error),
    )
  }
  client.on('connect', () => {
    subscribe(client, topics).then(() => {
      opened(isFirst)
      isFirst = false
    }, failed)
  })
  client.on('error', (error) => {
    const refusal = refusalOf(error)
    if (refusal !== undefined) failed(refusal)
    else if (isFirst) failed(unreachable(withoutSecrets(url), error))
  })
  client.on('disconnect', ({ reasonCode = 0, properties }) => {
    if (!PASSING.has(reasonCode)) failed(new CommandError(EXIT.forbidden, said(reasonCode, properties?.reasonString)))
  })
  client.on('close', () => {
    if (isFirst) failed(unreachable(withoutSecrets(url), new Error('the connection was closed')))
    else lost()
  })
}

async function subscribe(client: MqttClient, topics: readonly string[]): Promise<void> {
  const granted = await client.subscribeAsync([...topics], { qos: 1 })
  const refused = granted.find(({ qos }) => qos >= 0x80)
  if (refused !== undefined) throw new CommandError(EXIT.forbidden, `the server refuses the topic ${refused.topic}`)
}

function refusalOf(error: Error): CommandError | undefined {
  if (!(error instanceof ErrorWithReasonCode) || PASSING.has(error.code)) return undefined
  return new CommandError(EXIT.forbidden, said(error.code, undefined))
}

function said(code: number, reason: string | undefined): string {
  const words = reason ?? WORDS[code] ?? 'the server ended the connection'
  return `${words} (MQTT reason code 0x${code.toString(16)})`
}

function withoutSecrets(address: string): string {
  const url = new URL(address)
  url.username = ''
  url.password = ''
  return url.href.replace(/\/$/, '')
}
