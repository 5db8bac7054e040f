/** `aedes-push send`: `POST /v1/messages`. */
import type { Command } from 'commander'
import type { Readable } from 'node:stream'
import { ConfigError } from '../../settings.ts'
import { describe, type Take } from '../client-command.ts'
import { EXIT } from '../command-error.ts'
import { duration, filled } from '../options.ts'
import { addReceivers, receiversOf, type ReceiverOptions } from '../receivers.ts'
import { bytesFrom, bytesOf } from '../where.ts'

interface SendOptions extends ReceiverOptions {
  readonly file?: string
  readonly jsonPayload?: true
  readonly ttl?: number
  readonly retain?: true
  readonly id?: string
  readonly collapseKey?: string
  readonly receipt?: true
  readonly dryRun?: true
}

interface Sent {
  readonly id: string
  readonly accepted: number
  readonly rejected: readonly { readonly token: string; readonly code: string }[]
  readonly expiresAt?: string
  readonly duplicate?: boolean
}

export function register(root: Command, take: Take): void {
  const send = describe(root.command('send [payload]'), {
    about: 'Send a message to one or more tokens, to an account, or to versions of an app.',
    examples: [
      "send --token $TOKEN_ID 'Your order is on its way' --ttl 1d --id order-1042-shipped",
      "send --app chat --app-versions '>=2.1 <3' 'Please update' --id update-7",
      'send --app chat --account ann --json-payload \'{"unread": 3}\' --collapse-key unread',
      'send --tokens-file tokens.txt - < message.txt',
      'send --token $TOKEN_ID --file picture.png --receipt --json',
    ],
    notes:
      'The payload is the argument, --file, or standard input if it is -. Bytes that are not UTF-8 are sent unchanged.\n' +
      'Exits with 1 if a receiver was rejected. With an --id, it is safe to repeat.',
  })
  send
    .option('--file <file>', 'the payload; - is standard input', filled)
    .option('--json-payload', 'send the payload as JSON')
    .option('--ttl <time>', 'how long it is kept, such as 1d; 0 is now or never', duration)
    .option('--retain', 'also keep it as the last message of its topic')
    .option('--id <id>', 'a repeat with the same id is accepted once', filled)
    .option('--collapse-key <key>', 'replace a pending message with the same key', filled)
    .option('--receipt', 'report with an event how it ends; see tail')
    .option('--dry-run', 'check everything, and send nothing')
  addReceivers(send).action((payload: string | undefined, options: SendOptions) =>
    take(send, async ({ out, provider, stdin }) => {
      const [to, content] = [await receiversOf(options, stdin), await contentOf(payload, options, stdin)]
      const { ttl, retain, id, collapseKey, receipt, dryRun } = options
      const rest = Object.entries({ ttl, retain, id, collapseKey, receipt, dryRun }).filter(
        ([, value]) => value !== undefined,
      )
      const ask = await provider()
      const sent = (await ask('POST', '/v1/messages', { to, ...content, ...Object.fromEntries(rest) })) as Sent
      await out.answer(sent, inWords(sent, dryRun === true))
      return sent.rejected.length === 0 ? EXIT.done : EXIT.failed
    }),
  )
}

function inWords({ id, accepted, rejected, expiresAt, duplicate }: Sent, isDry: boolean): string {
  const whom = accepted === 1 ? '1 receiver' : `${accepted} receivers`
  const head = isDry
    ? `${id} would be accepted for ${whom}; nothing was sent`
    : `${id} is accepted for ${whom}${duplicate === true ? ', which had it before' : ''}${expiresAt === undefined ? '' : `, until ${expiresAt}`}`
  return [head, ...rejected.map(({ token, code }) => `rejected: ${code} ${token}`)].join('\n')
}

/** @throws ConfigError */
async function contentOf(payload: string | undefined, { file, jsonPayload, tokensFile }: SendOptions, stdin: Readable) {
  const isStdin = payload === '-' || file === '-'
  if ((payload === undefined) === (file === undefined))
    throw new ConfigError('send: give the payload as one argument, or with --file, or - for standard input')
  if (isStdin && tokensFile === '-')
    throw new ConfigError('send: standard input holds the tokens or the payload, not both')
  if (payload !== undefined && !isStdin) return { payload: jsonPayload === true ? jsonOf(payload) : payload }
  const bytes = isStdin ? await bytesFrom(stdin) : await bytesOf('--file', file ?? '')
  const text = textOf(bytes)
  if (jsonPayload === true) return { payload: jsonOf(text ?? '') }
  return text === undefined ? { payloadBase64: bytes.toString('base64') } : { payload: text }
}

function textOf(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ConfigError('--json-payload: the payload is no JSON', { cause: error })
  }
}
