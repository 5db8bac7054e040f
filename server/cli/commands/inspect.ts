/** `aedes-push inspect`: a token, an account or the server, as an operator looks at it. */
import type { Command } from 'commander'
import { isTokenId } from '../../../topics/index.ts'
import { ConfigError } from '../../settings.ts'
import { type Ask, Refusal } from '../ask.ts'
import { type ClientContext, describe, type Take } from '../client-command.ts'
import { CommandError, EXIT } from '../command-error.ts'
import { readToken, tokenIdOf } from '../message-token.ts'
import { count, filled } from '../options.ts'
import { columns, fields } from '../table.ts'
import { flat, listTokens } from './token.ts'

interface InspectOptions {
  readonly app?: string
  readonly account?: string
  readonly limit: number
}

interface Pending {
  readonly messages: readonly {
    readonly id: string
    readonly log: string
    readonly payload?: string
    readonly bytes: number
    readonly storedAt: string
    readonly expiresAt: string
  }[]
  readonly more: boolean
}

interface Inspected {
  readonly token: object
  /** Null: the key may not read messages. */
  readonly pending: Pending | null
}

const SHOWN = 60

export function register(root: Command, take: Take): void {
  const inspect = describe(root.command('inspect [token]'), {
    about:
      'Show state, session, cursors and pending messages of a token, a token id or an account; or the state of the server.',
    examples: ['inspect', 'inspect $TOKEN_ID', 'inspect ann --app chat', 'inspect $TOKEN_ID --json --limit 100'],
    notes: 'An argument that is neither a token nor a token id is an account. Inspecting changes nothing.',
  })
  inspect
    .option('--app <app>', 'the app of the account', filled)
    .option('--account <account>', 'an account whose name looks like a token id', filled)
    .option('--limit <count>', 'at most this many pending messages', count, 20)
    .action((given: string | undefined, options: InspectOptions) =>
      take(inspect, async (context) => {
        const { app, account: named, limit } = options
        const ask = await context.provider()
        const account = named ?? (given === undefined || isToken(given) ? undefined : given)
        if (named !== undefined && given !== undefined)
          throw new ConfigError('inspect: name a token or an account, not both')
        if (account !== undefined) return await inspectAccount(context, ask, { app, account, limit })
        if (given === undefined) return await inspectServer(context, ask)
        const found = await inspectToken(ask, tokenIdOf(given), limit)
        await context.out.answer(found, inWords(found))
      }),
    )
}

function isToken(given: string): boolean {
  return isTokenId(given) || readToken(given) !== undefined
}

async function inspectServer({ out }: ClientContext, ask: Ask): Promise<void> {
  const overview = (await ask('GET', '/v1/overview')) as { readonly latency: unknown }
  const { latency: _latency, ...told } = overview
  await out.answer(overview, fields(flat(told)))
}

async function inspectAccount(
  { out }: ClientContext,
  ask: Ask,
  { app, account, limit }: { readonly app: string | undefined; readonly account: string; readonly limit: number },
): Promise<void> {
  if (app === undefined) throw new ConfigError('inspect: --app is missing; an account is one of an app')
  const tokens = await listTokens(ask, app, account)
  if (tokens.length === 0) throw new CommandError(EXIT.failed, `account ${account} of app ${app} is logged in nowhere`)
  const found: Inspected[] = []
  for (const { tokenId } of tokens) found.push(await inspectToken(ask, tokenId, limit))
  await out.answer(found, found.map(inWords).join('\n\n'))
}

async function inspectToken(ask: Ask, tokenId: string, limit: number): Promise<Inspected> {
  const path = `/v1/tokens/${encodeURIComponent(tokenId)}`
  const token = (await ask('GET', path)) as object
  const pending = await ask('GET', `${path}/messages?limit=${limit}`).catch((error: unknown) => {
    if (error instanceof Refusal && error.code === 'SCOPE_MISSING') return null
    throw error
  })
  return { token, pending: pending as Pending | null }
}

function inWords({ token, pending }: Inspected): string {
  const head = fields(flat(token))
  if (pending === null) return `${head}\n\nthis key may not read messages: messages:read is missing`
  if (pending.messages.length === 0) return `${head}\n\nnothing is pending`
  const rows = pending.messages.map(({ id, log, payload, bytes, storedAt, expiresAt }) => [
    id,
    log,
    storedAt,
    expiresAt,
    payload === undefined ? `${bytes} bytes` : oneLine(payload),
  ])
  const table = columns(['id', 'log', 'stored', 'expires', 'payload'], rows)
  return `${head}\n\n${table}${pending.more ? '\nthere is more: --limit' : ''}`
}

/** A terminal shows it: nothing in it may steer the terminal. */
function oneLine(payload: string): string {
  const text = JSON.stringify(payload)
    .slice(1, -1)
    .replace(/[\u007f-\u009f]/g, '?')
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text
}
