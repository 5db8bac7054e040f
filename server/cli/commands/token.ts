/** `aedes-push token`: message tokens of devices. */
import type { Command } from 'commander'
import { ConfigError } from '../../settings.ts'
import type { Ask } from '../ask.ts'
import { describe, type Take } from '../client-command.ts'
import { readToken, tokenIdOf } from '../message-token.ts'
import { duration, filled, list } from '../options.ts'
import { columns, fields } from '../table.ts'

interface IssueOptions {
  readonly app: string
  readonly device?: string
  readonly account?: string
  readonly appVersion?: string
  readonly ttl?: number
  readonly tags?: readonly string[]
  readonly onlyToken?: true
}

interface IssuedToken {
  readonly token: string
  readonly tokenId: string
  readonly device: string
  readonly account: string
  readonly expiresAt: string
  readonly topics: { readonly private: string; readonly broadcast: string | null }
}

/** As `GET /v1/tokens` lists it. */
export interface ListedToken {
  readonly tokenId: string
  readonly state: string
  readonly version: string | null
  readonly tags: readonly string[]
  readonly lastSeen: string | null
  readonly expiresAt: string
}

interface WhoseOptions {
  readonly app?: string
  readonly account?: string
}

export function register(root: Command, take: Take): void {
  const token = root.command('token').description('Message tokens of devices.')
  issuing(token, take)
  looking(token, take)
  revoking(token, take)
}

function issuing(token: Command, take: Take): void {
  const issue = describe(token.command('issue'), {
    about: 'Issue a message token for one app of one account on one device. Only that device may have it.',
    examples: [
      'token issue --app chat --device phone-17 --account ann --app-version 2.1.0',
      'token issue --app chat --device phone-17 --account ann --app-version 2.1.0 --only-token > token.txt',
      'token issue --app chat --tags beta,staff --ttl 30d --json',
    ],
    notes:
      'Issuing again for the same three names keeps the token id and what is pending. Another account takes the device over.',
  })
  issue
    .requiredOption('--app <app>', 'the app', filled)
    .option('--device <device>', 'the device; by default, the server makes a name that nobody can guess', filled)
    .option('--account <account>', 'who is logged in; default nobody', filled)
    .option('--app-version <version>', 'version of the app on the device, for broadcasts', filled)
    .option('--ttl <time>', 'how long it is valid, such as 30d', duration)
    .option('--tags <tags>', 'comma-separated tags that replace those of the device', list)
    .option('--only-token', 'print the token and nothing else')
    .action((options: IssueOptions) =>
      take(issue, async ({ out, provider }) => {
        const { app, device, account, appVersion: version, ttl, tags, onlyToken } = options
        const fieldsOfBody = Object.entries({ app, device, account, version, ttl, tags })
        const body = Object.fromEntries(fieldsOfBody.filter(([, value]) => value !== undefined))
        const issued = (await (await provider())('POST', '/v1/tokens', body)) as IssuedToken
        if (onlyToken === true) return await out.line(issued.token)
        const { topics, tokenId, expiresAt, token: itself } = issued
        await out.answer(
          issued,
          fields({
            'token id': tokenId,
            device: issued.device,
            account: issued.account,
            expires: expiresAt,
            'private topic': topics.private,
            'broadcast topic': topics.broadcast ?? 'none',
            token: itself,
          }),
        )
      }),
    )
}

function looking(token: Command, take: Take): void {
  const all = describe(token.command('list'), {
    about: 'List the token ids of an app, or of one account.',
    examples: ['token list --app chat', 'token list --app chat --account ann --json'],
  })
  all
    .requiredOption('--app <app>', 'the app', filled)
    .option('--account <account>', 'only devices on which this account is logged in', filled)
    .action(({ app = '', account }: WhoseOptions) =>
      take(all, async ({ out, provider }) => {
        const tokens = await listTokens(await provider(), app, account)
        await out.answer(tokens, tokenTable(tokens))
      }),
    )
  const show = describe(token.command('show <token>'), {
    about: 'Show the state of a token id, given as such or as a message token.',
    examples: ['token show $TOKEN_ID', 'token show $TOKEN_ID --json'],
  })
  show.action((given: string) =>
    take(show, async ({ out, provider }) => {
      const shown = (await (await provider())('GET', tokenPath(given))) as object
      await out.answer(shown, fields(flat(shown)))
    }),
  )
}

