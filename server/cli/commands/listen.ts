/** `aedes-push listen`: what a device receives, with its message token. */
import type { Command } from 'commander'
import { ConfigError } from '../../settings.ts'
import { askAt } from '../ask.ts'
import { type ClientContext, describe, type Take } from '../client-command.ts'
import { receiveMqtt } from '../device-mqtt.ts'
import { streamEvents } from '../events.ts'
import { readToken, type TokenNames } from '../message-token.ts'
import { count, filled } from '../options.ts'
import { deviceToken, type DeviceOptions } from '../where.ts'

interface ListenOptions extends DeviceOptions {
  readonly http?: true
  readonly count?: number
  readonly clientId?: string
}

/** As a lookup and a stream have it. */
interface Message {
  readonly id: string | undefined
  readonly topic: string
  readonly payload?: string
  readonly payloadBase64?: string
  readonly storedAt?: string | undefined
  readonly expiresAt?: string | undefined
  readonly retain?: boolean
  readonly missed?: number | boolean
}

export function register(root: Command, take: Take): void {
  const listen = describe(root.command('listen'), {
    about: 'Receive messages as a device. Each one is printed, then acknowledged.',
    examples: [
      'listen --token-file token.txt',
      'listen --token-file token.txt --http --json',
      'token issue --app chat --device phone-17 --account ann --only-token | aedes-push listen --token-file - --count 1',
    ],
    notes:
      'Other users of this machine can see --token: prefer PUSH_TOKEN or a file. No provider key is needed.\n' +
      'Over MQTT it subscribes to the private topic and the broadcast topic of the token. Ctrl-C ends it with exit code 0.',
  })
  listen
    .option('--token <token>', 'the message token of the device (PUSH_TOKEN)', filled)
    .option('--token-file <file>', 'a file that holds it; - is standard input (PUSH_TOKEN_FILE)', filled)
    .option('--http', 'use HTTP (Server-Sent Events) instead of MQTT')
    .option('--count <count>', 'end after this many messages', count)
    .option('--client-id <id>', 'MQTT client id; random by default', filled)
    .action((options: ListenOptions) =>
      take(listen, async (context) => {
        const token = await deviceToken(options, context.env, context.stdin)
        const names = readToken(token)
        if (names === undefined) throw new ConfigError('the given token is no message token; token issue makes one')
        await (options.http === true ? overHttp : overMqtt)(context, token, options, names)
      }),
    )
}

/** Counts what is printed, and ends when it is enough. */
function counter(most: number | undefined): { readonly isDone: () => boolean; readonly add: () => boolean } {
  let left = most ?? Infinity
  return { isDone: () => left <= 0, add: () => --left <= 0 }
}

async function overMqtt(
  { out, say, signal, mqttUrl }: ClientContext,
  token: string,
  { count: most, clientId }: ListenOptions,
  { privateTopic, broadcastTopic }: TokenNames,
): Promise<void> {
  const enough = new AbortController()
  const printed = counter(most)
  await receiveMqtt({
    url: mqttUrl(),
    username: 'device',
    password: token,
    ...(clientId === undefined ? {} : { clientId }),
    topics: broadcastTopic === undefined ? [privateTopic] : [privateTopic, broadcastTopic],
    signal: AbortSignal.any([signal, enough.signal]),
    ...told(say),
    async handle({ topic, payload, retain, properties }) {
      // Nothing is acknowledged that is one too many.
      if (printed.isDone()) return await new Promise(() => undefined)
      const user = properties?.userProperties ?? {}
      const bytes = Buffer.from(payload)
      await print(out, {
        id: one(user.id),
        topic,
        ...contentOf(bytes),
        storedAt: one(user.storedAt),
        expiresAt: one(user.expiresAt),
        ...(retain ? { retain } : {}),
      })
      // Its PUBACK leaves before the connection ends.
      if (printed.add()) setImmediate(() => enough.abort())
    },
  })
}

async function overHttp(
  { out, say, signal, url }: ClientContext,
  token: string,
  { count: most }: ListenOptions,
): Promise<void> {
  const ask = askAt(url(), token)
  const printed = counter(most)
  const stream = { url: url(), path: '/v1/messages/stream', query: {}, bearer: token, signal, ...told(say) }
  for await (const { type, id, data } of streamEvents(stream)) {
    if (type !== 'message') continue
    await print(out, data as Message)
    if (id !== undefined) await ask('POST', '/v1/messages/ack', { cursor: id })
    if (printed.add()) return
  }
}

function told(say: (line: string) => void) {
  return {
    opened: (isFirst: boolean) => say(isFirst ? 'listening' : 'listening again'),
    lost: () => say('the connection is lost; trying again'),
  }
}

async function print(out: ClientContext['out'], message: Message): Promise<void> {
  const { topic, payload, payloadBase64 = '' } = message
  await out.item(message, `${topic} ${payload ?? `base64:${payloadBase64}`}`)
}

function contentOf(bytes: Buffer): Pick<Message, 'payload' | 'payloadBase64'> {
  try {
    return { payload: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) }
  } catch {
    return { payloadBase64: bytes.toString('base64') }
  }
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}
