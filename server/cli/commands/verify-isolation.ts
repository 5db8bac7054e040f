/** `aedes-push verify-isolation`: tries on a live server, with throw-away tokens, whether anybody receives what is not theirs. */
import type { Command } from 'commander'
import { randomBytes } from 'node:crypto'
import { ConfigError } from '../../settings.ts'
import { type Ask, Refusal } from '../ask.ts'
import { type ClientContext, describe, type Take } from '../client-command.ts'
import { EXIT, type ExitCode } from '../command-error.ts'
import { filled, repeated } from '../options.ts'
import { CHECKS } from '../verify/checks.ts'
import { type User, World } from '../verify/world.ts'
import { bytesOf } from '../where.ts'

interface VerifyOptions {
  readonly app?: readonly string[]
  readonly user?: string
  readonly userPasswordFile?: string
  readonly failFast?: true
}

interface Result {
  readonly check: string
  readonly tried: number
  readonly leaks: readonly string[]
  /** Why it was not tried. */
  readonly skipped?: string
  /** Why it proves nothing. */
  readonly failed?: string
}

export function register(root: Command, take: Take): void {
  const verify = describe(root.command('verify-isolation'), {
    about: 'Check on a live server, with throw-away tokens, whether anybody receives what is not theirs.',
    examples: [
      'verify-isolation',
      'verify-isolation --app chat --app news --json',
      'verify-isolation --fail-fast',
      'verify-isolation --user ann --user-password-file password.txt',
    ],
    notes:
      'It issues tokens for random apps, devices and accounts, or within --app if the key is limited to some apps. Real devices\n' +
      'get nothing. It takes some seconds and revokes its tokens at the end; if it is killed, they expire within 10 minutes.\n' +
      'Exits with 0 if it found nothing, 5 if somebody received what is not theirs, 1 if something could not be checked.',
  })
  verify
    .option('--app <app>', 'an app to use; repeat it for two', repeated)
    .option('--user <name>', 'a user of the password file, to check general topics too', filled)
    .option('--user-password-file <file>', 'a file with its password; default PUSH_USER_PASSWORD', filled)
    .option('--fail-fast', 'end after the first finding')
    .action((options: VerifyOptions) => take(verify, (context) => run(context, options)))
}

async function run(context: ClientContext, options: VerifyOptions): Promise<ExitCode> {
  const { out, url, mqttUrl, signal } = context
  const ask = await context.provider()
  const user = await userOf(options, context.env)
  const apps = options.app ?? (await appsOf(ask))
  const world = new World({ url: url(), mqttUrl: mqttUrl(), ask, apps, user, signal })
  const results: Result[] = []
  try {
    for (const { name, run: check } of CHECKS) {
      if (signal.aborted) break
      const [before, known] = [world.ledger.count, world.ledger.leaks.length]
      const came = await check(world).then(
        (skipped) => (skipped === undefined ? {} : { skipped }),
        (error: unknown) => ({ failed: error instanceof Error ? error.message : String(error) }),
      )
      world.ledger.check()
      const leaks = world.ledger.leaks.slice(known)
      const result: Result = { check: name, tried: world.ledger.count - before, leaks, ...came }
      results.push(result)
      if (!out.isJson) await out.line(inWords(result))
      if (options.failFast === true && leaks.length > 0) break
    }
  } finally {
    const left = await world.cleanUp()
    if (left > 0) context.say(`${left} tokens or keys could not be removed; they expire within 10 minutes`)
  }
  return await conclude(context, results)
}

async function conclude({ out, signal }: ClientContext, results: readonly Result[]): Promise<ExitCode> {
  const leaks = results.flatMap((result) => result.leaks)
  const isWhole = !signal.aborted && results.every(({ failed }) => failed === undefined)
  const tried = results.reduce((sum, result) => sum + result.tried, 0)
  const verdict = leaks.length > 0 ? 'leak' : isWhole ? 'sound' : 'unknown'
  const said = {
    leak: `${leaks.length} found: somebody received, or may do, what is not theirs`,
    sound: `${tried} tries: nobody received what is not theirs`,
    unknown: 'nothing was found, but not everything could be tried',
  }[verdict]
  await out.answer({ verdict, tried, leaks, results }, `\n${said}`)
  return { leak: EXIT.leak, sound: EXIT.done, unknown: EXIT.failed }[verdict]
}

function inWords({ check, tried, leaks, skipped, failed }: Result): string {
  const state = leaks.length > 0 ? 'LEAK' : failed !== undefined ? 'FAILED' : skipped !== undefined ? 'skipped' : 'ok'
  const why = failed ?? skipped
  const head = `${state.padEnd(8)}${check} (${tried} tried)${why === undefined ? '' : `: ${why}`}`
  return [head, ...leaks.map((leak) => `        - ${leak}`)].join('\n')
}

/** Undefined: the key may act for every app. @throws ConfigError */
async function appsOf(ask: Ask): Promise<undefined> {
  const app = `verify-${randomBytes(6).toString('hex')}`
  const body = { app, device: 'try', ttl: 60 }
  const issued = (await ask('POST', '/v1/tokens', body).catch((error: unknown) => {
    if (error instanceof Refusal && error.code === 'APP_FORBIDDEN')
      throw new ConfigError(
        'verify-isolation: this key does not act for every app; name one of its apps, or two, with --app',
      )
    throw error
  })) as { readonly tokenId: string }
  await ask('DELETE', `/v1/tokens/${issued.tokenId}`)
  return undefined
}

/** @throws ConfigError */
async function userOf(
  { user, userPasswordFile: file }: VerifyOptions,
  env: ClientContext['env'],
): Promise<User | undefined> {
  if (user === undefined) return undefined
  const password =
    file === undefined ? env.PUSH_USER_PASSWORD : (await bytesOf('--user-password-file', file)).toString().trimEnd()
  if (password === undefined || password === '')
    throw new ConfigError('--user-password-file: give the password of the user, or set PUSH_USER_PASSWORD')
  return { name: user, password }
}