function revoking(token: Command, take: Take): void {
  const revoke = describe(token.command('revoke [token]'), {
    about: 'Revoke every token issued so far: for a token id, an account or an app.',
    examples: [
      'token revoke $TOKEN_ID',
      'token revoke --app chat --account ann',
      'token revoke --app retired-app --every-account',
    ],
    notes: 'Pending messages stay, in case a token is issued again.',
  })
  revoke
    .option('--app <app>', 'the app of the account', filled)
    .option('--account <account>', 'on all of its devices', filled)
    .option('--every-account', 'all tokens of the app')
    .action((given: string | undefined, options: WhoseOptions & { readonly everyAccount?: true }) =>
      take(revoke, async ({ out, provider }) => {
        const { app, account, everyAccount } = options
        const isWhole = app !== undefined && (account !== undefined) !== (everyAccount === true)
        if (
          (given !== undefined) === isWhole ||
          (given !== undefined && (app ?? account ?? everyAccount) !== undefined)
        )
          throw new ConfigError('token revoke: name one token; or --app, with --account or --every-account')
        const ask = await provider()
        if (given !== undefined) {
          await ask('DELETE', tokenPath(given))
          const tokenId = tokenIdOf(given)
          return await out.answer({ tokenId, revoked: true }, `${tokenId} is revoked`)
        }
        const body = { app, ...(account === undefined ? {} : { account }) }
        await ask('POST', '/v1/tokens/revoke', body)
        const whose = account === undefined ? `app ${app}` : `account ${account} of app ${app}`
        await out.answer({ ...body, revoked: true }, `all tokens of ${whose} are revoked`)
      }),
    )
}

/** @throws ConfigError for what can be neither */
export function tokenPath(given: string): string {
  const tokenId = tokenIdOf(given)
  if (tokenId === given && given.includes('.') && readToken(given) === undefined)
    throw new ConfigError('the given token is neither a token id nor a message token')
  return `/v1/tokens/${encodeURIComponent(tokenId)}`
}

export async function listTokens(ask: Ask, app: string, account: string | undefined): Promise<ListedToken[]> {
  const all: ListedToken[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query: URLSearchParams = new URLSearchParams({
      app,
      limit: '1000',
      ...(account === undefined ? {} : { account }),
      ...(cursor === '' ? {} : { cursor }),
    })
    const page = (await ask('GET', `/v1/tokens?${query.toString()}`)) as {
      readonly tokens: readonly ListedToken[]
      readonly cursor: string | null
    }
    all.push(...page.tokens)
    cursor = page.cursor
  }
  return all
}

export function tokenTable(tokens: readonly ListedToken[]): string {
  const rows = tokens.map(({ tokenId, state, version, tags, lastSeen, expiresAt }) => [
    tokenId,
    state,
    version ?? '',
    tags.join(', '),
    lastSeen ?? '',
    expiresAt,
  ])
  return columns(['token id', 'state', 'version', 'tags', 'last seen', 'expires'], rows)
}

/** Names of what lies within with those around it: `pending messages`. */
export function flat(value: object, prefix = ''): Record<string, string> {
  const entries = Object.entries(value).map(([name, each]: [string, unknown]): Record<string, string> => {
    const whole = `${prefix}${name}`
    if (Array.isArray(each)) return { [whole]: each.join(', ') || 'none' }
    if (typeof each === 'object' && each !== null) return flat(each, `${whole} `)
    return { [whole]: each === null ? 'none' : typeof each === 'string' ? each : JSON.stringify(each) }
  })
  return Object.assign({}, ...entries) as Record<string, string>
}
