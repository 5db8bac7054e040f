/** `aedes-push tail`: events of an app as they happen. */
import type { Command } from 'commander'
import { randomBytes } from 'node:crypto'
import type { Ask } from '../ask.ts'
import { describe, type ClientContext, type Take } from '../client-command.ts'
import { streamEvents } from '../events.ts'
import { tokenIdOf } from '../message-token.ts'
import { count, filled } from '../options.ts'

interface TailOptions {
  readonly app: string
  readonly types?: string
  readonly token?: string
  readonly id?: string
  readonly from?: string
  readonly consumer?: string
  readonly count?: number
}

interface PushEvent {
  readonly type: string
  readonly at: string
  readonly id?: string
  readonly tokenId?: string
  readonly topic?: string
  readonly payload?: string
  readonly payloadBase64?: string
}

export function register(root: Command, take: Take): void {
  const tail = describe(root.command('tail'), {
    about: 'Follow events: what became of messages with a receipt, what happened to tokens, and what devices publish.',
    examples: [
      'tail --app chat',
      'tail --app chat --types token.issued,token.revoked --json',
      'tail --app chat --types upstream --token $TOKEN_ID',
      'tail --app chat --consumer audit --from earliest --count 1',
    ],
    notes:
      'Without --consumer it starts now, and leaves nothing behind. The server keeps the position of a consumer: the same name\n' +
      'continues there. Ctrl-C ends it with exit code 0.',
  })
  tail
    .requiredOption('--app <app>', 'the app', filled)
    .option('--types <types>', 'comma-separated, such as message.* or token.issued; upstream must be named', filled)
    .option('--token <token>', 'only events of this token id', filled)
    .option('--id <id>', 'only events of this message', filled)
    .option('--consumer <name>', 'a name under which the position is kept', filled)
    .addOption(tail.createOption('--from <place>', 'where a new consumer starts').choices(['earliest', 'latest']))
    .option('--count <count>', 'end after this many events', count)
    .action((options: TailOptions) =>
      take(tail, async (context) => {
        const consumer = options.consumer ?? `tail-${randomBytes(9).toString('base64url')}`
        const ask = await context.provider()
        try {
          await follow(context, options, consumer, ask)
        } finally {
          // A reader that nobody comes back as would hold what is stored.
          if (options.consumer === undefined) await forget(ask, options.app, consumer)
        }
      }),
    )
}

async function follow(
  { url, key, out, say, signal }: ClientContext,
  { app, types, token, id: messageId, from, consumer: named, count: most = Infinity }: TailOptions,
  consumer: string,
  ask: Ask,
): Promise<void> {
  const tokenId = token === undefined ? undefined : tokenIdOf(token)
  const begin = from ?? (named === undefined ? 'latest' : 'earliest')
  const query = { app, consumer, from: begin, ...(types === undefined ? {} : { types }) }
  let left = most
  const stream = streamEvents({
    url: url(),
    path: '/v1/events/stream',
    query,
    bearer: await key(),
    signal,
    opened: (isFirst) => say(isFirst ? 'listening' : 'listening again'),
    lost: () => say('the connection is lost; trying again'),
  })
  for await (const { type, id, data } of stream) {
    if (type === 'missed') {
      say(`${String((data as { missed?: unknown }).missed)} events were lost: the log was full`)
      continue
    }
    const event = data as PushEvent
    const isAsked = (tokenId ?? event.tokenId) === event.tokenId && (messageId ?? event.id) === event.id
    if (isAsked) {
      await out.item(event, inWords(event))
      left -= 1
    }
    if (id !== undefined && id !== '') await ask('POST', '/v1/events/ack', { app, consumer, cursor: id })
    if (left <= 0) return
  }
}

async function forget(ask: Ask, app: string, consumer: string): Promise<void> {
  const path = `/v1/events/consumers/${encodeURIComponent(consumer)}?${new URLSearchParams({ app }).toString()}`
  // It ends by itself after 7 days where this does not arrive.
  await ask('DELETE', path).catch(() => undefined)
}

function inWords({ at, type, tokenId = '', id = '', topic, payload, payloadBase64 }: PushEvent): string {
  const content = topic === undefined ? [] : [topic, payload ?? `base64:${payloadBase64 ?? ''}`]
  return [at, type, tokenId, id, ...content].filter(Boolean).join(' ')
}
