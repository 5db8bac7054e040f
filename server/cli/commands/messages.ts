/** `aedes-push messages`: what became of a message, and taking it back. */
import type { Command } from 'commander'
import type { Readable } from 'node:stream'
import { describe, type Take } from '../client-command.ts'
import { EXIT } from '../command-error.ts'
import { addReceivers, receiversOf, type ReceiverOptions } from '../receivers.ts'
import { columns, fields } from '../table.ts'

interface State {
  readonly token?: string
  readonly state: string
  readonly storedAt?: string
  readonly expiresAt?: string
  readonly acknowledged?: number
  readonly sent?: number
  readonly mayHaveBeenSeen?: boolean
}

interface Followed extends Partial<State> {
  readonly id: string
  readonly states?: readonly State[]
  readonly rejected?: readonly { readonly token: string; readonly code: string }[]
}

export function register(root: Command, take: Take): void {
  const messages = root.command('messages').description('Show what became of a message, or recall it.')
  const verbs = [
    {
      verb: 'status',
      about: 'Show what became of a message: pending, acknowledged, expired and so on.',
      examples: ['messages status order-1042-shipped --token $TOKEN_ID', 'messages status update-7 --app chat --json'],
    },
    {
      verb: 'recall',
      about: 'Recall a message from receivers that have not acknowledged it.',
      examples: ['messages recall order-1042-shipped --token $TOKEN_ID', 'messages recall update-7 --app chat'],
    },
  ]
  for (const { verb, about, examples } of verbs) {
    const command = describe(messages.command(`${verb} <id>`), {
      about,
      examples,
      notes: '--app alone names a broadcast of that app. Exits with 1 if the message is unknown for a receiver.',
    })
    addReceivers(command).action((id: string, options: ReceiverOptions) =>
      take(command, async ({ out, provider, stdin }) => {
        const ask = await provider()
        const path = `/v1/messages/${encodeURIComponent(id)}/${verb}`
        const followed = (await ask('POST', path, { to: await whose(options, stdin) })) as Followed
        await out.answer(followed, inWords(followed))
        return (followed.rejected ?? []).length === 0 ? EXIT.done : EXIT.failed
      }),
    )
  }
}

/** A broadcast has its app alone. */
async function whose(options: ReceiverOptions, stdin: Readable): Promise<object> {
  const { app, ...others } = options
  const isBroadcast =
    app !== undefined &&
    !(['token', 'tokensFile', 'account', 'appVersion', 'appVersions'] as const).some(
      (name) => others[name] !== undefined,
    )
  return isBroadcast ? { app } : await receiversOf(options, stdin)
}

function inWords({ id, states, rejected = [], ...one }: Followed): string {
  const refused = rejected.map(({ token, code }) => `rejected: ${code} ${token}`)
  if (states === undefined) return fields({ id, ...texts(one) })
  const names = [...new Set(states.flatMap((state) => Object.keys(state)))]
  const rows = states.map((state) => names.map((name) => texts(state)[name] ?? ''))
  return [...(rows.length === 0 ? [] : [columns(names, rows)]), ...refused].join('\n')
}

function texts(state: object): Record<string, string> {
  return Object.fromEntries(Object.entries(state).map(([name, value]) => [name, String(value)]))
}
